"""The members' correlation between two targets against the observed one, date by date."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.plots.captions import listed, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, colours, markers, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, other: str) -> FigureRecord:
    """One point a date and system, with the range of the members."""
    pair = results.sel(other=other)
    target = str(results["target"].item())
    names = (spec.long_name, about.specs[other].long_name)
    drawn = new_figure(5.6, 4.8)
    axes = drawn.subplots()
    colour, marker = colours(about.systems), markers(about.systems)
    seen = pair["observed_cross_correlation"].values
    ends, words = [seen], []
    few = len(about.dates) <= 60
    for name in about.systems:
        one = pair.sel(system=name)
        mean = one["cross_correlation"].values
        lowest, highest = one["cross_correlation_lowest"].values, one["cross_correlation_highest"].values
        axes.vlines(seen, lowest, highest, color=colour[name], linewidth=1.4, alpha=0.35 if few else 0.15)
        axes.scatter(
            seen, mean, s=40 if few else 14, color=colour[name], marker=marker[name], edgecolor="white",
            linewidth=0.6, alpha=0.9, label=name, zorder=3,
        )  # fmt: skip
        ends += [mean, lowest, highest]
        both = np.isfinite(seen) & np.isfinite(mean)
        if both.any():
            words.append(f"{name} {mean[both].mean() - seen[both].mean():+.2f}")
    finite = np.concatenate(ends)
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 1.0)
    margin = 0.06 * max(high - low, 0.1)
    limits = (max(-1.02, low - margin), min(1.02, high + margin))
    axes.plot(limits, limits, color=MUTED, linewidth=1.0, linestyle="--")
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel("Observed correlation")
    axes.set_ylabel("Correlation within members")
    legend_below(drawn, axes)
    return FigureRecord(
        name=f"cross_correlation_{target}_{other}",
        title=f"Do {names[0].lower()} and {names[1].lower()} go together as observed",
        reading="Points on the dashed line have the observed correlation between the two variables; nearer to zero, "
        "the system draws them too independently.",
        caption=f"One point a date: {span(about.dates)}, {members_of(about)}; correlation over the pixels of the two "
        "fields of one member, mean (point) and range (line) of the members; dates on which a field is constant are "
        "left out.",
        alt="Mean difference from the observed correlation: " + listed(words) + ".",
        figure=drawn,
        target=target,
    )
