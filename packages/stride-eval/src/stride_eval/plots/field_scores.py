"""Energy and variogram scores of the systems."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import daily_sums, interval, numbers
from stride_eval.families.multivariate import MAX_PAIRS, MAX_PIXELS, definitions
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.score_panels import ScorePanel, draw_score_panels
from stride_eval.plots.style import axis_label, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a score, one row a system."""
    panels, words = [], []
    for name, (label, units, _) in definitions(spec).items():
        if name not in results:
            continue
        found = interval(daily_sums(results, [name]), lambda m, name=name: m[name] / m["n"], config)
        found_of = {system: numbers(found.sel(system=system)) for system in about.systems}
        panels.append(ScorePanel(label, axis_label(label, units), found_of))
        words.append(
            f"{label}: "
            + listed([f"{system} {found_of[system][0]:.3g}" for system in about.systems])
            + f" {pretty_units(units)}".rstrip()
        )
    return FigureRecord(
        name=f"field_scores_{results['target'].item()}",
        title="Fields as wholes: energy and variogram scores",
        reading="Lower is better: the energy score compares whole fields, the variogram score how much neighbouring "
        "pixels differ; a system with a good CRPS and a poor variogram score has the wrong texture.",
        caption=f"{span(about.dates)}, {members_of(about)}; fair forms, distances as root mean squares over pixels; "
        f"variogram score of order 0.5 over at most {MAX_PAIRS:,} pairs of pixels up to {MAX_PIXELS} rows apart, "
        f"weighted by inverse distance; {interval_words(config, len(about.dates))}.",
        alt="; ".join(words) + ".",
        figure=draw_score_panels(panels, about, one_member="one member"),
        target=str(results["target"].item()),
    )
