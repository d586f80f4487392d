"""A picture of a few validation times as training goes: what was given, what happened, what the network draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.spec import VariableSpec

from stride_train.training.field_colours import colour_limits, colour_map, pretty
from stride_train.training.monitors import ValidationCase
from stride_train.training.small_scales import pixel_spacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_PANEL = 1.9
"""Width of a panel in inches."""


def draw_quicklook(
    cases: Sequence[ValidationCase], adapter: Adapter, picture: Path, *, title: str, members: int
) -> None:
    """Draws one row for every case and target: low resolution, observed, members, ensemble mean, on one colour scale.

    The low-resolution field is the first one of the target's own variable; where there is none, the first of all, on
    its own scale and with its name. Its margins are cut off.

    Args:
        cases: What to draw.
        adapter: Names, margins and coordinates of the fields.
        picture: The PNG file to write, whole or not at all.
        title: Heading of the picture.
        members: How many members to draw, at most.
    """
    from matplotlib.figure import Figure

    rows = [(case, channel) for case in cases for channel in range(len(adapter.target_vars))]
    shown = min(members, len(cases[0].members))
    frame = _Frame.of(adapter)
    height, width = adapter.hr_shape
    panel_height = _PANEL * min(max(frame.aspect * height / width, 0.4), 2.5)
    figure = Figure(figsize=(_PANEL * (shown + 3) + 1.2, (panel_height + 0.15) * len(rows) + 0.7), layout="compressed")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)  # type: ignore[union-attr]
    panels = figure.subplots(len(rows), shown + 3, squeeze=False)
    titles = ["low resolution", "observed", *(f"member {number + 1}" for number in range(shown)), "ensemble mean"]
    for axes, heading in zip(panels[0], titles, strict=True):
        axes.set_title(heading, fontsize=10, fontweight="bold" if heading == "observed" else "normal")
    for line, (case, channel) in zip(panels, rows, strict=True):
        variable, observed = adapter.target_vars[channel], case.observed[channel]
        given, low = _low_resolution(case, variable, adapter)
        same = given.key == variable.key and given.units == variable.units
        limits = colour_limits(variable, [observed, low] if same else [observed])
        drawn = case.members[:, channel]
        frame.draw(line[0], low, given, limits if same else colour_limits(given, [low]))
        if not same:
            line[0].set_xlabel(pretty(given.label), fontsize=7, labelpad=2)
        fields = [observed, *drawn[:shown], drawn.mean(axis=0)]
        images = [frame.draw(axes, field, variable, limits) for axes, field in zip(line[1:], fields, strict=True)]
        bar = figure.colorbar(images[0], ax=list(line), extend=_beyond(limits, fields), shrink=0.9, pad=0.01, aspect=16)
        bar.set_label(pretty(variable.label), fontsize=9)
        bar.ax.tick_params(labelsize=8)
        line[0].set_ylabel(case.time.removesuffix("T00:00:00").replace("T", " "), fontsize=9)
    figure.suptitle(title, fontsize=11)
    temporary = picture.with_name(f".{picture.stem}.partial.png")
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(temporary, dpi=110)
        temporary.replace(picture)
    finally:
        temporary.unlink(missing_ok=True)


def _low_resolution(case: ValidationCase, variable: VariableSpec, adapter: Adapter) -> tuple[VariableSpec, np.ndarray]:
    """Variable and field [H_lr, W_lr] that stand for the conditioning of a target, without the margins."""
    keys = [given.key for given in adapter.cond_vars]
    channel = keys.index(variable.key) if variable.key in keys else 0
    dynamic = case.dynamic
    if dynamic.ndim == 4:
        dynamic = dynamic[int(np.argmin(np.abs(adapter.lag_hours)))]
    field = dynamic[channel]
    top, bottom, left, right = adapter.lr_margins
    return adapter.cond_vars[channel], field[top : field.shape[0] - bottom, left : field.shape[1] - right]


def _beyond(limits, fields: Sequence[np.ndarray]) -> str:
    """Which ends of the colour bar point outwards."""
    below = any(np.nanmin(field, initial=np.inf) < limits.vmin for field in fields)
    above = any(np.nanmax(field, initial=-np.inf) > limits.vmax for field in fields)
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


@dataclass(frozen=True)
class _Frame:
    """How fields lie on paper: north up, west left, undistorted.

    Attributes:
        flip_rows: The first row is the southernmost.
        flip_columns: The first column is the easternmost.
        aspect: Height of an HR pixel over its width.
        shape: Rows and columns of the HR box.
    """

    flip_rows: bool
    flip_columns: bool
    aspect: float
    shape: tuple[int, int]

    @classmethod
    def of(cls, adapter: Adapter) -> _Frame:
        coords = adapter.hr_coords()
        # Positions on the Earth where they are known; projected coordinates grow to the north and east else.
        north = np.asarray(coords.get("latitude", coords["y"])[1])
        dy, dx = pixel_spacing(coords)
        x = np.asarray(coords["x"][1])
        return cls(bool(np.mean(north[-1]) > np.mean(north[0])), bool(x[-1] < x[0]), dy / dx, adapter.hr_shape)

    def draw(self, axes: Axes, field: np.ndarray, variable: VariableSpec, limits) -> AxesImage:
        """Draws a field of any resolution over the box."""
        height, width = self.shape
        image = axes.imshow(
            np.ma.masked_invalid(field[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]),
            extent=(0, width, 0, height),
            origin="upper",
            cmap=colour_map(variable),
            norm=limits,
            aspect=self.aspect,
            interpolation="nearest",
        )
        axes.set(xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set_linewidth(0.6)
        return image
