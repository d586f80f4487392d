"""How the cells of one grid lie on those of another: an exact rational ratio and offset, or an error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.errors import DataError

# Coordinates may be rounded (float32 degrees); cell edges must agree to this share of an HR cell.
TOLERANCE = 0.05
LARGEST_DENOMINATOR = 16


@dataclass(frozen=True)
class AxisAlignment:
    """Edge ``j`` of the other grid lies on edge ``offset + j * ratio`` of the HR grid.

    Attributes:
        ratio: HR cells per cell of the other grid.
        offset: HR edge (may be fractional) of the other grid's first edge.
        cells: Cells of the other grid along this axis.
        hr_cells: Cells of the HR grid.
    """

    ratio: Fraction
    offset: Fraction
    cells: int
    hr_cells: int

    @property
    def period(self) -> int:
        """HR cells after which edges of both grids coincide again; sizes of boxes are multiples of it."""
        return self.ratio.numerator

    @property
    def phase(self) -> int | None:
        """The smallest HR edge >= 0, modulo the period, on which edges coincide; None if they never do."""
        for j in range(self.ratio.denominator):
            edge = self.offset + j * self.ratio
            if edge.denominator == 1:
                return int(edge) % self.period
        return None

    def anchors(self, start: int, stop: int) -> range:
        """HR edges in [start, stop] on which edges of both grids coincide."""
        phase = self.phase
        assert phase is not None
        first = start + (phase - start) % self.period
        return range(first, stop + 1, self.period)

    def covered(self) -> tuple[int, int]:
        """First and last HR edge between which the other grid covers every HR cell."""
        start = max(0, math.ceil(self.offset))
        return start, max(start, min(self.hr_cells, math.floor(self.edge(self.cells))))

    def index(self, edge: int | Fraction) -> Fraction:
        """Edge of the other grid at an HR edge; a whole number exactly when co-located."""
        return (edge - self.offset) / self.ratio

    def edge(self, index: int) -> Fraction:
        """HR edge at an edge of the other grid."""
        return self.offset + index * self.ratio

    def extended(self, before: int, after: int) -> AxisAlignment:
        """The alignment with more cells of the other grid on both ends."""
        return replace(self, offset=self.offset - before * self.ratio, cells=self.cells + before + after)


@dataclass(frozen=True)
class Alignment:
    """Alignment of a grid with the HR grid along both axes."""

    y: AxisAlignment
    x: AxisAlignment

    def box(self, hr: Box) -> Box | None:
        """The co-located box on the other grid; None if edges do not coincide or it leaves that grid."""
        y0, y1 = self.y.index(hr.y), self.y.index(hr.y + hr.height)
        x0, x1 = self.x.index(hr.x), self.x.index(hr.x + hr.width)
        if any(edge.denominator != 1 for edge in (y0, y1, x0, x1)):
            return None
        if y0 < 0 or x0 < 0 or y1 > self.y.cells or x1 > self.x.cells:
            return None
        return Box(y=int(y0), x=int(x0), height=int(y1 - y0), width=int(x1 - x0))


def align(hr: Grid, other: Grid, hr_name: str, other_name: str) -> Alignment:
    """Align a grid with the HR grid by their coordinates.

    Args:
        hr: The HR grid.
        other: A coarser grid, or one of the same spacing; its axes run as the HR grid's do (``regions.view``).
        hr_name: Name of the HR source, for messages.
        other_name: Name of the other source.

    Raises:
        DataError: If the grids do not overlap, or are not in a rational co-located ratio.
    """
    names = (hr_name, other_name)
    return Alignment(
        _align_axis(hr.y_edges, other.y_edges, "y", names), _align_axis(hr.x_edges, other.x_edges, "x", names)
    )


def _align_axis(
    hr: NDArray[np.float64], other: NDArray[np.float64], axis: str, names: tuple[str, str]
) -> AxisAlignment:
    who = f"sources {names[0]} and {names[1]} along {axis}"
    if (hr[-1] > hr[0]) != (other[-1] > other[0]):
        raise ValueError(f"{who}: coordinates run in opposite directions ({_span(hr)} and {_span(other)})")
    cells = hr.size - 1
    # Position of the other grid's edges in units of HR edges; exact on irregular grids too, inside the HR domain.
    sign = 1.0 if hr[-1] > hr[0] else -1.0
    positions = np.interp(sign * other, sign * hr, np.arange(hr.size, dtype=np.float64), left=np.nan, right=np.nan)
    step = (hr[-1] - hr[0]) / cells
    near = np.flatnonzero(np.isfinite(positions))
    # Edges half a rounding error outside the HR domain still count as its border.
    for j, edge in ((j, other[j]) for j in range(other.size) if not np.isfinite(positions[j])):
        for border, at in ((hr[0], 0.0), (hr[-1], float(cells))):
            if abs(edge - border) <= TOLERANCE * abs(step):
                positions[j] = at
    near = np.flatnonzero(np.isfinite(positions))
    if near.size < 2:
        raise DataError(
            f"{who}: they do not overlap by a whole cell ({_span(hr)} and {_span(other)}); check units and origin of "
            "their coordinates."
        )
    first, last = int(near[0]), int(near[-1])
    measured = (positions[last] - positions[first]) / (last - first)
    ratio = Fraction(measured).limit_denominator(LARGEST_DENOMINATOR)
    free = float(np.mean(positions[near] - near * float(ratio))) if ratio > 0 else 0.0
    offset = Fraction(round(free * ratio.denominator), ratio.denominator)
    fitted = float(offset) + near * float(ratio)
    worst = float(np.abs(fitted - positions[near]).max())
    alignment = AxisAlignment(ratio, offset, other.size - 1, cells)
    if ratio < 1 or worst > TOLERANCE or alignment.phase is None or alignment.period > cells:
        raise DataError(
            f"{who}: cells are not in a rational, co-located ratio (one cell of {names[1]} measures {measured:.4f} "
            f"cells of {names[0]}, and edges are off by up to {worst:.2f} of a cell); bring {names[1]} to a grid whose "
            f"cell edges fall on those of {names[0]}, or make it from a field on {names[0]}'s grid with block_average."
        )
    return alignment


def _span(edges: NDArray[np.float64]) -> str:
    return f"{edges[0]:g} to {edges[-1]:g}"
