"""The cells of a source that an LR grid is made from; columns go around the globe where the source does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stride_data.discovery.grids import Grid, cell_edges
from stride_data.discovery.projection import is_latitude_longitude
from stride_data.errors import DataError
from stride_data.regridding.places import TOLERANCE, Places

# Cells kept beyond those needed, so that the edges of the outer ones are known from their neighbours.
_HALO = 2


@dataclass(frozen=True)
class Window:
    """A part of a source's grid, and the LR grid's places moved into its coordinates.

    Attributes:
        rows: Indices of the source's rows.
        columns: Indices of the source's columns; they pass from the last to the first where the window does.
        y: Coordinates of the rows.
        x: Coordinates of the columns, without a jump.
        places: The places, longitudes in the turn of ``x``; those at the border lie on it exactly.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    places: Places


def find_window(source: Grid, places: Places, method: str, where: str) -> Window:
    """The part of a source's grid that the places need.

    Args:
        source: Grid of the source.
        places: Centres of the LR cells in its coordinates.
        method: "bilinear" needs places between the centres of cells, "nearest" in cells, "conservative" whole cells.
        where: Key of the source's configuration, for messages.

    Raises:
        DataError: If places lie outside the source's domain.
    """
    y, x, columns = source.y, source.x, np.arange(source.x.size)
    y_edges, x_edges, y_places, x_places = source.y_edges, source.x_edges, places.y, places.x
    if is_latitude_longitude(source):
        if not places.along_axes:
            # Counted from the middle cell, places on both sides of the seam lie side by side.
            middle = x_places[x_places.shape[0] // 2, x_places.shape[1] // 2]
            x_places = middle + (x_places - middle + 180.0) % 360.0 - 180.0
        x_places = x_places + 360.0 * np.round((_middle(x_edges) - _middle(x_places)) / 360.0)
        step = abs(source.spacing[1])
        around = round(360.0 / step) if step else 0
        if 0 < around <= x.size and abs(around * step - 360.0) < step / 2:
            turn = 360.0 if x[-1] > x[0] else -360.0
            columns = np.tile(np.arange(around), 3)
            x = np.concatenate([x[:around] + turn * number for number in (-1, 0, 1)])
            x_edges = np.array([x_edges[0] - turn, x_edges[0] + 2 * turn])
    inside_y = _inside(y_places, y, y_edges, abs(source.spacing[0]), method)
    inside_x = _inside(x_places, x, x_edges, abs(source.spacing[1]), method)
    inside = inside_y[:, None] & inside_x[None] if places.along_axes else inside_y & inside_x
    if not inside.all():
        raise DataError(
            f"{where}: {int((~inside).sum())} of {inside.size} cells of data.lr_grid lie outside its domain (y "
            f"{_span(source.y_edges)}, x {_span(source.x_edges)}); take a smaller lr_grid or margin, or a source that "
            "covers it."
        )
    rows, near = _needed(y, y_places, method), _needed(x, x_places, method)
    # A place that lies on the border but for rounding is moved onto it.
    on = Places(np.clip(y_places, y.min(), y.max()), np.clip(x_places, x.min(), x.max()))
    return Window(rows, columns[near], y[rows], x[near], on)


def _middle(values: NDArray[np.float64]) -> float:
    return 0.5 * float(values.min() + values.max())


def _inside(
    places: NDArray[np.float64], centres: NDArray[np.float64], edges: NDArray[np.float64], step: float, method: str
) -> NDArray[np.bool_]:
    def between(at: NDArray[np.float64], border: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (at >= border.min() - TOLERANCE * step) & (at <= border.max() + TOLERANCE * step)

    if method == "nearest":
        return between(places, edges)
    if method == "conservative":
        whole = between(cell_edges(places), edges)
        return between(places, centres) & whole[1:] & whole[:-1]
    return between(places, centres)


def _needed(centres: NDArray[np.float64], places: NDArray[np.float64], method: str) -> NDArray[np.intp]:
    """Indices, in order, of the cells around the places, halo included."""
    at = cell_edges(places) if method == "conservative" else places
    descending = centres[-1] < centres[0]
    upwards = centres[::-1] if descending else centres
    start = max(0, int(np.searchsorted(upwards, at.min(), "right")) - 1 - _HALO)
    stop = min(centres.size, int(np.searchsorted(upwards, at.max(), "left")) + 1 + _HALO)
    found = np.arange(start, stop)
    return centres.size - 1 - found[::-1] if descending else found


def _span(edges: NDArray[np.float64]) -> str:
    return f"{edges[0]:g} to {edges[-1]:g}"
