"""What lies under the boxes on a map: topography, or another field of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.adapter import GriddedAdapter
from stride_data.assembly.channels import Channel
from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import CIRCLE, is_longitude
from stride_data.errors import DataError
from stride_data.regions.view import is_periodic
from stride_data.report.figures import grows_southward
from stride_data.units import conversion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SEA, _LAND = "#dbe7f0", ("#eef0e2", "#d9d8bd", "#b9ac8a", "#8f7d63")


@dataclass(frozen=True)
class MapAxis:
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
    def of(cls, attrs: Mapping[str, Any], letter: str, *, geographic: bool) -> MapAxis:
        """From the attributes of a coordinate: kilometres where it is a length, else its own units."""
        if geographic:
            return cls(1.0, "", "°")
        units, name = str(attrs.get("units", "")), str(attrs.get("long_name", letter))
        southward = grows_southward(attrs)
        try:
            return cls(conversion(units, "km").scale, f"{name} [km]", "km", southward)
        except DataError:
            return cls(1.0, f"{name} [{units}]" if units else name, units, southward)


def draw_background(adapter: GriddedAdapter, axes: Axes, y: MapAxis, x: MapAxis) -> str:
    """Draw topography with coast, or the first static field, or the first target's first field.

    Args:
        adapter: The data.
        axes: Where to draw.
        y: How rows are shown.
        x: How columns are shown.

    Returns:
        What is drawn, in words.
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    channels = adapter.channels
    wide = next((channel for channel in channels.context_static if channel.spec.key == "orog"), None)
    static = next((channel for channel in channels.static if channel.spec.key == "orog"), None)
    shown = static or next(iter(channels.static), None) or channels.target[0]
    layers = [channel for channel in (wide if static is not None else None, shown) if channel is not None]
    fields = [(channel, *_field(adapter, channel)) for channel in layers]
    high = max((float(np.nanmax(values)) for _, _, values in fields if np.isfinite(values).any()), default=1.0)
    if shown.spec.key == "orog":
        colours = LinearSegmentedColormap.from_list("land", _LAND).with_extremes(under=_SEA)
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
