"""One level, member or height of a variable that has more dimensions than time, rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.errors import nearest
from stride_vars.family import split_member

from stride_data.errors import DataError
from stride_data.units import conversion

if TYPE_CHECKING:
    import xarray as xr

Selection: TypeAlias = Mapping[str, int | float | str]
"""Value of the coordinate, or position without one, by dimension (or by scalar coordinate, which is then checked)."""

_SPELLINGS = {"mb": "hPa", "mbar": "hPa", "millibar": "hPa", "millibars": "hPa"}
_NAMED_PRESSURE = {"isobaricinhpa": "hPa", "pressure_level": "hPa"}
_LISTED = 12


def pressure_level(key: str, catalogue: Catalogue) -> int | None:
    """Level in hPa of a catalogue key such as ``t_850``; None for a key that is on no pressure level."""
    member = split_member(key)
    return member[1] if member is not None and member[0] in catalogue.families() else None


def pressure_units(array: xr.DataArray) -> tuple[str, str] | None:
    """Name and units of the coordinate that gives a variable's pressure level; None when it has none.

    Args:
        array: The variable with its coordinates; a dimension goes before a scalar coordinate.
    """
    for name in (*array.dims, *(name for name in array.coords if array[name].ndim == 0)):
        if name not in array.coords:
            continue
        units = str(array[name].attrs.get("units", _NAMED_PRESSURE.get(str(name).lower(), "")))
        units = _SPELLINGS.get(units.lower(), units)
        if not units or " since " in units:
            continue
        try:
            conversion(units, "hPa")
        except DataError:
            continue
        return str(name), units
    return None


def find_selection(array: xr.DataArray, stated: Selection, level: int | None, path: Any, where: str) -> Selection:
    """What to select along a variable's further dimensions.

    Args:
        array: The variable with its coordinates.
        stated: The configuration's ``select``.
        level: Pressure level in hPa that the key asks for.
        path: The file, for messages.
        where: Key of the variable's configuration, for messages.

    Returns:
        The stated values and, for a level, that of the pressure coordinate in the file's own units.

    Raises:
        DataError: If a stated dimension is not there.
    """
    scalars = [str(name) for name in array.coords if array[name].ndim == 0]
    for name in stated:
        if name not in array.dims and name not in scalars:
            there = [str(dim) for dim in array.dims]
            raise DataError(
                f"{path}: '{array.name}' has no dimension '{name}', which {where}.select names.{nearest(name, there)}"
            )
    wanted = dict(stated)
    pressure = pressure_units(array) if level is not None else None
    if level is not None and pressure is not None and pressure[0] not in wanted:
        wanted[pressure[0]] = level / conversion(pressure[1], "hPa").scale
    return wanted


def select(array: xr.DataArray, wanted: Selection, path: Any, where: str) -> xr.DataArray:
    """The variable at the selected places, its other dimensions kept.

    Args:
        array: The variable with its coordinates.
        wanted: What ``find_selection`` gives.
        path: The file, for messages.
        where: Key of the variable's configuration, for messages.

    Raises:
        DataError: If the file does not hold what is asked for; what it holds is listed.
    """
    places: dict[str, int] = {}
    for name, value in wanted.items():
        if name not in array.coords:
            length = array.sizes.get(name, 0)
            if not isinstance(value, int) or not 0 <= value < length:
                raise DataError(
                    f"{path}: '{array.name}' has {length} places along '{name}', which has no coordinate; set "
                    f"{where}.select.{name} to one of 0 to {length - 1}."
                )
            places[name] = value
            continue
        coordinate = array[name]
        here = np.atleast_1d(coordinate.values)
        found = np.flatnonzero(_equal(here, value))
        if found.size != 1:
            units = f" {coordinate.attrs['units']}" if "units" in coordinate.attrs else ""
            listed = ", ".join(_text(item) for item in here[:_LISTED]) + (", ..." if here.size > _LISTED else "")
            raise DataError(
                f"{path}: '{array.name}' has {'no' if found.size == 0 else 'more than one'} {name} of {_text(value)}"
                f"{units}; it has {listed}, so choose another key or {where}.select."
            )
        if name in array.dims:
            places[name] = int(found[0])
    return array.isel(places)


def _equal(here: np.ndarray, value: int | float | str) -> np.ndarray:
    if here.dtype.kind in "iuf":
        try:
            # Levels are rounded to float32 in many files.
            return np.isclose(here.astype(np.float64), float(value), rtol=1e-6, atol=1e-9)
        except ValueError:
            return np.zeros(here.shape, bool)
    return np.array([_text(item) == str(value) for item in here])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    return f"{float(value):g}" if isinstance(value, int | float | np.number) else str(value).strip()
