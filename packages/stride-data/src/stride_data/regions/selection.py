"""The cells of a grid whose centres lie between bounds in coordinates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stride_data.config_sections import BoxConfig
from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE, is_longitude
from stride_data.discovery.projection import geographic, is_latitude_longitude
from stride_data.errors import DataError
from stride_data.regions.view import is_periodic
from stride_data.units import conversion

# Rounded coordinates (float32 degrees) that should lie on a bound count as inside, to this share of a cell.
_TOLERANCE = 1e-3


class Cells(NamedTuple):
    """A stretch of rows and one of columns; columns may go on beyond the last one around the globe."""

    y: int
    height: int
    x: int
    width: int


def cells_between(config: BoxConfig, grid: Grid, where: str) -> Cells:
    """The smallest stretch of rows and columns that holds every cell whose centre lies within the bounds.

    ``south`` and ``north`` may be exchanged, and ``west`` and ``east`` where they are no longitudes. Longitudes are
    compared modulo 360: from ``west`` eastwards to ``east``.

    Args:
        config: A box in coordinates, in ``config.units`` or the grid's own.
        grid: The grid.
        where: Key of the configuration, for messages.

    Raises:
        DataError: If the units do not convert, or no cell lies there.
    """
    assert config.south is not None and config.north is not None and config.west is not None and config.east is not None
    south_north, west_east = (config.south, config.north), (config.west, config.east)
    if config.units is not None:
        on_earth = is_latitude_longitude(grid)
        degrees = config.units.lower().startswith("degree")
        if degrees and not on_earth:
            return _between_2d(grid, south_north, west_east, where)
        if not degrees:
            units = ["degrees"] * 2 if on_earth else [str(a.get("units", "")) for a in (grid.y_attrs, grid.x_attrs)]
            south_north = _converted(south_north, config.units, units[0], where)
            west_east = _converted(west_east, config.units, units[1], where)
    rows = _within(grid.y, south_north, _TOLERANCE * abs(grid.spacing[0]))
    tolerance = _TOLERANCE * abs(grid.spacing[1])
    if is_longitude(grid.x_attrs):
        columns = _eastwards(grid.x, west_east, tolerance)
    else:
        columns = _within(grid.x, west_east, tolerance)
    return Cells(
        *_stretch(rows, False, where, "y", south_north, grid.y),
        *_stretch(columns, is_periodic(grid), where, "x", west_east, grid.x),
    )


def _converted(bounds: tuple[float, float], units: str, wanted: str, where: str) -> tuple[float, float]:
    try:
        convert = conversion(units, wanted or "1")
    except DataError as exc:
        said = f"the grid's coordinates are in '{wanted}'" if wanted else "the grid's coordinates have no units"
        raise DataError(
            f"{where}.units: {str(exc).rstrip('.')}; {said}, so give bounds in units of that kind."
        ) from exc
    low, high = (convert.scale * bound + convert.offset for bound in bounds)
    return low, high


def _within(centres: NDArray[np.float64], bounds: tuple[float, float], tolerance: float = 0.0) -> NDArray[np.bool_]:
    return (centres >= min(bounds) - tolerance) & (centres <= max(bounds) + tolerance)


def _eastwards(
    longitudes: NDArray[np.float64], bounds: tuple[float, float], tolerance: float = 0.0
) -> NDArray[np.bool_]:
    west, east = bounds
    extent = east - west if east >= west else (east - west) % CIRCLE
    return (longitudes - west + tolerance) % CIRCLE <= extent + 2 * tolerance


def _between_2d(grid: Grid, south_north: tuple[float, float], west_east: tuple[float, float], where: str) -> Cells:
    found = geographic(grid)
    if found is None:
        raise DataError(
            f"{where}.units: the grid of {grid.shape[0]} x {grid.shape[1]} cells has no latitudes and longitudes, so "
            f"degrees select nothing; give its source a crs, or the bounds in its own coordinates "
            f"({grid.y_attrs.get('units', 'no units')}) or in cells."
        )
    latitude, longitude = found
    inside = _within(latitude, south_north) & _eastwards(longitude, west_east)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if rows.size == 0:
        raise DataError(
            f"{where}: no cell lies between {south_north[0]:g} and {south_north[1]:g} degrees north, {west_east[0]:g} "
            f"and {west_east[1]:g} degrees east (the grid spans {np.nanmin(latitude):g} to "
            f"{np.nanmax(latitude):g} north, {np.nanmin(longitude):g} to {np.nanmax(longitude):g} east); "
            "correct the bounds."
        )
    return Cells(int(rows[0]), int(rows[-1] - rows[0]) + 1, int(columns[0]), int(columns[-1] - columns[0]) + 1)


def _stretch(
    inside: NDArray[np.bool_],
    periodic: bool,
    where: str,
    axis: str,
    bounds: tuple[float, float],
    centres: NDArray[np.float64],
) -> tuple[int, int]:
    """Start and length of the one run of True."""
    count = int(inside.sum())
    if count == 0:
        raise DataError(
            f"{where}: no cell lies between {bounds[0]:g} and {bounds[1]:g} along {axis}, whose coordinates run from "
            f"{centres[0]:g} to {centres[-1]:g}; correct the bounds."
        )
    if count == inside.size:
        return 0, count
    before = np.concatenate([inside[-1:] if periodic else [False], inside[:-1]])
    starts = np.flatnonzero(inside & ~before)
    if starts.size > 1:
        raise DataError(
            f"{where}: the cells between {bounds[0]:g} and {bounds[1]:g} along {axis} are two separate stretches of "
            f"the grid, which runs from {centres[0]:g} to {centres[-1]:g}; choose a box of one piece."
        )
    return int(starts[0]), count
