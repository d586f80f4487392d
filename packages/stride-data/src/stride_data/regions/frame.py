"""Where the columns of a periodic HR grid begin, so that no configured box crosses their seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE
from stride_data.errors import DataError
from stride_data.regions.selection import Cells
from stride_data.regions.view import GridView, is_periodic


def hr_view(grid: Grid, boxes: Sequence[Cells], begins: range = range(1)) -> GridView:
    """View of the HR grid: as in the file, or, if a box crosses its seam, begun on the other side of the globe.

    Its longitudes are then those by which the middle of the widest box lies between -180 and 180 degrees.

    Args:
        grid: The HR grid as its source gives it.
        boxes: Configured boxes, columns counted as in the file.
        begins: Columns of the file at which the view had best begin: those where an LR cell begins.

    Raises:
        DataError: If the boxes together go around the whole globe.
    """
    view = GridView.of(grid)
    width = grid.shape[1]
    if not is_periodic(grid):
        return view

    def whole(first: int) -> bool:
        return all(box.width >= width or (box.x - first) % width + box.width <= width for box in boxes)

    if whole(0):
        return view
    widest = max((box for box in boxes if box.width < width), key=lambda box: box.width)
    opposite = widest.x + (widest.width + width) // 2

    def away(start: int) -> int:
        return min((start - opposite) % width, (opposite - start) % width)

    starts = [start for start in range(width) if whole(start)]
    if not starts:
        raise DataError(
            "data.region: the boxes hr and shuffle overlap on both sides of the globe, so no column is left at which "
            "to begin; let hr lie inside shuffle, or make one of them narrower."
        )
    first = min([start for start in starts if start in begins] or starts, key=away)
    rolled = replace(view, first_column=first)
    middle = rolled.grid(grid).x[(widest.x - first) % width + widest.width // 2]
    turns = int(np.floor((middle + 0.5 * CIRCLE) / CIRCLE)) * (1 if grid.spacing[1] > 0 else -1)
    return replace(rolled, first_column=first - turns * width)


def framed(cells: Cells, view: GridView, *, periodic: bool, near: tuple[float, float] | None = None) -> Cells:
    """Count columns as a view does.

    Args:
        cells: Columns counted from the source's first one (after flipping).
        view: The view.
        periodic: Whether the columns go around the globe.
        near: First column and width of a stretch of the view; of all turns around the globe, take the one whose middle
            is nearest to its middle. Otherwise that which begins in the view.
    """
    x, turn = cells.x - view.first_column, view.shape[1]
    if not periodic:
        # A regional grid may still be moved by whole turns.
        return cells._replace(x=cells.x)
    if near is None:
        return cells._replace(x=x % turn if cells.width < turn else 0)
    away = near[0] + 0.5 * near[1] - (x + 0.5 * cells.width)
    return cells._replace(x=x + turn * round(away / turn))


def as_box(cells: Cells) -> Box:
    """The same cells as a box."""
    return Box(y=cells.y, x=cells.x, height=cells.height, width=cells.width)
