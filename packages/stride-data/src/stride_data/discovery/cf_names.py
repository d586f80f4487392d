"""Which dimension is which, and which variable is meant: by CF attributes, then by usual names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError, nearest

from stride_data.config import DimsConfig, VariableConfig
from stride_data.discovery.grids import Grid
from stride_data.discovery.selection import pressure_level, pressure_units
from stride_data.errors import DataError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Dims:
    """Names of a variable's dimensions; ``time`` is None when it has none."""

    y: str
    x: str
    time: str | None = None


def find_variable(
    dataset: xr.Dataset,
    key: str,
    config: VariableConfig,
    catalogue: Catalogue,
    path: Any,
    where: str,
    *,
    on_level: bool = False,
) -> str:
    """Name under which a file carries a catalogue variable.

    Args:
        dataset: The opened file.
        key: Catalogue key.
        config: The configuration's entry; its ``name`` is taken when given.
        catalogue: Where names are resolved.
        path: The file, for messages.
        where: Key of the configuration, for messages.
        on_level: Whether the file's name gives the pressure level.

    Raises:
        DataError: If no variable, or more than one, fits.
    """
    present = [str(name) for name in dataset.data_vars]
    if config.name is not None:
        if config.name not in present:
            raise DataError(
                f"{path}: has no variable '{config.name}', which {where}.name asks for.{nearest(config.name, present)}"
            )
        return config.name
    # An .npz array is the one thing in its file and has no name of its own.
    if getattr(path, "suffix", "") == ".npz":
        return present[0]
    found = [name for name in present if _means(dataset[name], key, catalogue, on_level=on_level)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{path}: {', '.join(found)} all mean '{key}'; set {where}.name to one of them.")
    raise DataError(f"{path}: no variable means '{key}'; set {where}.name to one of {', '.join(present) or 'none'}.")


def name_means(name: str, key: str, catalogue: Catalogue) -> bool:
    """Whether a name stands for a catalogue key; that of a family (``ta``) stands for each of its levels.

    Args:
        name: A variable's name, in a file or in a file's name.
        key: Catalogue key.
        catalogue: Where names are resolved.
    """
    level = pressure_level(key, catalogue)
    return _resolved(name, catalogue) == key or (level is not None and _resolved(f"{name}_{level}", catalogue) == key)


def _means(array: xr.DataArray, key: str, catalogue: Catalogue, *, on_level: bool) -> bool:
    name, standard_name = str(array.name), array.attrs.get("standard_name")
    resolved = _resolved(name, catalogue)
    if key in (resolved, _resolved(standard_name, catalogue)):
        return True
    # A family's name or standard name means a level only of a variable that says on which levels it is.
    if resolved is not None or pressure_level(key, catalogue) is None:
        return False
    family = name_means(name, key, catalogue) or standard_name == (catalogue.get(key).standard_name or "")
    return family and (on_level or pressure_units(array) is not None)


def _resolved(text: Any, catalogue: Catalogue) -> str | None:
    try:
        return catalogue.resolve(text).key if isinstance(text, str) else None
    except StrideError:
        return None


def find_dims(array: xr.DataArray, config: DimsConfig, path: Any, where: str, select: str = "select") -> Dims:
    """Roles of a variable's dimensions.

    Args:
        array: The variable with its coordinates.
        config: Names stated by the configuration, which win.
        path: The file, for messages.
        where: Key of the configuration, for messages.
        select: Key that selects along further dimensions, for messages.

    Raises:
        DataError: If y or x cannot be told, or another dimension is longer than one.
    """
    import cf_xarray  # noqa: F401 (registers the accessor)

    dims = [str(dim) for dim in array.dims]
    for role in ("time", "y", "x"):
        stated = getattr(config, role)
        if stated is not None and stated not in dims and role != "time":
            raise DataError(
                f"{path}: '{array.name}' has no dimension '{stated}', which {where}.{role} names."
                f"{nearest(stated, dims)}"
            )
    # Dimensions without coordinates are told by their names too, once they have some.
    bare = {dim: np.arange(array.sizes[dim]) for dim in dims if dim not in array.coords}
    guessed = array.to_dataset(name="field").assign_coords(bare).cf.guess_coord_axis()
    axes, coordinates = guessed.cf.axes, guessed.cf.coordinates

    def role_of(stated: str | None, axis: str, coordinate: str) -> str | None:
        if stated is not None:
            return stated if stated in dims else None
        names = [*axes.get(axis, []), *coordinates.get(coordinate, [])]
        return next((name for name in names if name in dims), None)

    y, x = role_of(config.y, "Y", "latitude"), role_of(config.x, "X", "longitude")
    time = role_of(config.time, "T", "time")
    if time is None and config.time is None:
        since = [dim for dim in dims if dim in array.coords and " since " in str(array[dim].attrs.get("units", ""))]
        time = since[0] if since else None
    for role, name in (("y", y), ("x", x)):
        if name is None:
            raise DataError(
                f"{path}: which dimension of '{array.name}' is {role} cannot be told from ({', '.join(dims)}); set "
                f"{where}.{role}."
            )
    assert y is not None and x is not None
    for dim in dims:
        if dim not in (y, x, time) and array.sizes[dim] > 1:
            raise DataError(
                f"{path}: '{array.name}' has a further dimension '{dim}' of length {array.sizes[dim]}; choose one with "
                f"{select}, such as {{{dim}: {_first_value(array, dim)}}} (or set {where}.time if it is the time)."
            )
    return Dims(y=y, x=x, time=time)


def _first_value(array: xr.DataArray, dim: str) -> str:
    return str(array[dim].values[0]) if dim in array.coords else "0"


def read_grid(array: xr.DataArray, dims: Dims, crs: str | None = None) -> Grid | None:
    """The grid that a variable's coordinates give; None when it has no one-dimensional ones.

    Args:
        array: The variable with its coordinates.
        dims: Its dimensions.
        crs: Coordinate reference system of the coordinates, where known.
    """
    if dims.y not in array.coords or dims.x not in array.coords:
        return None
    latitude, longitude = (_two_dimensional(array, dims, name) for name in ("latitude", "longitude"))
    return Grid.from_centres(
        array[dims.y].values,
        array[dims.x].values,
        y_attrs=_plain(array[dims.y].attrs),
        x_attrs=_plain(array[dims.x].attrs),
        latitude=latitude,
        longitude=longitude,
        crs=crs,
    )


def _two_dimensional(array: xr.DataArray, dims: Dims, name: str) -> np.ndarray | None:
    for found in array.cf.coordinates.get(name, []):
        if found in array.coords and set(array[found].dims) == {dims.y, dims.x}:
            return np.asarray(array[found].transpose(dims.y, dims.x).values, np.float64)
    return None


def _plain(attrs: Any) -> dict[str, str]:
    # Only what describes the coordinate itself; `bounds` and the like point into the file that it came from.
    return {key: str(attrs[key]) for key in ("units", "standard_name", "long_name", "axis") if key in attrs}
