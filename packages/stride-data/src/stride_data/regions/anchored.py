"""A box on another grid that moves with the HR box and keeps its place beside it exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.alignment import Alignment, AxisAlignment


class Margins(NamedTuple):
    """How far a box goes beyond another on each side; negative where it ends inside."""

    top: Fraction
    bottom: Fraction
    left: Fraction
    right: Fraction

    @classmethod
    def beyond(cls, hr: Box, *, y: tuple[Fraction, Fraction], x: tuple[Fraction, Fraction]) -> Margins:
        """Margins of a box beyond the HR box.

        Args:
            hr: The HR box.
            y: First and last edge of the box, in rows of the HR grid.
            x: First and last edge, in columns.
        """
        return cls(hr.y - y[0], y[1] - (hr.y + hr.height), hr.x - x[0], x[1] - (hr.x + hr.width))


@dataclass(frozen=True)
class AnchoredBox:
    """The LR or the context box of every HR box.

    Attributes:
        kind: "LR" or "context", for messages.
        where: Key of the configuration, for messages.
        grid: Its grid; boxes are indices on it.
        alignment: Of its grid with the HR grid.
        margins: Beyond the HR box, in HR cells.
    """

    kind: str
    where: str
    grid: Grid
    alignment: Alignment
    margins: Margins

    @property
    def hr_cell(self) -> tuple[float, float]:
        """Height and width of an HR cell in cells of the grid."""
        return (float(1 / self.alignment.y.ratio), float(1 / self.alignment.x.ratio))

    @property
    def offset(self) -> tuple[float, float]:
        """Cells of the grid from the box's first row and column edge to those of the HR box."""
        return (float(self.margins.top / self.alignment.y.ratio), float(self.margins.left / self.alignment.x.ratio))

    def spans(self, hr: Box) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
        """First and last edge along rows and along columns, on the HR grid."""
        top, bottom, left, right = self.margins
        return (hr.y - top, hr.y + hr.height + bottom), (hr.x - left, hr.x + hr.width + right)

    def fits(self, axis: str, start: int, length: int) -> bool:
        """Whether the box of an HR box that begins at ``start`` is made of whole cells of the grid, along one axis."""
        before, after = self.margins[:2] if axis == "y" else self.margins[2:]
        alignment: AxisAlignment = getattr(self.alignment, axis)
        first, last = (alignment.index(edge) for edge in (start - before, start + length + after))
        return first.denominator == last.denominator == 1 and 0 <= first < last <= alignment.cells

    def box(self, hr: Box) -> Box:
        """The box of an HR box.

        Raises:
            DataError: If its edges do not fall on those of cells, or it leaves its grid.
        """
        (top, bottom), (left, right) = self.spans(hr)
        edges = (*map(self.alignment.y.index, (top, bottom)), *map(self.alignment.x.index, (left, right)))
        if any(edge.denominator != 1 for edge in edges):
            y, x = self.alignment.y, self.alignment.x
            # Margins of the LR box are whole LR cells: then the HR box is at fault, wherever it comes from.
            where = "" if self.kind == "LR" else f"{self.where}: "
            raise DataError(
                f"{where}the {self.kind} box of the HR box {hr}, rows {_said(top)} to {_said(bottom)} and columns "
                f"{_said(left)} to {_said(right)} of the HR grid, is not made of whole {self.kind} cells "
                f"({y.ratio} x {x.ratio} HR cells each); begin it at multiples of ({y.period}, {x.period}) cells from "
                f"row {y.phase}, column {x.phase}."
            )
        y0, y1, x0, x1 = map(int, edges)
        rows, columns = self.alignment.y.cells, self.alignment.x.cells
        if y1 <= y0 or x1 <= x0:
            raise DataError(f"{self.where}: no {self.kind} cell is left for the HR box {hr}; use a larger box.")
        if y0 < 0 or x0 < 0 or y1 > rows or x1 > columns:
            raise DataError(
                f"{self.where}: the {self.kind} box of the HR box {hr}, rows {y0} to {y1 - 1} and columns {x0} to "
                f"{x1 - 1}, leaves the {self.kind} grid of {rows} x {columns} cells; use a smaller one or an HR box "
                "further inside."
            )
        return Box(y=y0, x=x0, height=y1 - y0, width=x1 - x0)


def _said(edge: Fraction) -> str:
    return str(edge) if edge.denominator == 1 else f"{float(edge):g}"
