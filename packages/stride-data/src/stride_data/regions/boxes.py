"""From a configured box to cells: indices or coordinates, checked against the domain and the LR cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.config import BoxConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.alignment import Alignment, AxisAlignment


def domain_box(grid: Grid, alignments: dict[str, Alignment]) -> Box:
    """The largest box of HR cells that every source covers, co-located with all of them.

    Args:
        grid: The HR grid.
        alignments: By source name, of all sources that samples read.

    Raises:
        DataError: If there is no such box.
    """
    spans: list[tuple[int, int]] = []
    for axis, size in zip("yx", grid.shape, strict=True):
        start, stop = 0, size
        for alignment in alignments.values():
            first, last = getattr(alignment, axis).covered()
            start, stop = max(start, first), min(stop, last)
        coarsest: AxisAlignment = max((getattr(a, axis) for a in alignments.values()), key=lambda a: a.period)
        anchors = coarsest.anchors(start, stop)
        if len(anchors) < 2:
            raise DataError(
                f"sources {', '.join(alignments)} share no stretch of cells along {axis}; check their coordinates."
            )
        spans.append((anchors[0], anchors[-1]))
    (y0, y1), (x0, x1) = spans
    return Box(y=y0, x=x0, height=y1 - y0, width=x1 - x0)


def resolve_box(config: BoxConfig | None, grid: Grid, domain: Box, lr: AxisPair, where: str, *, colocated: bool) -> Box:
    """The cells of a configured box.

    A box in coordinates holds the cells whose centres lie between its bounds; with ``colocated`` it is then cut to
    whole LR cells. A box in indices is taken as it is, and must be co-located already.

    Args:
        config: The configured box; None takes the whole domain.
        grid: The HR grid.
        domain: Cells that all sources cover.
        lr: Alignments of the LR grid along y and x.
        where: Key of the configuration, for messages.
        colocated: Whether edges must coincide with LR edges.

    Raises:
        DataError: If the box leaves the domain, is empty, or is not co-located.
    """
    if config is None:
        return domain
    if config.in_indices:
        box = Box.model_validate(config.model_dump(include={"y", "x", "height", "width"}))
    else:
        box = _from_bounds(config, grid, lr, where, colocated=colocated)
    if not domain.contains(box):
        raise DataError(
            f"{where}: the box {_said(box)} leaves the domain {_said(domain)} that all sources cover; move or "
            "shrink it."
        )
    if colocated:
        _check_colocated(box, lr, where)
    return box


AxisPair = tuple[AxisAlignment, AxisAlignment]


def _said(box: Box) -> str:
    return f"rows {box.y} to {box.y + box.height - 1}, columns {box.x} to {box.x + box.width - 1}"


def _check_colocated(box: Box, lr: AxisPair, where: str) -> None:
    for axis, start, size, alignment in (
        ("y", box.y, box.height, lr[0]),
        ("x", box.x, box.width, lr[1]),
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
            below = start - (start - phase) % period
            raise DataError(
                f"{where}.{axis}: cell {start} does not begin on the edge of an LR cell ({_ratio(alignment)}); use "
                f"{f'{below} or ' if below >= 0 else ''}{below + period}."
            )


def _ratio(alignment: AxisAlignment) -> str:
    return f"{alignment.ratio} HR cells per LR cell"


def _from_bounds(config: BoxConfig, grid: Grid, lr: AxisPair, where: str, *, colocated: bool) -> Box:
    assert config.south is not None and config.north is not None and config.west is not None and config.east is not None
    spans: list[tuple[int, int]] = []
    for axis, centres, bounds, alignment in (
        ("y", grid.y, (config.south, config.north), lr[0]),
        ("x", grid.x, (config.west, config.east), lr[1]),
    ):
        start, stop = _inside(centres, bounds)
        if colocated and stop > start:
            anchors = alignment.anchors(start, stop)
            start, stop = (anchors[0], anchors[-1]) if len(anchors) else (start, start)
        if stop <= start:
            what = "whole LR cell" if colocated else "cell"
            raise DataError(
                f"{where}: no {what} lies between {min(bounds):g} and {max(bounds):g} along {axis}, whose coordinates "
                f"run from {centres[0]:g} to {centres[-1]:g}; correct the bounds."
            )
        spans.append((start, stop))
    (y0, y1), (x0, x1) = spans
    return Box(y=y0, x=x0, height=y1 - y0, width=x1 - x0)


def _inside(centres: NDArray[np.float64], bounds: tuple[float, float]) -> tuple[int, int]:
    inside = np.flatnonzero((centres >= min(bounds)) & (centres <= max(bounds)))
    return (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
