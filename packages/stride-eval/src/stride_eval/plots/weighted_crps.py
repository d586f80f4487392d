"""Threshold-weighted CRPS of the systems."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.decisions import shown_thresholds
from stride_eval.families.intervals import daily_sums, interval, numbers
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.score_panels import ScorePanel, draw_score_panels
from stride_eval.plots.style import axis_label, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a threshold, one row a system."""
    panels, words = [], []
    units = pretty_units(spec.units)
    for index in shown_thresholds(results):
        here = results.isel(threshold=index)
        level = f"{float(here['thresholds']):g}"
        found = interval(daily_sums(here, ["twcrps"]), lambda m: m["twcrps"] / m["n"], config)
        found_of = {system: numbers(found.sel(system=system)) for system in about.systems}
        panels.append(ScorePanel(f"≥ {level} {units}".rstrip(), axis_label("twCRPS", spec.units), found_of))
        words.append(f"at {level}: " + listed([f"{system} {found_of[system][0]:.3g}" for system in about.systems]))
    return FigureRecord(
        name=f"weighted_crps_{results['target'].item()}",
        title="CRPS above thresholds",
        reading="Lower is better; each panel counts only how the forecast distributions differ from the observation "
        "above its threshold.",
        caption=f"{span(about.dates)}, {members_of(about)}; CRPS (fair, for a single member the absolute error) of the "
        f"values cut off below at the threshold; {interval_words(config, len(about.dates))}.",
        alt="Threshold-weighted CRPS " + "; ".join(words) + f" {units}".rstrip() + ".",
        figure=draw_score_panels(panels, about, one_member="one member"),
        target=str(results["target"].item()),
    )
