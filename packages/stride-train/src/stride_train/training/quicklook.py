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

_PANEL, _GAP = 1.9, 0.06
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.35, 0.85, 0.52, 0.2
"""Width of a panel, distance of panels and margins, in inches."""


def draw_quicklook(
    cases: Sequence[ValidationCase], adapter: Adapter, picture: Path, *, title: str, members: int
) -> None:
    """Draws a row for every target and case: low resolution, observed, members, ensemble mean.

    All rows of a target share one colour scale, which is the same at every step.

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

    rows, shown = len(cases) * len(adapter.target_vars), min(members, len(cases[0].members))
    frame = _Frame.of(adapter)
    # Places in inches by hand: a layout engine draws everything twice, and this is drawn while training waits.
    tall = _PANEL * min(max(frame.aspect * frame.shape[0] / frame.shape[1], 0.4), 2.5)
    across, down = (shown + 3) * (_PANEL + _GAP), rows * tall + (rows - 1) * 3 * _GAP
    width, height = _LEFT + across + _RIGHT, _TOP + down + _BOTTOM
    figure = Figure(figsize=(width, height))
    panels = figure.subplots(
        rows,
        shown + 3,
        squeeze=False,
        gridspec_kw={
            "left": _LEFT / width,
            "right": (_LEFT + across - _GAP) / width,
            "bottom": _BOTTOM / height,
            "top": 1 - _TOP / height,
            "wspace": _GAP / _PANEL,
            "hspace": 3 * _GAP / tall,
        },
    )
    headings = ["low resolution", "observed", *(f"member {number + 1}" for number in range(shown)), "ensemble mean"]
    for axes, heading in zip(panels[0], headings, strict=True):
        axes.set_title(heading, fontsize=10, fontweight="bold" if heading == "observed" else "normal")
    for channel, variable in enumerate(adapter.target_vars):
        of_target = panels[channel * len(cases) : (channel + 1) * len(cases)]
        given, low = _low_resolution(cases, variable, adapter)
        same = given.key == variable.key and given.units == variable.units
        observed = [case.observed[channel] for case in cases]
        limits = colour_limits(variable, [*observed, *low] if same else observed)
        limits_low = limits if same else colour_limits(given, low)
        drawn = [[*case.members[:shown, channel], case.members[:, channel].mean(axis=0)] for case in cases]
        image = None
        for line, case, coarse, truth, fields in zip(of_target, cases, low, observed, drawn, strict=True):
            frame.draw(line[0], coarse, given, limits_low)
            line[0].set_ylabel(_short(case.time), fontsize=9)
            if not same:
                line[0].set_xlabel(pretty(given.label), fontsize=7, labelpad=2)
            for axes, field in zip(line[1:], [truth, *fields], strict=True):
                image = frame.draw(axes, field, variable, limits)
        assert image is not None, "there are cases"
        pooled = [*observed, *(field for fields in drawn for field in fields)]
        below, above = of_target[-1][0].get_position().y0, of_target[0][0].get_position().y1
        place = figure.add_axes(
            ((_LEFT + across) / width, below + 0.05 * (above - below), 0.12 / width, 0.9 * (above - below))
        )
        bar = figure.colorbar(image, cax=place, extend=_beyond(limits, pooled))
        bar.set_label(pretty(variable.label), fontsize=9)
        bar.ax.tick_params(labelsize=8)
    figure.suptitle(title, fontsize=11, y=1 - 0.08 / height, va="top")
    temporary = picture.with_name(f".{picture.stem}.partial.png")
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(temporary, dpi=110)
        temporary.replace(picture)
    finally:
        temporary.unlink(missing_ok=True)


def _low_resolution(
    cases: Sequence[ValidationCase], variable: VariableSpec, adapter: Adapter
) -> tuple[VariableSpec, list[np.ndarray]]:
    """Variable and fields [H_lr, W_lr] that stand for the conditioning of a target, without the margins."""
    keys = [given.key for given in adapter.cond_vars]
    channel = keys.index(variable.key) if variable.key in keys else 0
    step = int(np.argmin(np.abs(adapter.lag_hours)))
    top, bottom, left, right = adapter.lr_margins
    fields = [(case.dynamic[step] if case.dynamic.ndim == 4 else case.dynamic)[channel] for case in cases]
    inner = [field[top : field.shape[0] - bottom, left : field.shape[1] - right] for field in fields]
    return adapter.cond_vars[channel], inner


def _short(time: str) -> str:
    """A time without what is zero of its clock."""
    day, _, clock = time.partition("T")
    return day if clock == "00:00:00" else f"{day} {clock.removesuffix(':00')}"


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
