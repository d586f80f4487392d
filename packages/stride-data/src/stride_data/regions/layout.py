"""The grids of all sources laid over the HR grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from stride_vars.regions import Box

from stride_data.config import BoxConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.regions.alignment import Alignment, align
from stride_data.regions.boxes import configured_cells
from stride_data.regions.frame import framed, hr_view
from stride_data.regions.selection import Cells
from stride_data.regions.view import GridView, is_periodic, view_along


@dataclass
class Layout:
    """Views and alignments while boxes are being resolved; columns around the globe are added as boxes need them.

    Attributes:
        sources: Scanned sources by name.
        hr_name: Name of the HR grid's source.
        views: By source name.
        alignments: By source name, of the viewed grid with the viewed HR grid.
    """

    sources: Mapping[str, FieldSource]
    hr_name: str
    views: dict[str, GridView] = field(default_factory=dict)
    alignments: dict[str, Alignment] = field(default_factory=dict)

    @classmethod
    def over(
        cls, sources: Mapping[str, FieldSource], names: Sequence[str], lr_name: str, boxes: Sequence[Cells]
    ) -> Layout:
        """Lay the grids of sources over that of the first one.

        Args:
            sources: Scanned sources by name.
            names: Those that samples read, the HR grid's first.
            lr_name: The LR grid's.
            boxes: Configured boxes on the HR grid, columns counted as in its file.

        Raises:
            DataError: If grids do not fit each other.
        """
        layout = cls(sources, names[0])
        native = sources[names[0]].grid
        view = hr_view(native, boxes)
        layout._lay(view, [lr_name])
        if view.first_column:
            # Begin with a whole LR cell, so that none is lost at the seam.
            along, turn = layout.alignments[lr_name].x, native.shape[1]
            begin = ((along.phase or 0) + view.first_column) % turn % along.period
            view = hr_view(native, boxes, range(begin, turn, along.period))
        layout._lay(view, names)
        return layout

    def _lay(self, view: GridView, names: Sequence[str]) -> None:
        hr = view.grid(self.sources[self.hr_name].grid)
        self.views[self.hr_name] = view
        for name in names:
            native = self.sources[name].grid
            if name != self.hr_name:
                self.views[name] = view_along(hr, native)
            self.alignments[name] = align(hr, self.views[name].grid(native), self.hr_name, name)

    def grid(self, name: str) -> Grid:
        """A source's grid in the order of its view."""
        return self.views[name].grid(self.sources[name].grid)

    def hr_cells(self, cells: Cells | None) -> Cells | None:
        """Configured HR cells, columns counted as the view counts them."""
        if cells is None:
            return None
        return framed(cells, self.views[self.hr_name], periodic=is_periodic(self.sources[self.hr_name].grid))

    def near_hr(self, x: int, width: int, hr: Box) -> int:
        """First column, as the HR grid's view counts, of a stretch given as in its file; near the HR box on a globe."""
        view, periodic = self.views[self.hr_name], is_periodic(self.sources[self.hr_name].grid)
        return framed(Cells(0, 1, x, width), view, periodic=periodic, near=(hr.x, hr.width)).x

    def edges(
        self, name: str, config: BoxConfig, where: str, near: tuple[float, float]
    ) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
        """First and last edge, along rows and columns of the HR grid, of a box configured on another source's grid.

        Args:
            name: The source.
            config: The box; its indices count the source's cells in the direction of the HR grid's axes.
            where: Key of the configuration, for messages.
            near: HR column and width near which the box lies, on grids that go around the globe.

        Raises:
            DataError: If no cell lies in the box.
        """
        view, native, alignment = self.views[name], self.sources[name].grid, self.alignments[name]
        turned = replace(view, first_column=0, columns=view.shape[1])
        cells = configured_cells(config, turned.grid(native), where)
        periodic = is_periodic(native)
        ratio = alignment.x.ratio
        cells = framed(
            cells, view, periodic=periodic, near=(float(alignment.x.index(round(near[0]))), float(near[1] / ratio))
        )
        if cells.y + cells.height > view.shape[0] or (not periodic and cells.x + cells.width > view.shape[1]):
            raise DataError(
                f"{where}: the box rows {cells.y} to {cells.y + cells.height - 1}, columns {cells.x} to "
                f"{cells.x + cells.width - 1} leaves the grid of source {name}, {view.shape[0]} x {view.shape[1]} "
                "cells; move or shrink it."
            )
        return (
            (alignment.y.edge(cells.y), alignment.y.edge(cells.y + cells.height)),
            (alignment.x.edge(cells.x), alignment.x.edge(cells.x + cells.width)),
        )

    def reach(self, name: str, first: Fraction, last: Fraction) -> None:
        """Add columns to a source that goes around the globe, so that it covers these HR edges."""
        if not is_periodic(self.sources[name].grid) or name == self.hr_name:
            return
        along = self.alignments[name].x
        before = max(0, -math.floor(along.index(first)))
        after = max(0, math.ceil(along.index(last)) - along.cells)
        self.views[name] = self.views[name].extended(before, after)
        self.alignments[name] = replace(self.alignments[name], x=along.extended(before, after))
