"""Return levels by peaks over a threshold and by block maxima."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.binning import quantiles_of_counts
from stride_eval.families.block_maxima import FEWEST_BLOCKS
from stride_eval.families.intervals import interval
from stride_eval.families.return_levels import (
    THRESHOLD_LEVEL,
    block_interval,
    maxima_levels,
    peak_levels,
    peak_rate,
    periods_up_to,
)
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, colours, dashes, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance

REACH = 10.0
"""Longest return period drawn, in lengths of the record."""


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: peaks over a threshold, by dates; right: block maxima, by blocks, where there are blocks enough."""
    blocks = int((results["observed_block_counts"].sum("bin") > 0).sum())
    both = blocks >= FEWEST_BLOCKS
    drawn = new_figure(10.0 if both else 6.2, 4.3)
    panels = drawn.subplots(1, 2 if both else 1, squeeze=False)[0]
    units = pretty_units(spec.units)

    periods = periods_up_to(1.05 / peak_rate(results), REACH * len(about.dates))
    days, statistics = peak_levels(results, periods)
    observed = interval(days[["observed_counts", "all_observed_counts"]], statistics["observed"], config)
    found = interval(days, statistics["level"], config)
    _draw(panels[0], observed, found, about)
    _points(panels[0], results["observed_counts"].sum("time"), results["edges"].values, len(about.dates), periods)
    panels[0].set(xlabel="Return period [dates]", ylabel=axis_label("Level", spec.units))
    panels[0].set_title("Peaks over a threshold")
    legend_below(drawn, panels[0])

    name = str(results.attrs["block_name"])
    if both:
        periods = periods_up_to(2.0, REACH * blocks)
        counted, statistics = maxima_levels(results, periods)
        observed_maxima = block_interval(counted[["observed_block_counts"]], statistics["observed"], config)
        _draw(panels[1], observed_maxima, block_interval(counted, statistics["level"], config), about)
        total = results["observed_block_counts"].sum("block")
        _points(panels[1], total, results["edges"].values, blocks, periods)
        panels[1].set(xlabel=f"Return period [{'years' if name == 'year' else 'blocks'}]")
        panels[1].set_title("Block maxima" if name != "year" else "Yearly maxima")
        words = f"right: generalised extreme value law of the maxima of {blocks} blocks ({name}), bootstrap over blocks"
    else:
        words = (
            f"no law of block maxima: it needs {FEWEST_BLOCKS} blocks of ten dates, or whole years, and these are "
            f"{len(about.dates)} dates"
        )
    at = float(results["summary_period"])
    ends = {"observed": observed} | {name: found.sel(system=name) for name in about.systems}
    place = int(np.argmin(np.abs(found["period"].values - at)))
    return FigureRecord(
        name=f"return_levels_{results['target'].item()}",
        title="Return levels",
        reading="A curve on the observed one is right; steeper, its extremes grow too fast; bands that overlap leave "
        "the difference open.",
        caption=f"{span(about.dates)}, {members_of(about)}; all pixels pooled: levels of a pixel taken at random, "
        "members as realisations of their own. Laws fitted by L-moments; dots: observed values without a law. "
        f"{'Left: g' if both else 'G'}eneralised Pareto law above {float(results['peak_threshold']):.3g} {units} "
        f"(observed {100 * THRESHOLD_LEVEL:g} % quantile), {interval_words(config, len(about.dates))}; {words}. Pixels "
        "are not independent: far beyond the length of the record the law alone speaks.",
        alt=f"Level at {float(found['period'][place]):,.0f} dates: "
        + ", ".join(f"{who} {float(one['estimate'][place]):.4g} {units}".rstrip() for who, one in ends.items()) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip


def _draw(axes: Axes, observed: xr.Dataset, found: xr.Dataset, about: Provenance) -> None:
    """Curves with bands on a logarithmic axis of periods."""
    colour, dash = colours(about.systems), dashes(about.systems)
    periods = found["period"].values
    axes.fill_between(periods, observed["lower"], observed["upper"], color=OBSERVED, alpha=0.12, linewidth=0)
    axes.plot(periods, observed["estimate"], color=OBSERVED, linewidth=2.4, label="observed", zorder=3)
    for name in about.systems:
        one = found.sel(system=name).transpose("period", ...)
        axes.fill_between(periods, one["lower"], one["upper"], color=colour[name], alpha=0.15, linewidth=0)
        axes.plot(periods, one["estimate"], color=colour[name], linestyle=dash[name], label=name)
    # One system's wide band must not press the others together.
    tops = [float(np.nanmax(one)) for one in (observed["upper"], found["estimate"]) if bool(one.notnull().any())]
    lows = [float(np.nanmin(one)) for one in (observed["lower"], found["estimate"]) if bool(one.notnull().any())]
    if tops and max(tops) > min(lows):
        margin = 0.08 * (max(tops) - min(lows))
        axes.set_ylim(min(lows) - margin, max(tops) + margin)
    axes.set_xscale("log")
    axes.set_xlim(periods[0], periods[-1])
    label_log_axis(axes, "x")


def _points(axes: Axes, counts: xr.DataArray, edges: np.ndarray, record: int, periods: np.ndarray) -> None:
    """Observed values at periods that the record holds."""
    held = periods[periods <= record]
    if held.size:
        values = quantiles_of_counts(counts.fillna(0.0), edges, 1.0 - 1.0 / held)
        axes.plot(held, values, ".", color=OBSERVED, markersize=6, zorder=4)
