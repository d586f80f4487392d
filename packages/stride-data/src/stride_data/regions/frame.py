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


def hr_view(grid: Grid, boxes: Sequence[Cells], anchor: int = 1) -> GridView:
    """View of the HR grid: as in the file, or begun at a column from which every box is in one piece.

    Its longitudes then begin between -180 and 180 degrees.

    Args:
        grid: The HR grid as its source gives it.
        boxes: Configured boxes, columns counted as in the file.
        anchor: The view begins at one of these many columns before a box: where an LR cell begins.

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
    starts = [(box.x - back) % width for box in boxes for back in range(anchor)]
    first = next((start for start in starts if whole(start)), None)
    if first is None:
        raise DataError(
            "data.region: the boxes hr and shuffle overlap on both sides of the globe, so no column is left at which "
            "to begin; let hr lie inside shuffle, or make one of them narrower."
        )
    edge = view.grid(grid).x_edges[first]
    turns = int(np.floor((edge + 0.5 * CIRCLE) / CIRCLE)) * (1 if grid.spacing[1] > 0 else -1)
    return replace(view, first_column=first - turns * width)


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
