"""A map of the boxes of a configuration over topography: ``stride-data check --plot``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stride_vars.regions import Box

from stride_data.adapter import GriddedAdapter
from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE
from stride_data.discovery.projection import is_latitude_longitude
from stride_data.report.figures import import_pyplot, save_figure
from stride_data.report.map_background import MapAxis, draw_background

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"domain": "0.15", "shuffle": "#e08e0b", "hr": "#c8102e", "lr": "#1565a9", "context": "#6a3d9a"}
_LEGEND = ("HR", "LR", "Context", "Shuffle", "Example", "Domain")
_EXAMPLE_CROPS = 5
_CASING = {"linewidth": 1.6, "foreground": "white", "alpha": 0.75}


def plot_boxes(adapter: GriddedAdapter, path: Path) -> Path:
    """Draw domain, shuffle region with example crops, HR, LR and context boxes, and write the figure.

    Args:
        adapter: The data.
        path: Picture file; its ending chooses the format (.png, .pdf, .svg).

    Raises:
        DataError: If matplotlib is not installed, or the file cannot be written.
    """
    return save_figure(draw_boxes(adapter), path, trimmed=True)


def draw_boxes(adapter: GriddedAdapter) -> Figure:
    """The figure of ``plot_boxes``.

    Raises:
        DataError: If matplotlib is not installed.
    """
    plt = import_pyplot()
    from matplotlib.ticker import MaxNLocator

    grid = adapter.geometry.hr_grid
    geographic = is_latitude_longitude(grid)
    y, x = (
        MapAxis.of(attrs, letter, geographic=geographic) for attrs, letter in ((grid.y_attrs, "y"), (grid.x_attrs, "x"))
    )
    outlines = list(_outlines(adapter, y, x))
    west, east = min(o.left for o in outlines), max(o.right for o in outlines)
    south, north = min(o.low for o in outlines), max(o.high for o in outlines)
    pad = 0.025 * max(east - west, north - south)
    stretch = _stretch(south, north) if geographic else 1.0
    width = 9.0
    # Room for title, tick labels and legend beside the map.
    height = float(np.clip(width * 0.92 * (north - south) / (east - west) * stretch, 2.5, 8.5)) + (
        1.6 if geographic else 1.9
    )
    figure = plt.figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("0.96")
    label = draw_background(adapter, axes, y, x)
    for outline in outlines:
        outline.draw(axes)
    axes.set_xlim(west - pad, east + pad)
    axes.set_ylim(south - pad, north + pad)
    axes.set_aspect(stretch)
    if y.southward:
        axes.invert_yaxis()
    if geographic:
        for axis, letters in ((axes.xaxis, "EW"), (axes.yaxis, "NS")):
            axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 1.5, 2, 3, 6, 10]))
            axis.set_major_formatter(lambda value, _, letters=letters: _degrees(value, letters))
    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.tick_params(labelsize=9, color="0.6")
    for spine in axes.spines.values():
        spine.set_color("0.6")
    axes.set_title(adapter.region.name, loc="left", fontsize=13, fontweight="bold")
    axes.set_title(label, loc="right", fontsize=9, color="0.35")
    named = {outline.label: outline.handle() for outline in outlines if outline.label}
    handles = [named[label] for label in sorted(named, key=lambda label: _LEGEND.index(label.split()[0].strip(",")))]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9.5, frameon=False, handlelength=2.2)
    return figure


@dataclass(frozen=True)
class _Outline:
    """A rectangle in shown coordinates, with the edges of its cells where those are drawn."""

    low: float
    high: float
    left: float
    right: float
    style: dict[str, Any]
    label: str = ""
    rows: tuple[float, ...] = ()
    columns: tuple[float, ...] = ()
    casing: bool = True

    def draw(self, axes: Axes) -> None:
        from matplotlib.patches import Rectangle
        from matplotlib.patheffects import withStroke

        thin = {
            "color": self.style["edgecolor"],
            "linewidth": 0.45,
            "alpha": 0.55,
            "zorder": self.style["zorder"] - 0.5,
        }
        axes.hlines(self.rows, self.left, self.right, **thin)
        axes.vlines(self.columns, self.low, self.high, **thin)
        width = self.style["linewidth"]
        casing = {**_CASING, "linewidth": width + _CASING["linewidth"]}
        effects = [withStroke(**casing)] if self.casing else []
        corner, size = (self.left, self.low), (self.right - self.left, self.high - self.low)
        axes.add_patch(Rectangle(corner, *size, fill=False, path_effects=effects, **self.style))

    def handle(self) -> Any:
        from matplotlib.lines import Line2D

        style = dict(self.style)
        return Line2D([], [], color=style.pop("edgecolor"), label=self.label, **{**style, "zorder": 1})


def _outlines(adapter: GriddedAdapter, y: MapAxis, x: MapAxis) -> Iterator[_Outline]:
    """Boxes from the widest to the narrowest, so that none hides another."""
    geometry, region = adapter.geometry, adapter.region

    def outline(
        grid: Grid, box: Box, label: str = "", *, cells: bool = False, casing: bool = True, **style: Any
    ) -> _Outline:
        rows = y.factor * grid.y_edges[box.y : box.y + box.height + 1]
        columns = x.factor * grid.x_edges[box.x : box.x + box.width + 1]
        return _Outline(
            float(rows.min()),
            float(rows.max()),
            float(columns.min()),
            float(columns.max()),
            style,
            label,
            tuple(rows[1:-1].tolist()) if cells else (),
            tuple(columns[1:-1].tolist()) if cells else (),
            casing,
        )

    def sized(box: Box) -> str:
        return f"{box.height} × {box.width}"

    def spacing(grid: Grid) -> str:
        steps = [abs(axis.factor * step) for axis, step in zip((y, x), grid.spacing, strict=True)]
        unit = f" {y.unit}" if y.unit not in ("", "°") else y.unit
        return f"{steps[0]:.3g}{unit}" if np.isclose(steps[0], steps[1]) else f"{steps[0]:.3g} × {steps[1]:.3g}{unit}"

    hr, lr = geometry.hr_grid, geometry.lr_grid
    domain = f"Domain of all sources, {sized(geometry.domain)} cells"
    yield outline(hr, geometry.domain, domain, casing=False, edgecolor=COLOURS["domain"], linewidth=1.0, zorder=4)
    if geometry.context_grid is not None and region.context is not None:
        around = f"Context box, {sized(region.context)} cells of {spacing(geometry.context_grid)}"
        style: dict[str, Any] = {"edgecolor": COLOURS["context"], "linewidth": 2.2, "zorder": 6}
        yield outline(geometry.context_grid, region.context, around, **style)
    if region.shuffle is not None:
        places = f"{geometry.crops.count:,}".replace(",", " ")
        shuffle = f"Shuffle region of training, {sized(region.shuffle)} cells"
        style = {"edgecolor": COLOURS["shuffle"], "linewidth": 2.8, "zorder": 3}
        yield outline(hr, region.shuffle, shuffle, **style)
        crops = _apart(geometry.crops.count, lambda index: geometry.crops.draw(0, 0, index), region.hr)
        style = {"casing": False, "edgecolor": COLOURS["hr"], "linewidth": 0.9, "linestyle": (0, (4, 2)), "zorder": 5}
        for number, crop in enumerate(crops):
            label = f"Example crops, {len(crops)} of {places} places" if number == 0 else ""
            yield outline(hr, crop, label, **style)
    taken = f"LR box, {sized(region.lr)} cells of {spacing(lr)}"
    yield outline(lr, region.lr, taken, cells=True, edgecolor=COLOURS["lr"], linewidth=3.2, zorder=8)
    made = f"HR box, {sized(region.hr)} cells of {spacing(hr)}"
    yield outline(hr, region.hr, made, casing=False, edgecolor=COLOURS["hr"], linewidth=1.3, zorder=9)


def _apart(count: int, draw: Callable[[int], Box], hr: Box) -> list[Box]:
    """Crops as a training draws them: some that do not overlap with each other and the HR box; at least one."""
    drawn = list({(box.y, box.x): box for box in map(draw, range(min(20 * count, 400)))}.values())
    kept = [hr]

    def distance(box: Box) -> float:
        """From the nearest one kept, in sizes of a crop; from 1 on they do not overlap."""
        return min(max(abs(box.y - one.y) / hr.height, abs(box.x - one.x) / hr.width) for one in kept)

    while drawn and len(kept) <= _EXAMPLE_CROPS:
        far = max(drawn, key=distance)
        if distance(far) == 0 or (distance(far) < 1 and len(kept) > 1):
            break
        kept.append(far)
    return kept[1:]


def _stretch(south: float, north: float) -> float:
    """Height of a degree of latitude over that of a degree of longitude, at the middle of a region; 1 for a globe."""
    if north - south > 100:
        return 1.0
    return float(1 / max(np.cos(np.radians(0.5 * (south + north))), 0.3))


def _degrees(value: float, letters: str) -> str:
    if letters == "EW":
        value = (value + CIRCLE / 2) % CIRCLE - CIRCLE / 2
    side = "" if value == 0 or abs(value) == CIRCLE / 2 else letters[0 if value > 0 else 1]
    return f"{abs(value):g}°{side}"
