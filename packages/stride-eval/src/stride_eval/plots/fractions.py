"""Fractions skill score by window and threshold."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import MUTED, colours, dashes, markers, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a threshold: skill against the width of the neighbourhood."""
    unit, pixel = results.attrs["length_unit"], float(results.attrs["pixel"])
    thresholds = results["thresholds"].values
    kept = np.flatnonzero(np.isfinite(thresholds))
    width = results["window"].values * pixel
    found = interval(
        results[["fss_numerator", "fss_denominator"]].isel(threshold=kept),
        lambda m: 1.0 - m["fss_numerator"] / m["fss_denominator"].where(m["fss_denominator"] > 0),
        config,
    )
    colour, dash, marker = colours(about.systems), dashes(about.systems), markers(about.systems)
    columns = min(len(kept), 3)
    rows = math.ceil(len(kept) / columns)
    drawn = new_figure(3.3 * columns + 0.5, 3.3 * rows)
    panels = drawn.subplots(rows, columns, sharey=True, squeeze=False)
    units, words = pretty_units(spec.units), []
    for position, (axes, index) in enumerate(zip(panels.flat, kept, strict=False)):
        rate = float(results["observed_events"].isel(threshold=index).mean("time"))
        axes.axhline(0.5 + rate / 2.0, color=MUTED, linewidth=1.0, linestyle="--")
        for number, name in enumerate(about.systems):
            one = found.sel(system=name).isel(threshold=position)
            # A little beside each other, so that the intervals can be told apart.
            at = width * 1.05 ** (number - (len(about.systems) - 1) / 2) if width.size > 2 else width
            axes.vlines(at, one["lower"], one["upper"], color=colour[name], linewidth=2.0, alpha=0.35)
            axes.plot(
                at,
                one["estimate"],
                color=colour[name],
                linestyle=dash[name],
                marker=marker[name],
                markersize=5,
                linewidth=1.5,
                markeredgecolor="white",
                markeredgewidth=0.5,
                label=name,
            )
        axes.set_title(f"≥ {thresholds[index]:g} {units}".rstrip() + f"\n({100 * rate:.2g} % of pixels)")
        axes.set(xscale="log" if width.size > 2 else "linear", ylim=(-0.02, 1.02))
        shown = width if width.size <= 5 else width[::2]
        axes.set_xticks(shown, [round_number(step) for step in shown])
        axes.minorticks_off()
        axes.set_xlabel(f"Width of the neighbourhood [{unit}]")
        first = found["estimate"].isel(threshold=position, window=0)
        words.append(
            f"at {thresholds[index]:g}: "
            + ", ".join(f"{name} {float(first.sel(system=name)):.2f}" for name in about.systems)
        )
    for axes in panels.flat[len(kept) :]:
        axes.set_axis_off()
    for line in panels:
        line[0].set_ylabel("Fractions skill score")
    legend_below(drawn, panels[0, 0])
    return FigureRecord(
        name=f"fractions_{results['target'].item()}",
        title="At which size events are in the right place",
        reading="1 is perfect; where a curve passes the dashed line (half way between random and perfect), events of "
        "that size are placed usefully.",
        caption=f"{span(about.dates)}, {members_of(about)}; neighbourhood ensemble probability of values at or above "
        "the threshold, windows "
        f"inside the domain, sums over dates before the ratio; {interval_words(config, len(about.dates))}.",
        alt=f"Fractions skill score at {round_number(width[0])} {unit}: " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip
