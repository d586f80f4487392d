"""Coordinates of boxes, for ``cond_coord`` and for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.discovery.projection import geographic, grid_mapping, is_latitude_longitude

Coordinates = dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]]
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
        prefix: "lr_" on the LR grid, "context_" on the context grid.

    Returns:
        ``y`` and ``x`` (native coordinates), and ``latitude`` and ``longitude`` where the file or a coordinate
        reference system tells them: one-dimensional where the native coordinates are geographic, else two-dimensional;
        and ``crs``, a single number whose attributes are the CF grid mapping, where the coordinate reference system is
        known; all with the prefix.
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
    elif is_latitude_longitude(grid):
        result[f"{prefix}latitude"] = ((y,), grid.y[rows], north)
        result[f"{prefix}longitude"] = ((x,), grid.x[columns], east)
    elif (found := geographic(replace(grid, y=grid.y[rows], x=grid.x[columns]))) is not None:
        result[f"{prefix}latitude"] = ((y, x), found[0], north)
        result[f"{prefix}longitude"] = ((y, x), found[1], east)
    mapping = grid_mapping(grid)
    return result if mapping is None else {**result, f"{prefix}crs": ((), np.array(0, np.int32), mapping)}


def box_coordinates(**boxes: tuple[Grid | None, Sequence[Box] | None]) -> dict[str, NDArray[Any]]:
    """The ``cond_coord`` of a batch: where the boxes of its samples lie, in cells and in coordinates.

    Args:
        boxes: By name ("hr", "lr", "context"), the grid and the samples' boxes on it; left out where there are none.

    Returns:
        ``<name>_box``: y, x, height, width, int64 [B, 4]; ``<name>_bounds``: as ``bounds``, float64 [B, 4].
    """
    result: dict[str, NDArray[Any]] = {}
    for name, (grid, some) in boxes.items():
        if grid is None or some is None:
            continue
        result[f"{name}_box"] = np.array([(box.y, box.x, box.height, box.width) for box in some], np.int64)
        result[f"{name}_bounds"] = np.array([bounds(grid, box) for box in some], np.float64)
    return result
