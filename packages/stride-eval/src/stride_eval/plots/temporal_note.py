"""The sentence that stands in place of figures where dates have no neighbours, or too few."""

from __future__ import annotations

import textwrap

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, new_figure, styled
from stride_eval.plots.temporal_words import few_pairs_sentence, isolated_sentence
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One sentence, no axes."""
    isolated = results.attrs["runs"] == 0
    sentence = isolated_sentence(results, len(about.dates)) if isolated else few_pairs_sentence(results, config)
    drawn = new_figure(8.0, 0.8)
    drawn.text(0.5, 0.5, textwrap.fill(sentence, 86), ha="center", va="center", color=MUTED, fontsize=10.5)
    return FigureRecord(
        name=f"note_{results['target'].item()}",
        title="No consecutive dates" if isolated else "Too few pairs of dates for correlations",
        reading=sentence,
        caption=f"{span(about.dates)}.",
        alt=sentence,
        figure=drawn,
        target=str(results["target"].item()),
    )
