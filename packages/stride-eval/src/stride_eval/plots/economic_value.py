"""Economic value by cost-loss ratio and threshold."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.decisions import shown_thresholds
from stride_eval.families.intervals import interval
from stride_eval.metrics.economic_value import potential_economic_value
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, colours, dashes, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number

RATIOS = np.logspace(-3.0, np.log10(0.95), 45)
"""Cost-loss ratios of the curves."""


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a threshold: value to users by their ratio of cost to loss."""
    kept = shown_thresholds(results)
    columns = min(len(kept), 3)
    rows = math.ceil(len(kept) / columns)
    drawn = new_figure(3.3 * columns + 0.5, 3.3 * rows)
    panels = drawn.subplots(rows, columns, sharey=True, squeeze=False)
    colour, dash = colours(about.systems), dashes(about.systems)
    units, words = pretty_units(spec.units), []
    for axes, index in zip(panels.flat, kept, strict=False):
        level = f"{float(results['thresholds'].isel(threshold=index)):g}"
        counts = results["value_counts"].isel(threshold=index).fillna(0.0)
        first = counts.sel(system=about.systems[0]).sum(("time", "k"))
        rate = float(first.sel(outcome=1) / first.sum()) if float(first.sum()) else math.nan
        best = {}
        for name in about.systems:
            # One system at a time: resamples, ratios and members together are many numbers.
            found = interval(
                counts.sel(system=name).to_dataset(name="counts"),
                lambda m: potential_economic_value(m["counts"], cost_loss=RATIOS),
                config,
            )
            value = found["estimate"].values
            axes.fill_between(RATIOS, found["lower"], found["upper"], color=colour[name], alpha=0.15, linewidth=0)
            axes.plot(RATIOS, value, color=colour[name], linestyle=dash[name], label=name)
            best[name] = float(np.nanmax(value)) if np.isfinite(value).any() else math.nan
        if 0 < rate < 1:
            axes.axvline(rate, color=MUTED, linewidth=1.0, linestyle=":")
        axes.set(xscale="log", xlim=(RATIOS[0], 1.0), ylim=(-0.03, 1.02))
        axes.set_xticks([0.001, 0.01, 0.1, 1.0], ["0.001", "0.01", "0.1", "1"])
        axes.set_title(f"≥ {level} {units}".rstrip() + f"\n({100 * rate:.2g} % of pixels)")
        axes.set_xlabel("Cost of acting / loss avoided")
        words.append(f"at {level} " + listed([f"{name} {number(value)}" for name, value in best.items()]))
    for axes in panels.flat[len(kept) :]:
        axes.set_axis_off()
    for line in panels:
        line[0].set_ylabel("Relative economic value")
    drawn.legend(
        *panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(about.systems), 4)
    )
    return FigureRecord(
        name=f"economic_value_{results['target'].item()}",
        title="What the forecasts are worth to people who can act",
        reading="1 is the worth of a perfect forecast, 0 of knowing how often the event happens; a curve that is above "
        "zero over a wider range serves more users, and it peaks at the event's frequency (dotted).",
        caption=f"{span(about.dates)}, {members_of(about)}; each user acts where at least k members have the event, "
        "with the k that serves them best on these dates (potential value), pixels pooled; values below zero are cut; "
        f"{interval_words(config, len(about.dates))}.",
        alt="Largest relative economic value " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )
