"""Rank histograms: where the observed value stands among the members."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, listed, members_of, pixels_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, colours, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One histogram a system, relative to flat, with intervals over dates."""
    names = about.ensembles
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    drawn = new_figure(max(3.4 * columns + 0.4, 5.0), 2.7 * rows + 0.3)
    panels = drawn.subplots(rows, columns, sharey=True, squeeze=False)
    colour = colours(about.systems)
    shapes, highest = [], 1.0
    for axes, name in zip(panels.flat, names, strict=False):
        ranks = about.members[name] + 1
        counts = results["rank_counts"].sel(system=name).isel(rank=slice(0, ranks)).fillna(0.0)
        found = interval(
            xr.Dataset({"counts": counts}), lambda m, ranks=ranks: m["counts"] * ranks / m["counts"].sum("rank"), config
        )
        height, lower, upper = (found[part].values for part in ("estimate", "lower", "upper"))
        positions = np.arange(ranks)
        axes.bar(positions, height, width=0.86, color=colour[name], alpha=0.85)
        axes.vlines(positions, lower, upper, color="#222222", linewidth=1.0)
        axes.axhline(1.0, color=MUTED, linewidth=1.0, linestyle="--")
        axes.set_title(name)
        axes.set_xlabel("Rank of the observation")
        axes.set_xticks([0, ranks - 1], ["below\nall", "above\nall"])
        axes.grid(axis="x", visible=False)
        shapes.append(f"{name} {_shape(height)}")
        highest = max(highest, float(np.nanmax([height, upper])))
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for row in panels:
        row[0].set_ylabel("Frequency relative to flat")
        row[0].set_ylim(0.0, min(1.08 * highest, 8.0))
    total = results["n"].sum("time")
    tied = [f"{float(results['all_tied'].sel(system=name).sum('time') / total):.0%} ({name})" for name in names]
    return FigureRecord(
        name=f"ranks_{results['target'].item()}",
        title="Rank histogram",
        reading="Flat at 1 is calibrated; a U says too little spread, a hump too much, a slope that forecasts are too "
        "low (rising) or too high (falling).",
        caption=f"{span(about.dates)}, {pixels_of(results['n'])}, {members_of(about, names)}; ties share their ranks "
        "evenly: at "
        f"{listed(tied)} of the pixels observation and all members are equal (dry); "
        f"{interval_words(config, len(about.dates))}.",
        alt="Rank histograms: " + "; ".join(shapes) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _shape(height: np.ndarray) -> str:
    """The histogram's look in words."""
    outer = max(1, height.size // 6)
    ends, low, high = (
        float(np.r_[height[:outer], height[-outer:]].mean()),
        float(height[:outer].mean()),
        float(height[-outer:].mean()),
    )
    if high > 1.3 * low:
        lean = ", leaning to high ranks (forecasts too low)"
    elif low > 1.3 * high:
        lean = ", leaning to low ranks (forecasts too high)"
    else:
        lean = ""
    return ("U-shaped" if ends > 1.2 else "hump-shaped" if ends < 0.8 else "about flat") + lean
