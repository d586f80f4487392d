"""ROC curves of the systems by threshold."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import event_counts, event_parts
from stride_eval.families.decisions import shown_thresholds
from stride_eval.families.intervals import numbers
from stride_eval.metrics.roc import roc_curve
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.legends import legend_under_panel, lines_under_panel
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, colours, dashes, markers, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a threshold: hits against false alarms for warning at k members or more."""
    kept = shown_thresholds(results)
    columns = min(len(kept), 3)
    rows = math.ceil(len(kept) / columns)
    under = lines_under_panel(len(about.systems) + 1)
    drawn = new_figure(3.5 * columns + 0.4, (4.1 + under) * rows, maps=True)
    panels = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    colour, dash, marker = colours(about.systems), dashes(about.systems), markers(about.systems)
    units, words = pretty_units(spec.units), []
    for axes, index in zip(panels.flat, kept, strict=False):
        level = f"{float(results['thresholds'].isel(threshold=index)):g}"
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle="--")
        told = []
        for name in about.systems:
            members = about.members[name]
            curve = roc_curve(event_counts(results, name, members, index).sum("time"))
            axes.plot(
                curve["false_alarm_rate"], curve["hit_rate"], color=colour[name], linestyle=dash[name],
                marker=marker[name], markersize=4.5, markeredgecolor="white", markeredgewidth=0.4, linewidth=1.5,
                label=name,
            )  # fmt: skip
            line = axes.get_lines()[-1]
            area = numbers(event_parts(results, name, members, index, config).sel(part="area"))
            if np.isfinite(area[0]):
                ends = f" [{number(area[1], '1')}, {number(area[2], '1')}]" if np.isfinite(area[1]) else ""
                line.set_label(f"{name} {number(area[0], '1')}{ends}")
                told.append(f"{name} {number(area[0], '1')}")
        legend_under_panel(axes, title="Area under the curve" if told else "Always or never observed")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", title=f"≥ {level} {units}".rstrip())
        axes.set_xlabel("False alarm rate")
        words.append(f"at {level} " + (listed(told) if told else "not defined"))
    for axes in panels.flat[len(kept) :]:
        axes.set_axis_off()
    for line in panels:
        line[0].set_ylabel("Hit rate")
    return FigureRecord(
        name=f"roc_{results['target'].item()}",
        title="Can the forecasts tell events from non-events",
        reading="The nearer a curve comes to the upper left corner the better it tells events apart; the diagonal "
        "tells nothing, and wrong probabilities that keep their order do not show here.",
        caption=f"{span(about.dates)}, {members_of(about)}; each mark is a warning at k members or more, pixels "
        "pooled; few members make the area smaller because straight lines stand for the missing marks; "
        f"{interval_words(config, len(about.dates))}.",
        alt="Area under the ROC curve " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )
