"""Reliability diagrams with consistency bars, the isotonic curve and the counts."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import event_counts
from stride_eval.families.decisions import shown_thresholds
from stride_eval.metrics.consistency import consistency_bars
from stride_eval.metrics.corp import corp_decomposition, isotonic_frequency
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.heading import heading
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, colours, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number

BAR = 0.9
"""Share of a calibrated ensemble's points within the bars."""


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One row a system, one column a threshold."""
    kept, names = shown_thresholds(results), about.ensembles
    drawn = new_figure(3.2 * len(kept) + 0.5, 3.7 * len(names) + 0.3, maps=True)
    drawn.set_layout_engine("compressed", hspace=0.05)  # two lines of title under the ticks of the row above
    panels = drawn.subplots(len(names), len(kept), sharex=True, sharey=True, squeeze=False)
    colour, units, words = colours(about.systems), pretty_units(spec.units), []
    for row, name in zip(panels, names, strict=True):
        told = []
        for axes, index in zip(row, kept, strict=True):
            level = f"{float(results['thresholds'].isel(threshold=index)):g}"
            counts = event_counts(results, name, about.members[name], index)
            inside, bins = _panel(axes, counts, colour[name], config)
            axes.set_title(heading(name, 3.2, 11) + "\n" + f"≥ {level} {units}".rstrip())
            told.append(f"at {level} {inside} of {bins} points within the bars")
        words.append(f"{name}: " + ", ".join(told))
        row[0].set_ylabel("Observed frequency")
    for axes in panels[-1]:
        axes.set_xlabel("Share of members with the event")
    return FigureRecord(
        name=f"reliability_{results['target'].item()}",
        title="Reliability of probabilities",
        reading="Within the grey bars lie the points of a calibrated ensemble of as many members; a curve flatter than "
        "the bars is too sure of itself, one below them warns too often.",
        caption=f"{span(about.dates)}, {members_of(about, names)}; pixels pooled, at most 11 classes of probability; "
        f"bars hold {BAR:.0%} of the points of an ensemble that could change places with the observation (dates drawn "
        "together, never less than for independent pixels): with few members not on the diagonal; thin line: isotonic "
        "fit; MCB is what the Brier score gains by it, DSC what that gains on stating the observed frequency "
        "(dotted), both in per cent of the Brier score of that; inset: share of the pixels by probability, "
        "logarithmic.",
        alt="Reliability diagrams. " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _panel(axes: Axes, counts: xr.DataArray, colour: str, config: EvalConfig) -> tuple[int, int]:
    """Draws one diagram; returns how many of its points lie within the bars, and of how many."""
    bars = consistency_bars(
        counts, block_length=config.resolved_block_length(counts.sizes["time"]), n_resamples=config.resamples,
        level=BAR, seed=config.seed,
    )  # fmt: skip
    forecast, observed, lower, upper, n = (
        bars[key].values for key in ("forecast_probability", "observed_frequency", "lower", "upper", "n")
    )
    total = counts.sum("time")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle="--")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    if not n.sum():
        axes.annotate("no pixel", (0.5, 0.5), ha="center", color=MUTED)
        return 0, 0
    base_rate = float(total.isel(outcome=1).sum() / total.sum())
    axes.axhline(base_rate, color=MUTED, linewidth=1.0, linestyle=":")
    axes.vlines(forecast, lower, upper, color="#9aa1ac", linewidth=5.0, alpha=0.55)
    fitted = isotonic_frequency(total).values
    probability, there = np.linspace(0.0, 1.0, fitted.size), np.isfinite(fitted)
    axes.plot(probability[there], fitted[there], color=colour, linewidth=1.1)
    axes.plot(forecast, observed, "o", color=colour, markersize=6, markeredgecolor="white", markeredgewidth=0.6)
    parts = corp_decomposition(total)
    uncertainty = parts["uncertainty"].where(parts["uncertainty"] > 0)
    mcb, dsc = (number(100.0 * float(parts[key] / uncertainty), "%") for key in ("miscalibration", "discrimination"))
    axes.annotate(
        f"MCB {mcb} %\nDSC {dsc} %",
        (0.97, 0.04), xycoords="axes fraction", ha="right", va="bottom", fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip
    inset = axes.inset_axes((0.13, 0.74, 0.34, 0.23))
    there = n > 0
    inset.bar(forecast[there], n[there] / n.sum(), width=0.8 / max(n.size - 1, 1), color=colour, alpha=0.8)
    inset.set(yscale="log", xlim=(-0.08, 1.08), ylim=(min(0.5 * (n[there] / n.sum()).min(), 0.1), 1.5), xticks=[])
    inset.tick_params(labelsize=7, length=2)
    inset.minorticks_off()
    inset.grid(visible=False)
    inset.patch.set_alpha(0.85)
    inside = (observed >= lower - 1e-12) & (observed <= upper + 1e-12)
    return int(inside.sum()), int(there.sum())
