"""A map of the boxes of a configuration over topography: ``stride-data check --plot``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.adapter import GriddedAdapter
from stride_data.assembly.channels import Channel
from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE, is_longitude
from stride_data.discovery.projection import is_latitude_longitude
from stride_data.errors import DataError
from stride_data.regions.view import is_periodic
from stride_data.units import conversion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"domain": "0.15", "shuffle": "#e08e0b", "hr": "#c8102e", "lr": "#1565a9", "context": "#6a3d9a"}
_LEGEND = ("HR", "LR", "Context", "Shuffle", "Example", "Domain")
_EXAMPLE_CROPS = 5
_SEA, _LAND = "#dbe7f0", ("#eef0e2", "#d9d8bd", "#b9ac8a", "#8f7d63")
_CASING = {"linewidth": 1.6, "foreground": "white", "alpha": 0.75}


@dataclass(frozen=True)
class _Axis:
    """How coordinates along one axis are shown: ``factor`` times the grid's own, with a label.

    Attributes:
        factor: Shown coordinates per coordinate of the grid.
        label: Of the axis.
        unit: Of shown coordinates.
        southward: Whether coordinates grow towards the south, as their ``long_name`` says.
    """

    factor: float
    label: str
    unit: str
    southward: bool = False

    @classmethod
    def of(cls, attrs: Any, letter: str, *, geographic: bool) -> _Axis:
        if geographic:
            return cls(1.0, "", "°")
        units, name = str(attrs.get("units", "")), str(attrs.get("long_name", letter))
        southward = re.search(r"\b(south of|southwards?)\b", name.lower()) is not None
        try:
            return cls(conversion(units, "km").scale, f"{name} [km]", "km", southward)
        except DataError:
            return cls(1.0, f"{name} [{units}]" if units else name, units, southward)


def plot_boxes(adapter: GriddedAdapter, path: Path) -> None:
    """Draw domain, shuffle region with example crops, HR, LR and context boxes, and write the figure.

    Args:
        adapter: The data.
        path: Picture file; its ending chooses the format (.png, .pdf, .svg).

    Raises:
        DataError: If matplotlib is not installed, or the file cannot be written.
    """
    figure = draw_boxes(adapter)
    try:
        figure.savefig(path, dpi=200, bbox_inches="tight", pad_inches=0.15)
    except (OSError, ValueError) as exc:
        raise DataError(f"--plot {path}: cannot be written ({exc}); give a file such as boxes.png.") from exc


def draw_boxes(adapter: GriddedAdapter) -> Figure:
    """The figure of ``plot_boxes``.

    Raises:
        DataError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as exc:
        raise DataError(
            '--plot needs matplotlib, which is not installed; install it with `pip install "stride-data[plot]"`.'
        ) from exc
    grid = adapter.geometry.hr_grid
    geographic = is_latitude_longitude(grid)
    y, x = (
        _Axis.of(attrs, letter, geographic=geographic) for attrs, letter in ((grid.y_attrs, "y"), (grid.x_attrs, "x"))
    )
    outlines = list(_outlines(adapter, y, x))
    west, east = min(o.left for o in outlines), max(o.right for o in outlines)
    south, north = min(o.low for o in outlines), max(o.high for o in outlines)
    pad = 0.025 * max(east - west, north - south)
    stretch = _stretch(south, north) if geographic else 1.0
    width = 9.0
    # Room for title, tick labels and legend beside the map.
    height = float(np.clip(width * 0.92 * (north - south) / (east - west) * stretch, 2.5, 8.5)) + (
        1.4 if geographic else 1.8
    )
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("0.96")
    label = _background(adapter, axes, y, x)
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


def _outlines(adapter: GriddedAdapter, y: _Axis, x: _Axis) -> Iterator[_Outline]:
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
    domain = f"Domain that all sources cover, {sized(geometry.domain)} cells"
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


def _background(adapter: GriddedAdapter, axes: Axes, y: _Axis, x: _Axis) -> str:
    """Topography, or another field; what it is, in words."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    channels = adapter.channels
    wide = next((channel for channel in channels.context_static if channel.spec.key == "orog"), None)
    static = next((channel for channel in channels.static if channel.spec.key == "orog"), None)
    shown = static or next(iter(channels.static), None) or channels.target[0]
    layers = [channel for channel in (wide if static is not None else None, shown) if channel is not None]
    fields = [(channel, *_field(adapter, channel)) for channel in layers]
    high = max((float(np.nanmax(values)) for _, _, values in fields if np.isfinite(values).any()), default=1.0)
    if shown.spec.key == "orog":
        colours = LinearSegmentedColormap.from_list("land", _LAND)
        colours.set_under(_SEA)
        style: dict[str, Any] = {"cmap": colours, "norm": PowerNorm(0.6, vmin=0.5, vmax=max(high, 1.0))}
    else:
        style = {"cmap": LinearSegmentedColormap.from_list("grey", ["0.97", "0.55"])}
    coast = next((channel for channel in channels.static if channel.spec.key == "lsm"), None)
    land = None if coast is None else _field(adapter, coast)
    for channel, grid, values in fields:
        if land is not None and shown.spec.key == "orog" and grid.same_as(land[0]):
            values = np.where(land[1] < 0.5, 0, values)  # heights over sea are rounding of the file
        periodic = is_periodic(grid)
        for turn in (-CIRCLE, 0.0, CIRCLE) if periodic else (0.0,):
            columns, rows = x.factor * (grid.x_edges + turn), y.factor * grid.y_edges
            axes.pcolormesh(columns, rows, values, rasterized=True, zorder=1 if channel is shown else 0.5, **style)
    if land is not None:
        grid, values = land
        for turn in (-CIRCLE, 0.0, CIRCLE) if is_periodic(grid) else (0.0,):
            columns, rows = x.factor * (grid.x + turn), y.factor * grid.y
            axes.contour(columns, rows, values, [0.5], colors="0.4", linewidths=0.5, zorder=2)
    name = shown.spec.display_name
    return name if shown.role == "static" else f"{name}, {adapter.times(next(iter(adapter.splits)))[0]}"


def _field(adapter: GriddedAdapter, channel: Channel) -> tuple[Grid, NDArray[np.float32]]:
    """A channel's whole field with its grid, in the order of boxes, once around a globe."""
    source, view = adapter.sources[channel.source], adapter.geometry.views[channel.source]
    grid = view.grid(source.grid)
    width = view.shape[1] if is_longitude(grid.x_attrs) else view.columns
    grid = Grid.from_centres(grid.y, grid.x[:width], y_attrs=grid.y_attrs, x_attrs=grid.x_attrs)
    box = Box(y=0, x=0, height=grid.shape[0], width=width)
    key = channel.spec.key
    if channel.role in ("static", "context_static"):
        return grid, view.read(lambda native: source.read_static_box(key, native), box)
    time = adapter.times(next(iter(adapter.splits)))[0]
    return grid, view.read(lambda native: source.read_box(key, time, native), box)


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
