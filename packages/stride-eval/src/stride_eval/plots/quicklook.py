"""One date on one colour scale: low resolution, observation, single fields, and each ensemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.grid import axes as grid_axes
from stride_eval.plots.captions import short_date
from stride_eval.plots.colour_maps import ColourScale, amount_scale, value_scale
from stride_eval.plots.heading import heading
from stride_eval.plots.maps import MapFrame, draw_coast, draw_field, keep_to, label_place
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, colours, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.reading import time_labels


@dataclass(frozen=True)
class _LowResolution:
    """The conditioning of a date."""

    field: np.ndarray
    frame: MapFrame
    spec: VariableSpec


@styled
def figure(results: xr.Dataset, index: int, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Top row: what was given, what happened where that is known, systems of one field; then a row of each ensemble."""
    label = time_labels(results, "dates")[index]
    one = results.isel(time=index)
    low = _low_resolution(one)
    same = low is not None and low.spec.key == spec.key
    fields = [one["observed"].values] + ([low.field] if low is not None and same else [])
    scale = value_scale(spec, fields, others=[one["members"].values, one["mean"].values, one["pmm"].values])
    drawn = _draw(one, spec, about, scale, low, same)
    given = (
        ""
        if low is None
        else f"low resolution: {low.spec.display_name} on {low.field.shape[0]} × {low.field.shape[1]} cells; "
    )
    shape = one["observed"].shape
    observed = bool(one["observed"].notnull().any())
    like = "look like the observed field and " if observed else ""
    amount = f"observed mean {np.nanmean(one['observed']):.3g}; " if observed else ""
    return FigureRecord(
        name=f"{label.replace(':', '')}_{one['target'].item()}",
        title=f"{short_date(label)}: {one['choice'].item()}",
        reading=("All panels" if is_amount(spec) else "All fields but the spread")
        + f" share one colour scale: members should {like}differ from each other where the "
        "low resolution leaves room; the PMM keeps the members' amounts where the mean smooths them.",
        caption=f"1 date, {shape[0]} × {shape[1]} pixels; {given}" + "; ".join(_of_members(about, one.sizes["member"]))
        + ". PMM: probability matched mean; spread: standard deviation of the members (ddof = 1).",
        alt=f"Maps of {spec.display_name.lower()} on {short_date(label)}: {amount}"
        + ", ".join(f"{name} mean {np.nanmean(one['mean'].sel(system=name)):.3g}" for name in about.systems)
        + f" {pretty_units(spec.units)}.",
        figure=drawn,
        target=str(one["target"].item()),
    )  # fmt: skip


def _low_resolution(one: xr.Dataset) -> _LowResolution | None:
    if "conditioning" not in one or not one["conditioning_spec"].item():
        return None
    rows, columns = grid_axes(one["conditioning"], y="lr_y", x="lr_x")
    spec = VariableSpec.model_validate_json(one["conditioning_spec"].item())
    return _LowResolution(one["conditioning"].values, MapFrame.of(rows, columns), spec)


def _of_members(about: Provenance, shown: int) -> list[str]:
    return [f"{name} {min(shown, about.members[name])} of {about.members[name]} members" for name in about.ensembles]


