"""Coordinates of boxes, for ``cond_coord`` and for files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid

Coordinates = dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, str]]]
"""Name to (dimensions, values, attributes), as xarray takes it."""


def bounds(grid: Grid, box: Box) -> tuple[float, float, float, float]:
    """Outer cell edges of a box in file coordinates: first row, last row, first column, last column."""
    return (
        float(grid.y_edges[box.y]),
        float(grid.y_edges[box.y + box.height]),
        float(grid.x_edges[box.x]),
        float(grid.x_edges[box.x + box.width]),
    )


def coordinates(grid: Grid, box: Box, prefix: str = "") -> Coordinates:
    """Coordinates of the cell centres of a box.

    Args:
        grid: The grid.
        box: Cells on it.
        prefix: "lr_" on the LR grid.

    Returns:
        ``y`` and ``x`` (native coordinates), and ``latitude`` and ``longitude`` where the file has them:
        one-dimensional where the native coordinates are geographic, else two-dimensional; all with the prefix.
    """
    rows, columns = box.slices
    y, x = f"{prefix}y", f"{prefix}x"
    result: Coordinates = {
        y: ((y,), grid.y[rows], {"axis": "Y", **grid.y_attrs}),
        x: ((x,), grid.x[columns], {"axis": "X", **grid.x_attrs}),
    }
    north = {"standard_name": "latitude", "units": "degrees_north"}
    east = {"standard_name": "longitude", "units": "degrees_east"}
    if grid.latitude is not None and grid.longitude is not None:
        result[f"{prefix}latitude"] = ((y, x), grid.latitude[box.slices], north)
        result[f"{prefix}longitude"] = ((y, x), grid.longitude[box.slices], east)
    elif _is(grid.y_attrs, north) and _is(grid.x_attrs, east):
        result[f"{prefix}latitude"] = ((y,), grid.y[rows], north)
        result[f"{prefix}longitude"] = ((x,), grid.x[columns], east)
    return result


def _is(attrs: Any, geographic: dict[str, str]) -> bool:
    return attrs.get("standard_name") == geographic["standard_name"] or attrs.get("units") == geographic["units"]


def stacked_bounds(grid: Grid, boxes: list[Box]) -> NDArray[np.float64]:
    """Bounds of several boxes, float64 [B, 4]."""
    return np.array([bounds(grid, box) for box in boxes], np.float64)


def stacked_boxes(boxes: list[Box]) -> NDArray[np.int64]:
    """Boxes as y, x, height, width, int64 [B, 4]."""
    return np.array([(box.y, box.x, box.height, box.width) for box in boxes], np.int64)
