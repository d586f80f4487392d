"""From a configured box to cells: indices or coordinates, checked against the domain and the LR cells."""

from __future__ import annotations

from collections.abc import Mapping

from stride_vars.regions import Box

from stride_data.config import BoxConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.alignment import Alignment, AxisAlignment
from stride_data.regions.frame import as_box
from stride_data.regions.selection import Cells, cells_between


def covered_box(grid: Grid, alignments: Mapping[str, Alignment]) -> Box:
    """The box of HR cells that every source covers.

    Args:
        grid: The HR grid.
        alignments: By source name, of all sources that samples read.

    Raises:
        DataError: If there is none.
    """
    spans: list[tuple[int, int]] = []
    for axis, size in zip("yx", grid.shape, strict=True):
        start, stop = 0, size
        for alignment in alignments.values():
            first, last = getattr(alignment, axis).covered()
            start, stop = max(start, first), min(stop, last)
        spans.append((start, stop - start))
        if stop <= start:
            raise _apart(alignments, axis)
    (y, height), (x, width) = spans
    return Box(y=y, x=x, height=height, width=width)


def domain_box(covered: Box, alignments: Mapping[str, Alignment]) -> Box:
    """The largest box inside that is co-located with all sources.

    Args:
        covered: Cells that all sources cover.
        alignments: By source name, of all sources that samples read.

    Raises:
        DataError: If there is none.
    """
    spans: list[tuple[int, int]] = []
    for axis, start, size in (("y", covered.y, covered.height), ("x", covered.x, covered.width)):
        coarsest: AxisAlignment = max((getattr(a, axis) for a in alignments.values()), key=lambda a: a.period)
        anchors = coarsest.anchors(start, start + size)
        if len(anchors) < 2:
            raise _apart(alignments, axis)
        spans.append((anchors[0], anchors[-1] - anchors[0]))
    (y, height), (x, width) = spans
    return Box(y=y, x=x, height=height, width=width)


def _apart(alignments: Mapping[str, Alignment], axis: str) -> DataError:
    return DataError(
        f"sources {', '.join(alignments)} share no stretch of cells along {axis}; check their coordinates."
    )


def configured_cells(config: BoxConfig, grid: Grid, where: str) -> Cells:
    """Cells of a configured box, counted as in its source (after flipping): as given, or those between its bounds."""
    if config.y is None or config.x is None or config.height is None or config.width is None:
        return cells_between(config, grid, where)
    return Cells(config.y, config.height, config.x, config.width)


def resolve_box(
    cells: Cells | None,
    domain: Box,
    lr: AxisPair,
    where: str,
    *,
    given: BoxConfig | None,
    origin: int = 0,
    around: tuple[Alignment, int] | None = None,
) -> Box:
    """Check a box of HR cells.

    Args:
        cells: Its cells; None takes the whole domain.
        domain: Cells that all sources cover.
        lr: Alignments of the LR grid along y and x; the box must consist of whole LR cells. A box given in coordinates
            is cut to them.
        where: Key of the configuration, for messages.
        given: The configured box.
        origin: Column of the file that is column 0, for messages.
        around: Alignment of the context grid, and the margin in HR cells of the context box: a box given in coordinates
            is cut so that its context box consists of whole context cells.

    Raises:
        DataError: If the box leaves the domain, is empty, or is not co-located.
    """
    if cells is None or given is None:
        return domain
    box = as_box(cells if given.in_indices else _cut(cells, lr, where, around))
    check_inside(box, domain, where)
    check_colocated(box, lr, where, origin)
    return box


def check_inside(box: Box, domain: Box, where: str) -> None:
    """Refuse a box that leaves the domain.

    Raises:
        DataError: If it does.
    """
    if not domain.contains(box):
        raise DataError(
            f"{where}: the box {said(box)} leaves the domain {said(domain)} that all sources cover; move or shrink it."
        )


AxisPair = tuple[AxisAlignment, AxisAlignment]


def said(box: Box) -> str:
    """Rows and columns of a box in words."""
    return f"rows {box.y} to {box.y + box.height - 1}, columns {box.x} to {box.x + box.width - 1}"


def check_colocated(box: Box, lr: AxisPair, where: str, origin: int) -> None:
    """Refuse a box that does not consist of whole LR cells.

    Args:
        box: HR cells.
        lr: Alignments of the LR grid along y and x.
        where: Key of the configuration, for messages.
        origin: Column of the file that is column 0, for messages.

    Raises:
        DataError: Naming the nearest right numbers.
    """
    for axis, start, size, alignment, zero in (
        ("y", box.y, box.height, lr[0], 0),
        ("x", box.x, box.width, lr[1], origin),
    ):
        period, phase = alignment.period, alignment.phase or 0
        extent = "height" if axis == "y" else "width"
        if size % period:
            below = size - size % period
            choice = f"{below} or {below + period}" if below else str(period)
            raise DataError(
                f"{where}.{extent}: {size} cells are no whole number of LR cells ({_ratio(alignment)}); use {choice}."
            )
        if (start - phase) % period:
            below = start + zero - (start - phase) % period
            raise DataError(
                f"{where}.{axis}: cell {start + zero} does not begin on the edge of an LR cell ({_ratio(alignment)}); "
                f"use {f'{below} or ' if below >= 0 else ''}{below + period}."
            )


def _ratio(alignment: AxisAlignment) -> str:
    return f"{alignment.ratio} HR cells per LR cell"


def _cut(cells: Cells, lr: AxisPair, where: str, around: tuple[Alignment, int] | None) -> Cells:
    """The whole LR cells inside, and whole context cells with their margin."""
    spans: list[tuple[int, int]] = []
    for axis, start, size, alignment in (("y", cells.y, cells.height, lr[0]), ("x", cells.x, cells.width, lr[1])):
        anchors = alignment.anchors(start, start + size)
        starts, stops, what = list(anchors), list(anchors), f"LR cell ({_ratio(alignment)})"
        if around is not None:
            along, margin = getattr(around[0], axis), around[1]
            starts = [edge for edge in anchors if along.index(edge - margin).denominator == 1]
            stops = [edge for edge in anchors if along.index(edge + margin).denominator == 1]
            what += f", with a context margin of whole context cells ({along.ratio} HR cells per context cell),"
        if not starts or not stops or stops[-1] <= starts[0]:
            raise DataError(
                f"{where}: no whole {what} lies between the bounds along {axis}, which hold {size} HR cells; widen "
                "them."
            )
        spans.append((starts[0], stops[-1] - starts[0]))
    (y, height), (x, width) = spans
    return Cells(y, height, x, width)
