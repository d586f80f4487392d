"""Rows and columns of a source in the order in which boxes count them: flipped, and begun elsewhere on the globe."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE, goes_around, is_longitude


@dataclass(frozen=True)
class GridView:
    """How the columns and rows that boxes count stand in a source.

    Attributes:
        shape: Rows and columns of the source.
        columns: Columns of the view; on a grid that goes around the globe there may be more than the source has.
        flip_y: Whether rows are counted from the source's last one.
        flip_x: Whether columns are counted from the source's last one.
        first_column: Column of the source, after ``flip_x``, that is column 0 of the view. Beyond the last one (or
            before the first) counting goes on around the globe, 360 degrees further.
    """

    shape: tuple[int, int]
    columns: int
    flip_y: bool = False
    flip_x: bool = False
    first_column: int = 0

    @classmethod
    def of(cls, grid: Grid) -> GridView:
        """The view that changes nothing."""
        return cls(grid.shape, grid.shape[1])

    @functools.cached_property
    def changes(self) -> dict[str, Any]:
        """What differs from the source's own order, JSON-able; empty when nothing does."""
        changes = {"flip_y": self.flip_y, "flip_x": self.flip_x, "first_column": self.first_column}
        changes = {name: value for name, value in changes.items() if value}
        return changes if self.columns == self.shape[1] else {**changes, "columns": self.columns}

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether the view is the source's own order."""
        return not self.changes

    def extended(self, before: int, after: int) -> GridView:
        """The view with more columns, around the globe."""
        return replace(self, columns=self.columns + before + after, first_column=self.first_column - before)

    def grid(self, native: Grid) -> Grid:
        """The source's grid in the order of the view, its longitudes monotonic."""
        rows = slice(None, None, -1 if self.flip_y else 1)
        turn = slice(None, None, -1 if self.flip_x else 1)
        width = self.shape[1]
        x, x_edges = native.x[turn], native.x_edges[turn]
        circle = np.copysign(CIRCLE, x_edges[-1] - x_edges[0])
        index = self.first_column + np.arange(self.columns)
        if self.columns == width and self.first_column % width == 0:
            x_edges = x_edges + circle * (self.first_column // width)
        else:
            edge = self.first_column + np.arange(self.columns + 1)
            x_edges = x_edges[edge % width] + circle * (edge // width)

        def taken(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if values is None else values[rows, turn][:, index % width]

        return replace(
            native,
            y=native.y[rows],
            y_edges=native.y_edges[rows],
            x=x[index % width] + circle * (index // width),
            x_edges=x_edges,
            latitude=taken(native.latitude),
            longitude=taken(native.longitude),
        )

    def read(self, read: Callable[[Box], NDArray[np.float32]], box: Box) -> NDArray[np.float32]:
        """Read a box of the view, [height, width].

        Args:
            read: Reads a box of the source in its own order.
            box: Cells of the view.
        """
        if self.is_plain:
            return read(box)
        rows, columns = self.shape
        y = rows - box.y - box.height if self.flip_y else box.y
        pieces: list[NDArray[np.float32]] = []
        start, left = (self.first_column + box.x) % columns, box.width
        while left:
            width = min(left, columns - start)
            x = columns - start - width if self.flip_x else start
            values = read(Box(y=y, x=x, height=box.height, width=width))
            pieces.append(values[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1])
            start, left = 0, left - width
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)


def is_periodic(grid: Grid) -> bool:
    """Whether a grid's columns go around the globe, so that the first follows on the last."""
    return is_longitude(grid.x_attrs) and goes_around(grid.x_edges)


def view_along(hr: Grid, other: Grid) -> GridView:
    """View of another grid whose axes run as the HR grid's do, and whose columns cover as much of it as they can.

    Longitudes are brought together by multiples of 360 degrees; columns that go around the globe begin at the HR grid's
    first edge where they would not cover it otherwise.
    """
    flip_y = bool((hr.y_edges[-1] > hr.y_edges[0]) != (other.y_edges[-1] > other.y_edges[0]))
    flip_x = bool((hr.x_edges[-1] > hr.x_edges[0]) != (other.x_edges[-1] > other.x_edges[0]))
    view = replace(GridView.of(other), flip_y=flip_y, flip_x=flip_x)
    if not (is_longitude(hr.x_attrs) and is_longitude(other.x_attrs)):
        return view
    sign = 1.0 if hr.x_edges[-1] > hr.x_edges[0] else -1.0
    edges = sign * view.grid(other).x_edges  # ascending, as the HR grid's
    west, east = sign * hr.x_edges[0], sign * hr.x_edges[-1]
    width = other.shape[1]
    turns = _turns(edges, west, east)
    shifted = edges + CIRCLE * turns
    tolerance = 1e-3 * (edges[-1] - edges[0]) / width
    if not is_periodic(other) or (shifted[0] <= west + tolerance and shifted[-1] >= east - tolerance):
        return replace(view, first_column=turns * width)
    step = CIRCLE / width
    first = int(np.floor((west - edges[0] + tolerance) / step))
    last = int(np.ceil((east - edges[0] - tolerance) / step))
    return replace(view, first_column=first, columns=max(width, last - first))


def _turns(edges: NDArray[np.float64], west: float, east: float) -> int:
    """Circles to add so that the edges overlap with [west, east] the most; none where that is as good."""
    middle = round((0.5 * (west + east) - 0.5 * (edges[0] + edges[-1])) / CIRCLE)

    def overlap(turns: int) -> float:
        return min(edges[-1] + CIRCLE * turns, east) - max(edges[0] + CIRCLE * turns, west)

    return max((0, middle - 1, middle, middle + 1), key=lambda turns: round(overlap(turns), 6))
