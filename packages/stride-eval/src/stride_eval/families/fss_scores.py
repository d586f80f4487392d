"""Rows of the summary table: the fractions skill score of each threshold in one neighbourhood."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.score_rows import score_rows
from stride_eval.plots.style import pretty_units
from stride_eval.provenance import Provenance
from stride_eval.scores import Score


def fss_rows(
    one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig, pixel: float, unit: str
) -> list[Score]:
    """The fractions skill score in the window whose width is nearest to the wavelengths that downscaling adds.

    Args:
        one: results of one target.
        spec: of the target.
        about: what the results are of.
        config: of the bootstrap.
        pixel: width of a pixel.
        unit: of that width.
    """
    if int(one["window"].max()) == 1:
        return []  # a grid too small for neighbourhoods
    widths = one["window"].values * pixel
    place = int(np.argmin(np.abs(widths - float(one["small_scale"]))))
    rows: list[Score] = []
    for index in np.flatnonzero(np.isfinite(one["thresholds"].values)):
        here = one[["fss_numerator", "fss_denominator"]].isel(threshold=index, window=place)
        level = f"{float(one['thresholds'][index]):g}"
        event = f"{level} {pretty_units(spec.units)}".strip()
        rows += score_rows(
            interval(here, _skill, config), about, str(one["target"].item()),
            name=f"fss_{level}", label=f"FSS ≥ {event}", units="1", best="high",
            definition=f"Fractions skill score of values of at least {event} in windows of {widths[place]:g} {unit}, "
            "the width nearest to the wavelengths that the low resolution does not hold: 1 less the ratio of sums over "
            "dates; fractions of an ensemble are means over its members.",
        )  # fmt: skip
    return rows


def _skill(means: xr.Dataset) -> xr.DataArray:
    denominator = means["fss_denominator"]
    return 1.0 - means["fss_numerator"] / denominator.where(denominator > 0)
