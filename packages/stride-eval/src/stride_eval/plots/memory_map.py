"""Maps of the lag-1 autocorrelation."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import TwoSlopeNorm
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import ColourScale, colour_map
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import colours, styled
from stride_eval.plots.temporal_words import CONVENTION, run_words
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """The observed map beside those of the systems."""
    fields = {"observed": results["observed_lag1_map"].values} | {
        name: results["lag1_map"].sel(system=name).values for name in about.systems
    }
    means = {name: _mean(field) for name, field in fields.items()}
    scale = ColourScale(colour_map("RdBu_r"), TwoSlopeNorm(0.0, -1.0, 1.0), "neither")
    row = MapRow("Lag-1 autocorrelation", scale, fields, {name: f"mean {value:.2f}" for name, value in means.items()})
    drawn = draw_map_rows([row], list(fields), MapFrame.of(*axes(results)), None, colours(about.systems))
    return FigureRecord(
        name=f"memory_map_{results['target'].item()}",
        title="Memory from one date to the next, pixel by pixel",
        reading="Colours like the observed ones are right; paler ones forget where the observed field remembers.",
        caption=f"{span(about.dates)}: {run_words(results)}; {members_of(about)}, pairs of all members pooled. With "
        f"few pairs the maps are noisy. {CONVENTION}",
        alt="Mean over pixels of the lag-1 autocorrelation: "
        + ", ".join(f"{name} {value:.2f}" for name, value in means.items()) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip


def _mean(field: np.ndarray) -> float:
    finite = field[np.isfinite(field)]
    return float(finite.mean()) if finite.size else np.nan
