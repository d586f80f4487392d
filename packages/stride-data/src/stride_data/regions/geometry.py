"""The boxes of a configuration on the grids of its sources, and how they move together."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from stride_vars.regions import Box, Region

from stride_data.config import RegionConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.regions.alignment import Alignment
from stride_data.regions.anchored import AnchoredBox, Margins
from stride_data.regions.boxes import check_inside, configured_cells, covered_box, domain_box, resolve_box, said
from stride_data.regions.crops import CropAnchors
from stride_data.regions.frame import as_box
from stride_data.regions.layout import Layout
from stride_data.regions.remembered import remembered
from stride_data.regions.view import GridView


@dataclass(frozen=True)
class Geometry:
    """All boxes of a sample follow from its HR box.

    Attributes:
        hr_grid: Grid of the first target; HR boxes are indices on it.
        alignments: Alignment of every source's grid with the HR grid.
        views: Order of every source's rows and columns in which its boxes count.
        domain: HR cells that all sources of targets, statics and dynamic conditioning cover, in whole LR cells.
        region: The configured boxes; ``lr`` includes the margins, ``context`` counts cells of the context grid.
        anchored_lr: The LR box beside the HR box.
        anchored_context: The context box beside the HR box; None without context.
    """

    hr_grid: Grid
    alignments: Mapping[str, Alignment]
    views: Mapping[str, GridView]
    domain: Box
    region: Region
    anchored_lr: AnchoredBox
    anchored_context: AnchoredBox | None = None

    @property
    def lr(self) -> Alignment:
        """Alignment of the LR grid."""
        return self.anchored_lr.alignment

    @property
    def lr_grid(self) -> Grid:
        """Grid of the first dynamic variable; LR boxes are indices on it."""
        return self.anchored_lr.grid

    @property
    def context_grid(self) -> Grid | None:
        """Grid of the first context variable; context boxes are indices on it."""
        return None if self.anchored_context is None else self.anchored_context.grid

    @property
    def lr_margins(self) -> tuple[int, int, int, int]:
        """LR cells of an LR box beyond its HR box: top, bottom, left, right."""
        top, bottom, left, right = self.anchored_lr.margins
        y, x = self.lr.y.ratio, self.lr.x.ratio
        return int(top / y), int(bottom / y), int(left / x), int(right / x)

    @remembered
    def lr_box(self, hr: Box) -> Box:
        """LR box of an HR box, margins included.

        Raises:
            DataError: If the HR box is not co-located, or the LR box leaves its grid.
        """
        return self.anchored_lr.box(hr)

    @remembered
    def context_box(self, hr: Box) -> Box | None:
        """Context box of an HR box; None without context.

        Raises:
            DataError: If its edges do not fall on those of context cells, or it leaves its grid.
        """
        return None if self.anchored_context is None else self.anchored_context.box(hr)

    @remembered
    def hr_box_of(self, source: str, hr: Box) -> Box:
        """The box on the grid of another HR source.

        Raises:
            DataError: If that source does not cover it.
        """
        box = self.alignments[source].box(hr)
        if box is None:
            raise DataError(f"the HR box {hr} leaves the grid of source {source}; move or shrink it.")
        return box

    @remembered
    def lr_box_of(self, source: str, lr: Box) -> Box:
        """The box on the grid of another LR source, whose cells are the same but may begin elsewhere.

        Raises:
            DataError: If that source does not cover it.
        """
        return self._box_of(self.anchored_lr, source, lr)

    @remembered
    def context_box_of(self, source: str, context: Box) -> Box:
        """The box on the grid of another context source, whose cells are the same but may begin elsewhere.

        Raises:
            DataError: If that source does not cover it.
        """
        assert self.anchored_context is not None
        return self._box_of(self.anchored_context, source, context)

    def _box_of(self, anchored: AnchoredBox, source: str, box: Box) -> Box:
        first, other = anchored.alignment, self.alignments[source]
        y, x = int(other.y.index(first.y.edge(box.y))), int(other.x.index(first.x.edge(box.x)))
        if y < 0 or x < 0 or y + box.height > other.y.cells or x + box.width > other.x.cells:
            raise DataError(
                f"{anchored.where}: the {anchored.kind} box {box} leaves the grid of source {source}; use a smaller "
                "one or an HR box further inside."
            )
        return Box(y=y, x=x, height=box.height, width=box.width)

    @functools.cached_property
    def crops(self) -> CropAnchors:
        """Where training crops may begin: in the shuffle box, or only at the fixed box."""
        hr = self.region.hr
        inside = self.region.shuffle or hr
        return CropAnchors.inside(
            inside,
            hr.shape,
            rows=self.starts("y", inside.y, inside.height),
            columns=self.starts("x", inside.x, inside.width),
        )

    @property
    def training_box(self) -> Box:
        """The HR cells that training samples can show: all possible crops together, or the fixed box."""
        if self.region.shuffle is None:
            return self.region.hr
        return self.crops.covered

    def starts(self, axis: Literal["y", "x"], first: int, size: int) -> list[int]:
        """Rows or columns at which a box of the HR box's size may begin within a stretch of the HR grid.

        Its LR and context boxes are then whole cells on their grids.

        Args:
            axis: "y" for rows, "x" for columns.
            first: First row or column of the stretch.
            size: Its rows or columns.
        """
        length = self.region.hr.height if axis == "y" else self.region.hr.width
        along = self.lr.y if axis == "y" else self.lr.x
        boxes = [box for box in (self.anchored_lr, self.anchored_context) if box is not None]
        anchors = along.anchors(first, first + size - length)
        return [anchor for anchor in anchors if all(box.fits(axis, anchor, length) for box in boxes)]


def build_geometry(
    config: RegionConfig,
    sources: Mapping[str, FieldSource],
    target: Sequence[str],
    dynamic: Sequence[str],
    static: Sequence[str],
    context: Sequence[str] = (),
) -> Geometry:
    """Align the sources that samples read and resolve the configured boxes.

    Args:
        config: The configured region.
        sources: Scanned sources by name.
        target: Names of the sources of targets, the HR grid's first.
        dynamic: Names of the sources of dynamic conditioning, the LR grid's first.
        static: Names of the sources of static fields, on the HR grid.
        context: Names of the sources of context fields, the context grid's first; with or without time.

    Raises:
        DataError: If grids do not fit each other or a box does not fit them.
    """
    hr_name, lr_name = target[0], dynamic[0]
    native = sources[hr_name].grid
    hr_cells, shuffle_cells = (
        None if box is None else configured_cells(box, native, f"data.region.{key}")
        for key, box in (("hr", config.hr), ("shuffle", config.shuffle))
    )
    names = list(dict.fromkeys([*target, *static, *dynamic]))
    boxes = [cells for cells in (hr_cells, shuffle_cells) if cells is not None]
    layout = Layout.over(sources, list(dict.fromkeys([*names, *context])), lr_name, boxes)
    _check_cells(layout.alignments, target, static, dynamic, context)
    read = {name: layout.alignments[name] for name in names}
    covered = covered_box(layout.grid(hr_name), read)
    domain = domain_box(covered, read)
    lr = layout.alignments[lr_name]
    hr = resolve_box(
        layout.hr_cells(hr_cells),
        domain,
        (lr.y, lr.x),
        "data.region.hr",
        given=config.hr,
        origin=layout.views[hr_name].first_column,
        around=_around(config, layout, context),
    )
    shuffle, inside = None, layout.hr_cells(shuffle_cells)
    if inside is not None:
        shuffle = as_box(inside)
        check_inside(shuffle, covered, "data.region.shuffle")
    lr_margins = _lr_margins(config, layout, lr_name, hr)
    context_margins = _context_margins(config, layout, context[0], hr) if context else None
    for names_of, margins in ((dynamic, lr_margins), (context, context_margins)):
        for name in names_of if margins is not None else ():
            assert margins is not None
            box = shuffle or hr
            first, last = min(hr.x, box.x), max(hr.x + hr.width, box.x + box.width)
            layout.reach(name, first - margins.left, last + margins.right)

    def anchored(kind: str, where: str, name: str, margins: Margins) -> AnchoredBox:
        return AnchoredBox(kind, where, layout.grid(name), layout.alignments[name], margins)

    lr_key = "data.region.lr" if config.lr is not None else "data.region.lr_margin"
    lr_box = anchored("LR", lr_key, lr_name, lr_margins)
    context_box = None
    if context_margins is not None:
        context_box = anchored("context", "data.region.context", context[0], context_margins)
    region = Region(
        name=config.name,
        hr=hr,
        lr=lr_box.box(hr),
        shuffle=shuffle,
        context=None if context_box is None else context_box.box(hr),
    )
    geometry = Geometry(layout.grid(hr_name), layout.alignments, layout.views, domain, region, lr_box, context_box)
    if geometry.crops.count == 0:
        also = " with its context box" if context_box is not None else ""
        raise DataError(
            f"data.region.shuffle: no crop of {hr.height} x {hr.width} cells, begun at the edge of an LR cell, fits "
            f"into {shuffle}{also}; enlarge it or use a smaller hr box."
        )
    return geometry


def _around(config: RegionConfig, layout: Layout, context: Sequence[str]) -> tuple[Alignment, int] | None:
    """The context grid and the margin, where the context box is given as one."""
    if not context or config.context is None or config.context.margin is None:
        return None
    return layout.alignments[context[0]], config.context.margin


def _lr_margins(config: RegionConfig, layout: Layout, name: str, hr: Box) -> Margins:
    """LR margins in HR cells."""
    lr = layout.alignments[name]
    if config.lr is None:
        y, x = config.lr_margin * lr.y.ratio, config.lr_margin * lr.x.ratio
        return Margins(y, y, x, x)
    y, x = layout.edges(name, config.lr, "data.region.lr", (hr.x, hr.width))
    margins = Margins.beyond(hr, y=y, x=x)
    if min(margins) < 0:
        core = lr.box(hr)
        needed = f", {said(core)} of the LR grid" if core is not None else ""
        sides = [side for side, margin in zip(("top", "bottom", "left", "right"), margins, strict=True) if margin < 0]
        raise DataError(
            f"data.region.lr: the LR box does not cover the HR box {hr}{needed}: it ends too early at the "
            f"{' and '.join(sides)}; enlarge or move it."
        )
    return margins


def _context_margins(config: RegionConfig, layout: Layout, name: str, hr: Box) -> Margins:
    """Margins of the context box in HR cells."""
    given = config.context
    assert given is not None
    if given.margin is not None:
        return Margins(*[Fraction(given.margin)] * 4)
    if given.y is not None and given.x is not None and given.height is not None and given.width is not None:
        x = layout.near_hr(given.x, given.width, hr)
        return Margins.beyond(
            hr,
            y=(Fraction(given.y), Fraction(given.y + given.height)),
            x=(Fraction(x), Fraction(x + given.width)),
        )
    y, x = layout.edges(name, given, "data.region.context", (hr.x, hr.width))
    return Margins.beyond(hr, y=y, x=x)


def _check_cells(
    alignments: Mapping[str, Alignment],
    target: Sequence[str],
    static: Sequence[str],
    dynamic: Sequence[str],
    context: Sequence[str],
) -> None:
    for name in dict.fromkeys([*target, *static]):
        _check_ratio(alignments, None, name, target[0], "target and static fields stand on the HR grid")
    for name in dict.fromkeys(dynamic):
        _check_ratio(alignments, dynamic[0], name, dynamic[0], "all dynamic fields stand on one LR grid")
    for name in dict.fromkeys(context):
        _check_ratio(alignments, context[0], name, context[0], "all context fields stand on one grid")


def _check_ratio(alignments: Mapping[str, Alignment], like: str | None, name: str, like_name: str, rule: str) -> None:
    """All sources of one kind have the same cells; they may begin elsewhere, by whole cells."""
    for axis in ("y", "x"):
        here = getattr(alignments[name], axis)
        ratio = getattr(alignments[like], axis).ratio if like is not None else 1
        offset = getattr(alignments[like], axis).offset if like is not None else 0
        if here.ratio != ratio or ((here.offset - offset) / ratio).denominator != 1:
            raise DataError(
                f"sources {name} and {like_name} have different cells along {axis} ({here.ratio} and {ratio} HR cells "
                f"wide), but {rule}; bring them to one grid."
            )
