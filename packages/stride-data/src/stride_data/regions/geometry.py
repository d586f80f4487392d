"""The boxes of a configuration on the grids of its sources, and how they move together."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stride_vars.regions import Box, Region

from stride_data.config import RegionConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.regions.alignment import Alignment, align
from stride_data.regions.boxes import domain_box, resolve_box
from stride_data.regions.crops import CropAnchors


@dataclass(frozen=True)
class Geometry:
    """All boxes of a sample follow from its HR box.

    Attributes:
        hr_grid: Grid of the first target; HR boxes are indices on it.
        lr_grid: Grid of the first dynamic variable; LR boxes are indices on it.
        lr: Alignment of the LR grid.
        alignments: Alignment of every source's grid with the HR grid.
        domain: HR cells that all sources cover.
        region: The configured boxes; ``lr`` includes the margin.
        lr_margin: LR cells beyond the HR box on every side.
    """

    hr_grid: Grid
    lr_grid: Grid
    lr: Alignment
    alignments: Mapping[str, Alignment]
    domain: Box
    region: Region
    lr_margin: int

    def lr_box(self, hr: Box) -> Box:
        """LR box of an HR box, margin included.

        Raises:
            DataError: If the HR box is not co-located, or the LR box leaves its grid.
        """
        core = self.lr.box(hr)
        if core is None:
            raise DataError(
                f"the HR box {hr} does not cover whole LR cells inside the LR grid; begin it at multiples of "
                f"({self.lr.y.period}, {self.lr.x.period}) cells from row {self.lr.y.phase}, column {self.lr.x.phase}."
            )
        y, x, margin = core.y - self.lr_margin, core.x - self.lr_margin, self.lr_margin
        height, width = core.height + 2 * margin, core.width + 2 * margin
        if y < 0 or x < 0 or y + height > self.lr.y.cells or x + width > self.lr.x.cells:
            raise DataError(
                f"data.region.lr_margin: {margin} LR cells around the HR box {hr} leave the LR grid of "
                f"{self.lr.y.cells} x {self.lr.x.cells} cells; use a smaller margin or a box further inside."
            )
        return Box(y=y, x=x, height=height, width=width)

    def hr_box_of(self, source: str, hr: Box) -> Box:
        """The box on the grid of another HR source.

        Raises:
            DataError: If that source does not cover it.
        """
        box = self.alignments[source].box(hr)
        if box is None:
            raise DataError(f"the HR box {hr} leaves the grid of source {source}; move or shrink it.")
        return box

    def lr_box_of(self, source: str, lr: Box) -> Box:
        """The box on the grid of another LR source, whose cells are the same but may begin elsewhere.

        Raises:
            DataError: If that source does not cover it.
        """
        other = self.alignments[source]
        y = lr.y + int((self.lr.y.offset - other.y.offset) / self.lr.y.ratio)
        x = lr.x + int((self.lr.x.offset - other.x.offset) / self.lr.x.ratio)
        if y < 0 or x < 0 or y + lr.height > other.y.cells or x + lr.width > other.x.cells:
            raise DataError(f"the LR box {lr} leaves the grid of source {source}; use a smaller margin or another box.")
        return Box(y=y, x=x, height=lr.height, width=lr.width)

    @functools.cached_property
    def crops(self) -> CropAnchors:
        """Where training crops may begin: in the shuffle box, or only at the fixed box."""
        hr = self.region.hr
        inside = self.region.shuffle or hr
        return CropAnchors.inside(
            inside,
            hr.shape,
            rows=self._with_margin(self.lr.y.anchors(inside.y, inside.y + inside.height - hr.height), hr, "y"),
            columns=self._with_margin(self.lr.x.anchors(inside.x, inside.x + inside.width - hr.width), hr, "x"),
        )

    @property
    def training_box(self) -> Box:
        """The HR cells that training samples can show: all possible crops together, or the fixed box."""
        if self.region.shuffle is None:
            return self.region.hr
        crops = self.crops
        height, width = crops.shape
        return Box(
            y=crops.rows[0],
            x=crops.columns[0],
            height=crops.rows[-1] + height - crops.rows[0],
            width=crops.columns[-1] + width - crops.columns[0],
        )

    def _with_margin(self, anchors: Sequence[int], hr: Box, axis: str) -> list[int]:
        """Anchors whose LR box, margin included, stays on the LR grid."""
        alignment = self.lr.y if axis == "y" else self.lr.x
        length = hr.height if axis == "y" else hr.width
        kept: list[int] = []
        for anchor in anchors:
            start, cells = alignment.to_other(anchor, length)
            if start >= self.lr_margin and start + cells + self.lr_margin <= alignment.cells:
                kept.append(anchor)
        return kept


def build_geometry(
    config: RegionConfig,
    sources: Mapping[str, FieldSource],
    target: Sequence[str],
    dynamic: Sequence[str],
    static: Sequence[str],
) -> Geometry:
    """Align the sources that samples read and resolve the configured boxes.

    Args:
        config: The configured region.
        sources: Scanned sources by name.
        target: Names of the sources of targets, the HR grid's first.
        dynamic: Names of the sources of dynamic conditioning, the LR grid's first.
        static: Names of the sources of static fields, on the HR grid.

    Raises:
        DataError: If grids do not fit each other or a box does not fit them.
    """
    hr_name, lr_name = target[0], dynamic[0]
    hr_grid, lr_grid = sources[hr_name].grid, sources[lr_name].grid
    names = list(dict.fromkeys([*target, *static, *dynamic]))
    alignments = {name: align(hr_grid, sources[name].grid, hr_name, name) for name in names}
    for name in dict.fromkeys([*target, *static]):
        _check_ratio(alignments[name], None, name, hr_name, "target and static fields stand on the HR grid")
    for name in dict.fromkeys(dynamic):
        _check_ratio(alignments[name], alignments[lr_name], name, lr_name, "all dynamic fields stand on one LR grid")
    lr = alignments[lr_name]
    domain = domain_box(hr_grid, alignments)
    hr = resolve_box(config.hr, hr_grid, domain, (lr.y, lr.x), "data.region.hr", colocated=True)
    shuffle = None
    if config.shuffle is not None:
        shuffle = resolve_box(config.shuffle, hr_grid, domain, (lr.y, lr.x), "data.region.shuffle", colocated=False)
    fixed = Geometry(hr_grid, lr_grid, lr, alignments, domain, Region(name="", hr=hr, lr=hr), config.lr_margin)
    region = Region(name=config.name, hr=hr, lr=fixed.lr_box(hr), shuffle=shuffle)
    geometry = Geometry(hr_grid, lr_grid, lr, alignments, domain, region, config.lr_margin)
    if geometry.crops.count == 0:
        raise DataError(
            f"data.region.shuffle: no crop of {hr.height} x {hr.width} cells, begun at the edge of an LR cell, fits "
            f"into {shuffle}; enlarge it or use a smaller hr box."
        )
    return geometry


def _check_ratio(alignment: Alignment, like: Alignment | None, name: str, like_name: str, rule: str) -> None:
    """All sources of one kind have the same cells; they may begin elsewhere, by whole cells."""
    for axis in ("y", "x"):
        here = getattr(alignment, axis)
        ratio = getattr(like, axis).ratio if like is not None else 1
        offset = getattr(like, axis).offset if like is not None else 0
        if here.ratio != ratio or ((here.offset - offset) / ratio).denominator != 1:
            raise DataError(
                f"sources {name} and {like_name} have different cells along {axis} ({here.ratio} and {ratio} HR cells "
                f"wide), but {rule}; bring them to one grid."
            )
