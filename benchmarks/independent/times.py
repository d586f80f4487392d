"""What memory, cycles and intervals are checked by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import stride_eval.metrics as ours
import xarray as xr
from scipy import signal, stats

from independent.case import Case, difference
from independent.checks import check


@check("autocorrelation")
def lagged(case: Case) -> Iterator[tuple[str, float]]:
    series = case.forecast[:, :, 0, 0]
    found = ours.autocorrelation(series, lags=(1, 3), dim="member").values
    expected = []
    for lag in (1, 3):
        first, second = series.values[:-lag].ravel(), series.values[lag:].ravel()
        both = np.isfinite(first) & np.isfinite(second)
        one, other = np.concatenate([first[both], second[both]]), np.concatenate([second[both], first[both]])
        expected.append(stats.pearsonr(one, other).statistic)
    yield "scipy pearsonr of the pairs in both orders", difference(found, expected)


@check("temporal_spectrum")
def periodogram(case: Case) -> Iterator[tuple[str, float]]:
    series = case.forecast[:, :, 0, 0]
    found = ours.temporal_spectrum(series.dropna("member"), segment=10)
    kept = series.dropna("member").values
    _, power = signal.periodogram(kept.reshape(2, 10, -1), window="hann", detrend="constant", axis=1)
    yield "scipy periodogram", difference(found.values, power[:, 1:].mean(axis=(0, 2)))


@check("block_bootstrap")
def bootstrap(case: Case) -> Iterator[tuple[str, float]]:
    days = np.random.default_rng(3).normal(10, 2, 400)
    found = ours.block_bootstrap(xr.DataArray(days, dims="time"), n_resamples=20_000, block_length=1, seed=0)
    theirs = stats.bootstrap((days,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1))
    width = found["upper"].item() - found["lower"].item()
    low, high = theirs.confidence_interval
    yield (
        "scipy bootstrap (percentile), ends over width",
        max(abs(found["lower"].item() - low), abs(found["upper"].item() - high)) / width,
    )
