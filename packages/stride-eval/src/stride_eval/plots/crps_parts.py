"""Reliability part and potential CRPS of the systems."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import crps_parts
from stride_eval.families.intervals import numbers
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.score_panels import ScorePanel, draw_score_panels
from stride_eval.plots.style import axis_label, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Two panels, one row a system."""
    parts = {name: crps_parts(results, name, about.members[name], config) for name in about.ensembles}

    def found(part: str) -> dict[str, tuple[float, float, float]]:
        return {name: numbers(values.sel(part=part)) for name, values in parts.items()}

    reliability, potential = found("reliability"), found("potential")
    units = pretty_units(spec.units)
    uncertainty = next(iter(found("uncertainty").values()))[0]
    words = listed(
        [f"{name} {reliability[name][0]:.2g} and {potential[name][0]:.3g} {units}".rstrip() for name in about.ensembles]
    )
    return FigureRecord(
        name=f"crps_parts_{results['target'].item()}",
        title="What the CRPS is made of",
        reading="Lower is better in both: the reliability part is what right probabilities would spare, the potential "
        "CRPS is what would then remain; too little spread can lower the potential CRPS, so read both.",
        caption=f"{span(about.dates)}, {members_of(about, about.ensembles)}; CRPS (ecdf form) after Hersbach; "
        f"resolution is the uncertainty, {uncertainty:.3g} {units}".rstrip()
        + " (CRPS of the pooled observed climate), less the potential CRPS; few members alone make a reliability part; "
        f"{interval_words(config, len(about.dates))}.",
        alt=f"Reliability part and potential CRPS: {words}.",
        figure=draw_score_panels(
            [
                ScorePanel("Reliability part", axis_label("CRPS", spec.units), reliability),
                ScorePanel("Potential CRPS", axis_label("CRPS", spec.units), potential),
            ],
            about,
            one_member="one member",
            systems=about.ensembles,
        ),
        target=str(results["target"].item()),
    )
