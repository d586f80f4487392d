"""What the ensembles are worth to people who act on thresholds: threshold-weighted CRPS and economic value."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.ensemble_size import OF_EQUAL_SIZE
from stride_eval.families.intervals import daily_sums, interval
from stride_eval.families.score_rows import score_rows
from stride_eval.metrics.economic_value import largest_economic_value
from stride_eval.metrics.member_counts import member_counts
from stride_eval.metrics.threshold_weighted_crps import threshold_weighted_crps
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block

PIXELS = ("y", "x")


def statistics(block: Block, name: str, spec: VariableSpec, thresholds: np.ndarray, config: EvalConfig) -> xr.Dataset:
    """One system's statistics of each date.

    Returns:
        ``twcrps`` (threshold), mean over pixels of the CRPS of values at or above the threshold; ``value_counts``
        (threshold, outcome, k), pixels by whether the event was observed and by the number of members that have it.
    """
    if not thresholds.size:
        return xr.Dataset()
    forecast, observed = block.members[name], block.observed
    levels = xr.DataArray(thresholds, dims="threshold")
    return xr.Dataset(
        {
            "twcrps": threshold_weighted_crps(forecast, observed, threshold=levels, estimator="auto", dim=PIXELS),
            "value_counts": member_counts(forecast, observed, threshold=levels, dim=PIXELS),
        }
    )


def figures(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[FigureRecord]:
    """Threshold-weighted CRPS; economic value by cost-loss ratio."""
    if not config.all_figures or not shown_thresholds(one):
        return []
    from stride_eval.plots import economic_value, weighted_crps

    return [weighted_crps.figure(one, spec, about, config), economic_value.figure(one, spec, about, config)]


def shown_thresholds(one: xr.Dataset) -> list[int]:
    """Places of one target's thresholds: other targets may have more."""
    return [] if "twcrps" not in one else np.flatnonzero(np.isfinite(one["thresholds"].values)).tolist()


def scores(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """Threshold-weighted CRPS with its skill, and largest economic value, at each threshold."""
    rows: list[Score] = []
    target = str(one["target"].item())
    for index in shown_thresholds(one):
        here = one.isel(threshold=index)
        level = f"{float(here['thresholds']):g}"
        event = f"≥ {level} {'' if spec.units == '1' else spec.units}".rstrip()
        sums = daily_sums(here, ["twcrps"])
        rows += score_rows(
            interval(sums, lambda m: m["twcrps"] / m["n"], config), about, target,
            name=f"twcrps_{level}", label=f"twCRPS {event}", units=spec.units, best="low", one_member="one member",
            definition=f"Threshold-weighted CRPS: the CRPS (fair; the absolute error for one member) of the values cut "
            f"off below at {level}, so that only what happens above counts.",
        )  # fmt: skip
        if about.reference is not None:
            rows += score_rows(
                interval(sums, lambda m: 100.0 - 100.0 * m["twcrps"] / _reference(m["twcrps"], about), config),
                about, target, name=f"twcrps_skill_{level}", label=f"twCRPS skill {event}", units="%", best="high",
                definition="1 less the ratio of the mean threshold-weighted CRPS to that of the reference "
                f"{about.reference!r}; the interval is paired by date.",
                without={about.reference}, beside=f"twcrps_{level}", reference_value=0.0,
            )  # fmt: skip
        counts = here[["value_counts"]].fillna(0.0)
        rows += score_rows(
            interval(counts, lambda m: largest_economic_value(m["value_counts"]), config), about, target,
            name=f"economic_value_{level}", label=f"Value {event}", units="1", best="high",
            definition="Largest relative economic value of acting where at least k members have the event, over all "
            "users and k: hit rate less false alarm rate, 1 perfect, 0 no better than knowing the climate. It grows "
            f"with the number of members: {OF_EQUAL_SIZE}.",
        )  # fmt: skip
    return rows


def _reference(score: xr.DataArray, about: Provenance) -> xr.DataArray:
    values = score.sel(system=about.reference, drop=True)
    return values.where(values > 0)