def _draw(
    one: xr.Dataset, spec: VariableSpec, about: Provenance, scale: ColourScale, low: _LowResolution | None, same: bool
) -> Figure:
    frame = MapFrame.of(*grid_axes(one))
    land = one["land"].values if "land" in one else None
    shown = one.sizes["member"]
    colour = colours(about.systems)
    singles = [name for name in about.systems if about.members[name] == 1]
    observed = bool(one["observed"].notnull().any())
    given = int(low is not None) + int(observed)
    top = given + len(singles)
    count = max(top + 2, shown + 3) if about.ensembles else top + 2
    width = min(1.75, 12.2 / count)
    rows = 1 + len(about.ensembles)
    drawn = new_figure(width * count + 0.3, (width * frame.shape_on_paper + 0.3) * rows + 0.15, maps=True)
    panels = drawn.subplots(rows, count, squeeze=False)

    def put(
        axes: Axes, field: np.ndarray, title: str, tone: str = OBSERVED, own: ColourScale | None = None
    ) -> AxesImage:
        image = draw_field(axes, field, frame, own or scale)
        draw_coast(axes, land, frame)
        weight = "bold" if axes in panels[0] else "normal"
        axes.set_title(heading(title, width, 9), fontsize=9, loc="center", color=tone, fontweight=weight)
        return image

    bars: list[tuple[AxesImage, ColourScale, str]] = []
    image: AxesImage | None = None
    spread: AxesImage | None = None
    if low is not None:
        own = scale if same else value_scale(low.spec, [low.field])
        image = draw_field(panels[0, 0], low.field, low.frame, own)
        draw_coast(panels[0, 0], land, frame)
        keep_to(panels[0, 0], frame)
        panels[0, 0].set_title("low resolution", fontsize=9, loc="center", color=OBSERVED)
        if not same:
            bars.append((image, own, axis_label(f"{low.spec.display_name} (low resolution)", low.spec.units)))
    if observed:
        image = put(panels[0, given - 1], one["observed"].values, "observed")
    for offset, name in enumerate(singles, start=given):
        image = put(panels[0, offset], one["members"].sel(system=name).isel(member=0).values, name, colour[name])
    for axes in panels[0, top:]:
        axes.set_axis_off()
    # Degrees stand on the figure's edge; a bar is drawn into a panel.
    labelled = (0, 0 if frame.geographic else max(given - 1, 0)) if top else (1, 0)
    label_place(panels[labelled], frame)
    # The spread of an amount compares with the amount; that of a temperature does not.
    spreads = [one["spread"].sel(system=name).values for name in about.ensembles]
    spread_scale = scale if is_amount(spec) else amount_scale(spreads)
    for line, name in zip(panels[1:], about.ensembles, strict=True):
        here = one.sel(system=name)
        members = min(shown, about.members[name])
        for number in range(members):
            image = put(line[number], here["members"].isel(member=number).values, f"member {number + 1}")
        put(line[shown], here["mean"].values, "mean")
        put(line[shown + 1], here["pmm"].values, "PMM")
        spread = put(line[shown + 2], here["spread"].values, "spread", own=spread_scale)
        line[0].set_ylabel(name, color=colour[name], fontweight="bold", fontsize=9)
        for axes in (*line[members:shown], *line[shown + 3 :]):
            axes.set_axis_off()
    assert image is not None  # there is a system at least
    bars.insert(0, (image, scale, axis_label(spec.display_name, spec.units)))
    if spread is not None and spread_scale is not scale:
        bars.insert(1, (spread, spread_scale, axis_label("Spread", spec.units)))
    _colour_bars(drawn, panels[0, top], count - top, bars)
    return drawn


def _colour_bars(drawn: Figure, corner: Axes, free: int, bars: list[tuple[AxesImage, ColourScale, str]]) -> None:
    """Colour bars one above the other in the empty corner of the top row."""
    step = 1.0 / len(bars)
    for number, (image, scale, label) in enumerate(bars):
        height = 0.11 if len(bars) == 1 else 0.09
        bottom = 1.0 - (number + 0.5) * step - (0.02 if len(bars) == 1 else -0.06)
        place = corner.inset_axes((0.14, bottom, free - 0.24 + 0.06 * (free - 1), height))
        place.set_in_layout(False)
        bar = drawn.colorbar(image, cax=place, orientation="horizontal", extend=scale.extend)
        bar.set_label(label, fontsize=9 if len(bars) == 1 else 8, labelpad=2)
        bar.ax.tick_params(labelsize=8 if len(bars) == 1 else 7, pad=2)
        bar.outline.set_linewidth(0.5)
        if scale.ticks is not None:
            bar.set_ticks(list(scale.ticks), labels=[f"{tick:g}" for tick in scale.ticks])
