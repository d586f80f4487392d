"""High quantiles against the observed ones, and how often high thresholds are passed."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.tail_statistics import tail_statistics
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, colours, markers, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: quantiles less the observed ones; right: how often observed quantiles are passed, over the observed."""
    days, statistics = tail_statistics(results, is_amount(spec))
    apart = interval(days, statistics["difference"], config)
    passing = interval(
        results[["exceedance", "observed_exceedance"]],
        lambda m: m["exceedance"] / m["observed_exceedance"].where(m["observed_exceedance"] > 0),
        config,
    )
    levels, units = results["level"].values, pretty_units(spec.units)
    labels = [
        f"{100 * level:g} %\n({value:.3g} {units})".replace(" )", ")")
        for level, value in zip(levels, results["thresholds"].values, strict=True)
    ]
    drawn = new_figure(10.0, 3.9)
    left, right = drawn.subplots(1, 2)
    _dots(left, apart, about, levels, 0.0)
    left.set_ylabel(
        "Quantile less observed [%]" if is_amount(spec) else axis_label("Quantile less observed", spec.units)
    )
    left.set_title("How high the quantiles are")
    _dots(right, passing, about, levels, 1.0)
    right.set_yscale("log")
    bottom, top = right.get_ylim()
    right.set_ylim(max(min(bottom, 0.45), 0.02), min(max(top, 2.2), 50.0))
    label_log_axis(right, "y")
    right.set_ylabel("Frequency over observed")
    right.set_title("How often the observed quantile is reached")
    for axes in (left, right):
        axes.set_xticks(range(len(levels)), labels)
        axes.set_xlabel("Observed quantile (its value)")
    _mark_zeros(right, passing, about, levels)
    drawn.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(about.systems))
    text = ", ".join(
        f"{name} {float(apart['estimate'].sel(system=name).isel(level=-1)):+.3g}" for name in about.systems
    )
    return FigureRecord(
        name=f"tail_{results['target'].item()}",
        title="The heavy end" if is_amount(spec) else "The upper end",
        reading="Left, the line at 0 is right: below it the extremes are too weak. Right, 1 is right: 0.5 means half "
        "as often as observed.",
        caption=f"{span(about.dates)}, {members_of(about)}, members and pixels pooled; "
        f"{interval_words(config, len(about.dates))}.",
        alt=f"{100 * levels[-1]:g} % quantile less observed [{'%' if is_amount(spec) else units}]: {text}.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _places(about: Provenance, levels: np.ndarray) -> dict[str, np.ndarray]:
    """Where each system stands at each level: side by side."""
    width = min(0.16, 0.7 / len(about.systems))
    middle = (len(about.systems) - 1) / 2
    return {name: np.arange(len(levels)) + (number - middle) * width for number, name in enumerate(about.systems)}


def _mark_zeros(axes: Axes, found: xr.Dataset, about: Provenance, levels: np.ndarray) -> None:
    """A system that never passes a threshold has no place on a logarithmic axis: its zero is written at the edge."""
    colour = colours(about.systems)
    for name, at in _places(about, levels).items():
        for place, value in zip(at, found["estimate"].sel(system=name).values, strict=True):
            if value == 0.0:
                axes.annotate(
                    "0", (place, 0.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
                    ha="center", va="bottom", color=colour[name], fontweight="bold",
                )  # fmt: skip


def _dots(axes: Axes, found: xr.Dataset, about: Provenance, levels: np.ndarray, right_value: float) -> None:
    """Dots with intervals, systems side by side at each level."""
    colour, marker = colours(about.systems), markers(about.systems)
    for name, at in _places(about, levels).items():
        one = found.sel(system=name)
        axes.vlines(at, one["lower"], one["upper"], color=colour[name], linewidth=3.0, alpha=0.45)
        axes.plot(
            at,
            one["estimate"],
            marker[name],
            color=colour[name],
            markersize=7,
            markeredgecolor="white",
            markeredgewidth=0.7,
            label=name,
        )
    axes.axhline(right_value, color=OBSERVED, linewidth=1.2, zorder=0)
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.grid(axis="x", visible=False)
