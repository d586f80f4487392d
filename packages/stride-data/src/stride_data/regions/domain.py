"""Domains larger than a sample's HR box, made of boxes of its size: where those may lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stride_vars.regions import Box, Region

from stride_data.config import BoxConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.boxes import check_colocated, check_inside, configured_cells, said
from stride_data.regions.crops import CropAnchors
from stride_data.regions.frame import as_box, framed
from stride_data.regions.geometry import Geometry
from stride_data.regions.view import GridView, is_periodic

WHOLE: Literal["whole"] = "whole"
"""Asks for the largest domain that there is."""


@dataclass(frozen=True)
class Domain:
    """A box on the HR grid that boxes of a sample's size cover, each with its own LR and context box.

    Attributes:
        region: The domain with its LR and context boxes, margins included; ``hr`` is the domain.
        tile: Rows and columns of a sample's HR box.
        step: From the domain's first row and column, a sample's HR box may begin at multiples of it.
    """

    region: Region
    tile: tuple[int, int]
    step: tuple[int, int]

    def boxes(self, corners: Sequence[tuple[int, int]]) -> list[Box]:
        """HR boxes of samples, by their first row and column counted from the domain's."""
        height, width = self.tile
        y, x = self.region.hr.y, self.region.hr.x
        return [Box(y=y + row, x=x + column, height=height, width=width) for row, column in corners]


def find_domain(
    asked: BoxConfig | Literal["whole"], geometry: Geometry, native: Grid, view: GridView, where: str
) -> Domain:
    """The domain that a configuration asks for.

    Args:
        asked: A box in cells or coordinates, as ``data.region.hr`` takes it; or "whole", for the largest one whose
            every part has its LR box with margins, its statics and its context box on their grids. Whether all values
            there are present is not looked at.
        geometry: Boxes of samples.
        native: The HR grid as its source gives it.
        view: In which order boxes count its rows and columns.
        where: Key of the configuration, for messages.

    Raises:
        DataError: If the box is smaller than a sample's, is not made of whole LR cells, or leaves the grids.
    """
    tile = geometry.region.hr.shape
    box = _largest(geometry, where) if asked == WHOLE else _stated(asked, geometry, native, view, where)
    if box.height < tile[0] or box.width < tile[1]:
        raise DataError(
            f"{where}: {box.height} x {box.width} cells are fewer than those of a sample, {tile[0]} x {tile[1]} "
            "(data.region.hr), along an axis; enlarge the box, or leave it out to get the sample's."
        )
    step = _step(geometry, "y"), _step(geometry, "x")
    for key, size, small, by in zip(("height", "width"), box.shape, tile, step, strict=True):
        if (size - small) % by:
            below = size - (size - small) % by
            raise DataError(
                f"{where}.{key}: {size} cells are more than the {small} of a sample by no multiple of {by}, after "
                f"which the edges of all grids coincide again; use {below} or {below + by}."
            )
    try:
        region = geometry.region.model_copy(
            update={"hr": box, "lr": geometry.lr_box(box), "context": geometry.context_box(box)}
        )
    except DataError as exc:
        raise DataError(f"{where}: {exc}") from exc
    return Domain(region, tile, step)


def _stated(config: BoxConfig, geometry: Geometry, native: Grid, view: GridView, where: str) -> Box:
    if config.in_indices and min(config.y or 0, config.x or 0) < 0:
        raise DataError(f"{where}: y and x count from 0; move the box onto the grid.")
    if config.margin is not None:
        raise DataError(f"{where}: only a context box may be a margin; give y, x, height, width or bounds.")
    box = as_box(framed(configured_cells(config, native, where), view, periodic=is_periodic(native)))
    if config.in_bounds:
        box = _cut(box, geometry, where)
    check_inside(box, geometry.domain, where)
    check_colocated(box, (geometry.lr.y, geometry.lr.x), where, view.first_column)
    return box


def _cut(box: Box, geometry: Geometry, where: str) -> Box:
    """The largest domain within a box that was given in coordinates, which seldom fall on the edges of LR cells."""
    corners = _corners(box, geometry)
    if not corners.count:
        raise DataError(
            f"{where}: no box of a sample's {corners.shape[0]} x {corners.shape[1]} cells (data.region.hr) with its LR "
            f"and context boxes lies between the bounds, {said(box)}; widen them."
        )
    return corners.covered


def _largest(geometry: Geometry, where: str) -> Box:
    corners = _corners(geometry.domain, geometry)
    if not corners.count:
        raise DataError(f"{where}: no box of a sample's size fits into the domain {said(geometry.domain)}.")
    return corners.covered


def _corners(inside: Box, geometry: Geometry) -> CropAnchors:
    """Where samples inside a box may begin, all their boxes being on their grids."""
    return CropAnchors.inside(
        inside,
        geometry.region.hr.shape,
        rows=geometry.starts("y", inside.y, inside.height),
        columns=geometry.starts("x", inside.x, inside.width),
    )


def _step(geometry: Geometry, axis: Literal["y", "x"]) -> int:
    """HR cells after which the edges of all grids coincide again."""
    others = [geometry.anchored_lr, geometry.anchored_context]
    periods = [getattr(box.alignment, axis).period for box in others if box is not None]
    return math.lcm(*periods)
