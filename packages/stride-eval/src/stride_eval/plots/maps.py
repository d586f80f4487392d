"""Maps of fields: north up, undistorted, with a scale bar or degrees, and the coast where it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from stride_eval.grid import is_geographic, spacing
from stride_eval.plots.colour_maps import ColourScale


@dataclass(frozen=True)
class MapFrame:
    """Where a field lies on paper.

    Attributes:
        extent: left, right, bottom and top edges, in the coordinates' units.
        flip_rows: the first row is the southernmost.
        flip_columns: the first column is the easternmost.
        aspect: length of a unit of y on paper over that of x.
        geographic: the coordinates are degrees.
        km_per_x: kilometres of one unit of x; None when unknown.
    """

    extent: tuple[float, float, float, float]
    flip_rows: bool
    flip_columns: bool
    aspect: float
    geographic: bool
    km_per_x: float | None

    @classmethod
    def of(cls, rows: xr.DataArray, columns: xr.DataArray) -> MapFrame:
        """From coordinates as ``stride_eval.grid.axes`` gives them."""
        y, x = np.asarray(rows.values, dtype=float), np.asarray(columns.values, dtype=float)
        step_y, step_x = (float(axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else 1.0 for axis in (y, x))
        first_row_south = (step_y > 0) == (rows.attrs.get("positive_direction", "north") == "north")
        first_column_east = (step_x > 0) == (columns.attrs.get("positive_direction", "east") == "west")
        edges_y, edges_x = (y[0] - step_y / 2, y[-1] + step_y / 2), (x[0] - step_x / 2, x[-1] + step_x / 2)
        bottom, top = edges_y if first_row_south else edges_y[::-1]
        right, left = edges_x if first_column_east else edges_x[::-1]
        geographic = is_geographic(rows)
        apart = spacing(rows, columns)
        km = apart.x / abs(step_x) if apart.unit == "km" and step_x else None
        aspect = 1.0 / max(math.cos(math.radians(float(y.mean()))), 0.05) if geographic else 1.0
        return cls((left, right, bottom, top), first_row_south, first_column_east, aspect, geographic, km)

    @property
    def shape_on_paper(self) -> float:
        """Height over width of the drawn map."""
        left, right, bottom, top = self.extent
        return abs(top - bottom) * self.aspect / abs(right - left)


def draw_field(axes: Axes, field: np.ndarray, frame: MapFrame, scale: ColourScale) -> AxesImage:
    """Draws a field [y, x] in its own row order, north up."""
    field = np.asarray(field)[:: -1 if frame.flip_rows else 1, :: -1 if frame.flip_columns else 1]
    image = axes.imshow(
        np.ma.masked_invalid(field),
        extent=frame.extent,
        origin="upper",
        cmap=scale.cmap,
        norm=scale.norm,
        aspect=frame.aspect,
        interpolation="nearest",
    )
    axes.grid(False)
    for side in axes.spines.values():
        side.set(visible=True, linewidth=0.6)
    axes.set(xticks=[], yticks=[])
    return image


def draw_coast(axes: Axes, land: np.ndarray | None, frame: MapFrame) -> None:
    """Draws the line where the land fraction [y, x] passes one half."""
    if land is None or not (np.nanmin(land) < 0.5 < np.nanmax(land)):
        return
    land = np.asarray(land)[:: -1 if frame.flip_rows else 1, :: -1 if frame.flip_columns else 1]
    axes.contour(land, levels=[0.5], colors="#222222", linewidths=0.5, extent=frame.extent, origin="upper")


def draw_dots(axes: Axes, marked: np.ndarray, frame: MapFrame, across: int = 36) -> None:
    """Draws a dot on marked pixels [y, x], on every n-th one of a fine grid so that colours stay visible.

    Args:
        axes: of a drawn field.
        marked: true where a dot may stand.
        frame: where the field lies.
        across: most dots along the longer side.
    """
    marked = np.asarray(marked)[:: -1 if frame.flip_rows else 1, :: -1 if frame.flip_columns else 1]
    step = max(1, math.ceil(max(marked.shape) / across))
    rows, columns = np.nonzero(marked[step // 2 :: step, step // 2 :: step])
    left, right, bottom, top = frame.extent
    x = left + (columns * step + step // 2 + 0.5) / marked.shape[1] * (right - left)
    y = top + (rows * step + step // 2 + 0.5) / marked.shape[0] * (bottom - top)
    axes.plot(x, y, ".", color="#111111", markersize=1.6, markeredgewidth=0.0, zorder=3)
    keep_to(axes, frame)


def keep_to(axes: Axes, frame: MapFrame) -> None:
    """Shows the frame's part of a wider field."""
    left, right, bottom, top = frame.extent
    axes.set(xlim=(left, right), ylim=(bottom, top))


def label_place(axes: Axes, frame: MapFrame) -> None:
    """Says where or how large the map is: degrees on its edges, or a bar of round length."""
    left, right, bottom, top = frame.extent
    if frame.geographic:
        axes.set_xticks(*_degrees(left, right, ("W", "E")))
        axes.set_yticks(*_degrees(bottom, top, ("S", "N")))
        axes.tick_params(labelsize=7, length=2)
    elif frame.km_per_x is not None:
        width_km = abs(right - left) * frame.km_per_x
        length = _round_length(width_km / 3.5)
        share = length / width_km
        box: dict[str, Any] = {"transform": axes.transAxes, "linewidth": 0, "zorder": 5}
        axes.add_patch(Rectangle((0.03, 0.025), share + 0.04, 0.125, facecolor="white", alpha=0.8, **box))
        axes.add_patch(Rectangle((0.05, 0.05), share, 0.018, facecolor="#222222", **box))
        axes.text(
            0.05 + share / 2,
            0.075,
            f"{length:g} km",
            transform=axes.transAxes,
            ha="center",
            va="bottom",
            fontsize=7,
            zorder=6,
        )


def _round_length(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= value)


def _degrees(first: float, last: float, signs: tuple[str, str]) -> tuple[list[float], list[str]]:
    """About three round degrees between two edges, with their letters."""
    low, high = sorted((first, last))
    step = _round_length(max((high - low) / 2.0, 1e-6))
    values = [float(value) for value in np.arange(math.ceil(low / step) * step, high + step * 1e-6, step)]

    def text(value: float) -> str:
        shown = value - 360.0 if value > 180.0 else value
        return f"{abs(shown):g}°{signs[1] if shown > 0 else signs[0] if shown < 0 else ''}"

    return values, [text(value) for value in values]
