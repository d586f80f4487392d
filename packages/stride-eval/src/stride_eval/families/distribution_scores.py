"""Distances of the pooled distributions from the observed one, from counts per date."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, numbers, resampled
from stride_eval.provenance import Provenance
from stride_eval.scores import Score

COARSE = 15
"""Fine bins that one bin of the Perkins overlap joins: 100 bins, about 8 % wide in the tails."""


def distance_scores(results: xr.Dataset, about: Provenance, config: EvalConfig) -> list[Score]:
    """Wasserstein distance and Perkins overlap of each system's members, pooled over dates and pixels."""
    rows: list[Score] = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        width = xr.DataArray(np.diff(one["edges"].values), dims="bin")
        joined = _joined(one)
        if float(joined["observed_counts"].sum()) == 0.0:
            continue
        days = _cumulated(joined)
        overlap_days = joined.coarsen(bin=COARSE, boundary="pad").sum()  # type: ignore[attr-defined]
        for name in about.systems:
            # One system at a time: a resample holds every bin.
            distance = interval(
                days.sel(system=name),
                lambda m, width=width: (abs(_share(m, "counts") - _share(m, "observed_counts")) * width).sum(
                    "bin", skipna=False
                ),
                config,
                biased=True,
                within=(0.0, np.inf),
            )
            overlap = interval(
                overlap_days.sel(system=name),
                lambda m: _common(
                    m["counts"] / m["counts"].sum("bin"), m["observed_counts"] / m["observed_counts"].sum("bin")
                ),
                config,
                biased=True,
                within=(0.0, 1.0),
            )
            rows.append(
                Score(
                    name, key, "wasserstein", "Wasserstein distance", spec.units, *numbers(distance),
                    n=int(distance["n"].max()), best="low", resampled=resampled(distance),
                    definition="Mean distance of equal quantiles of all members' values and the observed ones, pooled "
                    "over dates and pixels, from fine bins.",
                )
            )  # fmt: skip
            rows.append(
                Score(
                    name, key, "perkins_overlap", "Perkins overlap", "1", *numbers(overlap),
                    n=int(overlap["n"].max()), best="high", resampled=resampled(overlap),
                    definition="Common area of the pooled histograms of members and observation, in 100 bins that "
                    "widen towards the tails; 1 is equal.",
                )
            )  # fmt: skip
    return rows


def _joined(one: xr.Dataset) -> xr.Dataset:
    """Counts per date; a date without a valid value counts nothing."""
    return one[["counts", "observed_counts"]].fillna(0.0)


def _cumulated(counts: xr.Dataset) -> xr.Dataset:
    """Counts up to each bin's upper edge, with the whole in the last."""
    return counts.cumsum("bin")


def _share(means: xr.Dataset, name: str) -> xr.DataArray:
    total = means[name].isel(bin=-1, drop=True)
    return means[name] / total.where(total > 0)


def _common(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    return xr.where(first < second, first, second).sum("bin", skipna=False)
