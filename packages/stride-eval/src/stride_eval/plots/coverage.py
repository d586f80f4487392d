"""PIT of the systems, coverage of their central intervals and the width of these."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import coverage_parts, rank_test
from stride_eval.families.intervals import interval
from stride_eval.metrics.interval_coverage import interval_order
from stride_eval.metrics.pit import pit_histogram
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, axis_label, colours, dashes, markers, new_figure, styled
from stride_eval.provenance import Provenance

BINS = 10


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Three panels: PIT in tenths, coverage against what is right, mean width."""
    drawn = new_figure(11.4, 4.2)
    left, middle, right = drawn.subplots(1, 3)
    colour, dash, marker = colours(about.systems), dashes(about.systems), markers(about.systems)
    edges = np.arange(BINS + 1) / BINS
    highest, words = 1.0, []
    for name in about.ensembles:
        members = about.members[name]
        counts = results["rank_counts"].sel(system=name, drop=True).isel(rank=slice(0, members + 1)).fillna(0.0)
        found = interval(xr.Dataset({"counts": counts}), lambda m: pit_histogram(m["counts"], bins=BINS), config)
        height, lower, upper = (found[part].values for part in ("estimate", "lower", "upper"))
        left.stairs(height, edges, color=colour[name], linestyle=dash[name], linewidth=1.8, label=name, baseline=None)
        left.fill_between(
            edges, np.append(lower, lower[-1:]), np.append(upper, upper[-1:]), step="post", color=colour[name],
            alpha=0.15, linewidth=0,
        )  # fmt: skip
        highest = max([highest, *height[np.isfinite(height)]])
        parts = [coverage_parts(results, name, members, level, config) for level in _levels(members, config)]
        nominal, covered, width = (
            np.array([[float(part[end].sel(part=key)) for part in parts] for end in ("estimate", "lower", "upper")])
            for key in ("nominal", "coverage", "width")
        )
        style = {"color": colour[name], "marker": marker[name], "markeredgecolor": "white", "markersize": 7}
        middle.vlines(100 * nominal[0], 100 * covered[1], 100 * covered[2], color=colour[name], linewidth=3, alpha=0.4)
        middle.plot(100 * nominal[0], 100 * covered[0], linestyle=dash[name], linewidth=1.2, **style)
        right.vlines(100 * nominal[0], width[1], width[2], color=colour[name], linewidth=3, alpha=0.4)
        right.plot(100 * nominal[0], width[0], linestyle=dash[name], linewidth=1.2, **style)
        if parts and np.isfinite(covered[0, -1]):
            words.append(f"{name} holds {100 * covered[0, -1]:.0f} % where {100 * nominal[0, -1]:.0f} % is right")
    left.axhline(1.0, color=MUTED, linewidth=1.0, linestyle="--")
    left.set(xlim=(0, 1), ylim=(0, min(1.12 * highest, 8.0)), xlabel="PIT of the observation")
    left.set(ylabel="Frequency relative to flat", title="PIT")
    middle.plot([0, 100], [0, 100], color=MUTED, linewidth=1.0, linestyle="--")
    middle.set(xlim=(0, 100), ylim=(0, 100), title="Coverage", ylabel="Observed in the interval [%]")
    right.set(xlim=(0, 100), title="Width", ylabel=axis_label("Mean width", spec.units))
    right.set_ylim(bottom=0.0)
    for axes in (middle, right):
        axes.set_xlabel("Right coverage for so many members [%]")
    drawn.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    total = results["n"].sum("time")
    share = max(float(results["all_tied"].sel(system=name).sum("time") / total) for name in about.ensembles)
    tied = f"up to {share:.0%} of the pixels are tied with all members (dry)" if share > 0 else "no pixel is tied"
    return FigureRecord(
        name=f"coverage_{results['target'].item()}",
        title="Do the intervals hold what they promise",
        reading="A flat PIT and points on the dashed line are calibrated; points below it are intervals that hold too "
        "little, and of two systems on the line the narrower one is better.",
        caption=f"{span(about.dates)}, {members_of(about, about.ensembles)}; the PIT is spread evenly over its rank "
        f"and its ties ({tied}); intervals reach from the j-th lowest to the j-th highest member and are right at "
        f"(M + 1 - 2j) / (M + 1); tests against a flat rank histogram: {_tests(results, about, config)}; "
        f"{interval_words(config, len(about.dates))}.",
        alt=(listed(words) if words else "No interval can be given") + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _levels(members: int, config: EvalConfig) -> list[float]:
    """The levels in order, one for each interval that so many members have."""
    return list({interval_order(members, level): level for level in sorted(config.coverage_levels)}.values())


def _tests(results: xr.Dataset, about: Provenance, config: EvalConfig) -> str:
    """p-values in words."""
    words = []
    for name in about.ensembles:
        test = rank_test(results, name, about.members[name], config)
        found = [
            f"{word} p {_p(float(test[key]))}"
            for word, key in (("whole", "p_value"), ("slope", "slope_p"), ("convexity", "convexity_p"))
            if np.isfinite(test[key])
        ]
        words.append(f"{name} {', '.join(found) if found else 'too few dates'}")
    return "; ".join(words)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"
