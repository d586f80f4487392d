"""Where the cells of a grid lie on the Earth: from its own coordinates, or by its coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.ensemble_coordinates import grid_mapping_attrs

from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.units import conversion

if TYPE_CHECKING:
    import pyproj
    import xarray as xr

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]


def geographic(grid: Grid) -> Positions | None:
    """Latitude and longitude of the cell centres of any grid.

    Args:
        grid: A grid with two-dimensional latitudes and longitudes, with geographic coordinates along its axes, or with
            a ``crs``; the first that holds is taken.

    Returns:
        Latitude and longitude in degrees, [H, W] each, rows and columns in the grid's order; None when the grid does
        not say where it lies. Longitudes keep the file's convention where they come from a file.

    Raises:
        DataError: If pyproj cannot read the ``crs``, or the coordinates' units do not fit it.
    """
    if grid.latitude is not None and grid.longitude is not None:
        return grid.latitude, grid.longitude
    if is_latitude_longitude(grid):
        latitude, longitude = np.meshgrid(grid.y, grid.x, indexing="ij")
        return latitude, longitude
    if grid.crs is None:
        return None
    x, y = np.meshgrid(_in_units_of(grid, "x"), _in_units_of(grid, "y"))
    longitude, latitude = _to_native(grid.crs).transform(x, y, direction="INVERSE")
    return np.asarray(latitude), np.asarray(longitude)


def native_positions(grid: Grid, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Positions | None:
    """Coordinates ``y`` and ``x`` that a grid gives to positions on the Earth; the inverse of ``geographic``.

    Args:
        grid: A grid with geographic coordinates along its axes, or with a ``crs``.
        latitude: Degrees, any shape.
        longitude: Degrees, the same shape, in any convention.

    Returns:
        ``y`` and ``x`` in the units of the grid's coordinates, the shape of ``latitude``; longitudes as the grid counts
        them, within half a turn of its middle column. None when the grid has neither.

    Raises:
        DataError: As ``geographic``.
    """
    if is_latitude_longitude(grid):
        middle = 0.5 * (grid.x_edges[0] + grid.x_edges[-1])
        return latitude, middle + (longitude - middle + 180.0) % 360.0 - 180.0
    if grid.crs is None:
        return None
    x, y = _to_native(grid.crs).transform(longitude, latitude)
    scale_y, scale_x = (_units_factor(grid, axis) for axis in ("y", "x"))
    return np.asarray(y) / scale_y, np.asarray(x) / scale_x


def is_projected(crs: str) -> bool:
    """Whether a coordinate reference system counts in lengths on a map.

    Raises:
        DataError: If pyproj cannot read it.
    """
    return _crs(crs).is_projected


def is_latitude_longitude(grid: Grid) -> bool:
    """Whether rows are latitudes and columns longitudes of the Earth (not those of a rotated pole)."""
    if grid.crs is not None:
        crs = _crs(grid.crs)
        return crs.is_geographic and not crs.is_derived
    return _is_geographic(grid.y_attrs, "latitude", "north") and _is_geographic(grid.x_attrs, "longitude", "east")


def file_crs(dataset: xr.Dataset, array: xr.DataArray) -> str | None:
    """The coordinate reference system that a variable's CF grid mapping states, as WKT.

    Args:
        dataset: The opened file.
        array: The variable.

    Returns:
        None without a grid mapping, or with one that pyproj does not know (the source's key ``crs`` may state it).
    """
    import pyproj
    from pyproj.exceptions import CRSError

    text = str(array.attrs.get("grid_mapping", array.encoding.get("grid_mapping", ""))).split()
    name = text[0].rstrip(":") if text else None
    if name is None or name not in dataset.variables:
        return None
    attrs = {key: _plain(value) for key, value in dataset[name].attrs.items()}
    try:
        crs = pyproj.CRS.from_cf(attrs)
    except (CRSError, KeyError, TypeError, ValueError):
        return None
    return None if crs.is_geographic and not crs.is_derived else crs.to_wkt()


def grid_mapping(grid: Grid) -> dict[str, Any] | None:
    """Attributes of the CF grid mapping of a grid's ``crs``, with its WKT.

    Returns:
        None without a ``crs``, or for one that CF has no name for.
    """
    if grid.crs is None:
        return None
    attrs = _crs(grid.crs).to_cf()
    if attrs.get("grid_mapping_name", "unknown") == "unknown":
        return None
    return grid_mapping_attrs(attrs)


def check_crs(text: str, where: str) -> None:
    """Refuse a ``crs`` that pyproj does not read.

    Raises:
        DataError: One sentence that names the key.
    """
    try:
        _crs(text)
    except DataError as exc:
        raise DataError(f"{where}: {exc}") from exc


def _is_geographic(attrs: Mapping[str, Any], name: str, towards: str) -> bool:
    unit = str(attrs.get("units", "")).lower()
    spellings = (f"degrees_{towards}", f"degree_{towards}", f"degrees_{towards[0]}", f"degree_{towards[0]}")
    return attrs.get("standard_name") == name or unit in (*spellings, f"degrees{towards[0]}", f"degree{towards[0]}")


def _plain(value: Any) -> Any:
    # NetCDF attributes are numpy scalars and arrays, which pyproj does not take.
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _crs(text: str) -> pyproj.CRS:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError:
        raise DataError(
            f"'{text[:60]}' is no coordinate reference system that pyproj reads; write 'EPSG:3035', a PROJ text such "
            "as '+proj=lcc +lat_0=56.7 +lon_0=25', or WKT."
        ) from None


def _to_native(text: str) -> pyproj.Transformer:
    """From longitude and latitude on the system's own sphere or ellipsoid: models know no shift of datum."""
    import pyproj

    crs = _crs(text)
    base = crs.source_crs if crs.is_derived and crs.is_geographic else crs.geodetic_crs
    return pyproj.Transformer.from_crs(base, crs, always_xy=True)


def _in_units_of(grid: Grid, axis: str) -> NDArray[np.float64]:
    return getattr(grid, axis) * _units_factor(grid, axis)


def _units_factor(grid: Grid, axis: str) -> float:
    """What a coordinate is multiplied by to be in the units of the grid's ``crs``."""
    assert grid.crs is not None
    wanted = _crs(grid.crs).axis_info
    unit = wanted[0].unit_name if wanted else "metre"
    given = str((grid.y_attrs if axis == "y" else grid.x_attrs).get("units", ""))
    if unit == "degree" or given == "":
        return 1.0
    return conversion(given, unit).scale
