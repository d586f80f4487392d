"""The CRPS of the systems: overall with intervals, and date by date."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import daily_sums, interval, numbers
from stride_eval.plots.captions import interval_words, members_of, pixels_of, span
from stride_eval.plots.interval_dots import draw_rows
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, dashes, markers, new_figure, pretty_units, styled
from stride_eval.plots.time_axis import label_dates
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: mean CRPS of each system; right: CRPS of each date."""
    drawn = new_figure(10.0, 1.6 + 0.5 * max(len(about.systems), 3))
    left, right = drawn.subplots(1, 2, width_ratios=[1.0, 1.35])
    found = interval(daily_sums(results, ["crps"]), lambda m: m["crps"] / m["n"], config)
    found_of = {name: numbers(found.sel(system=name)) for name in about.systems}
    notes = {name: "one member: MAE" for name in about.systems if about.members[name] == 1}
    top = max(value[2] if np.isfinite(value[2]) else value[0] for value in found_of.values())
    draw_rows(left, about.systems, found_of, all_systems=about.systems, notes=notes, decimals=3 if top < 1 else 2)
    left.set_xlabel(axis_label("CRPS", spec.units))
    left.set_xlim(left=0.0)
    left.set_title("All dates")
    colour, dash, marker = colours(about.systems), dashes(about.systems), markers(about.systems)
    few = len(about.dates) <= 40
    for name in about.systems:
        right.plot(
            np.arange(len(about.dates)), results["crps"].sel(system=name), color=colour[name], linestyle=dash[name],
            marker=marker[name] if few else None, markersize=5, linewidth=1.4, label=name,
        )  # fmt: skip
    right.set_ylim(bottom=0.0)
    right.set_title("Date by date")
    right.set_ylabel(axis_label("CRPS", spec.units))
    label_dates(right, about.dates)
    best = min(about.systems, key=lambda name: found_of[name][0])
    return FigureRecord(
        name=f"crps_{results['target'].item()}",
        title="CRPS: distance between forecast distribution and observation",
        reading="Lower is better, 0 is perfect and certain; dates differ, so bars overlap even between systems of "
        "which one wins on every "
        "date: compare those at the right.",
        caption=f"{span(about.dates)}, {pixels_of(results['n'])}, {members_of(about)}; fair CRPS, for a single member "
        "the "
        f"mean absolute error; {interval_words(config, len(about.dates))}.",
        alt="CRPS by system: "
        + ", ".join(f"{name} {found_of[name][0]:.3g} {pretty_units(spec.units)}" for name in about.systems)
        + f". Lowest: {best}.",
        figure=drawn,
        target=str(results["target"].item()),
    )
