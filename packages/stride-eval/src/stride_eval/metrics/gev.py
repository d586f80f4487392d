"""Generalised extreme value law of block maxima: fit by L-moments, return levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import gamma

from stride_eval.metrics.arguments import describe, increasing
from stride_eval.metrics.errors import MetricError

EULER = 0.5772156649015329


def gev_from_l_moments(moments: xr.Dataset) -> xr.Dataset:
    """Parameters of the law F(x) = exp(-(1 + xi (x - mu) / sigma)^(-1/xi)) with the given L-moments.

    With k = -xi: t3 = 2 (1 - 3^-k) / (1 - 2^-k) - 3, solved by Newton's method from the approximation
    k = 7.8590 c + 2.9554 c², c = 2 / (3 + t3) - ln 2 / ln 3; sigma = l2 k / ((1 - 2^-k) Gamma(1 + k)),
    mu = l1 - sigma (1 - Gamma(1 + k)) / k.

    Args:
        moments: ``l1``, ``l2`` and ``t3`` of the maxima (``l_moments``).

    Returns:
        ``location`` and ``scale`` in the units of the maxima, ``shape`` xi (scipy's ``genextreme`` calls -xi c):
        above 0 a heavy tail. NaN where the moments are missing, all maxima are equal, or xi would reach 1, where the
        law has no mean.

    Raises:
        MetricError: a moment is not there.

    Source:
        Hosking (1990), https://doi.org/10.1111/j.2517-6161.1990.tb01775.x; starting value: Hosking, Wallis &
        Wood (1985), https://doi.org/10.1080/00401706.1985.10488049.
    """
    _check(moments)
    t3 = moments["t3"].astype(np.float64)
    l2 = moments["l2"].where(moments["l2"] > 0)
    k = xr.apply_ufunc(_solve, t3, dask="parallelized", output_dtypes=[np.float64])
    k = k.where((k > -1.0) & l2.notnull())
    # Near k = 0 both forms meet; the limit is Gumbel's law.
    small = abs(k) < 1e-6
    safe = k.where(~small, 1e-6)
    scale = l2 * safe / ((1.0 - 2.0**-safe) * _gamma(1.0 + safe))
    location = moments["l1"] - scale * (1.0 - _gamma(1.0 + safe)) / safe
    scale = scale.where(~small, l2 / np.log(2.0))
    location = location.where(~small, moments["l1"] - EULER * scale)
    return xr.Dataset({"location": location.where(k.notnull()), "scale": scale.where(k.notnull()), "shape": -k})


def gev_return_level(parameters: xr.Dataset, periods: Sequence[float] | np.ndarray) -> xr.DataArray:
    """Level that the maximum of a block exceeds with probability 1 / N.

    x_N = mu + sigma ((-ln(1 - 1/N))^-xi - 1) / xi, for xi = 0 mu - sigma ln(-ln(1 - 1/N)).

    Args:
        parameters: ``location``, ``scale``, ``shape`` (``gev_from_l_moments``).
        periods: N in blocks, increasing and above 1.

    Returns:
        Along ``period``.

    Raises:
        MetricError: periods that do not increase or do not lie above 1.

    Source:
        Coles (2001), https://doi.org/10.1007/978-1-4471-3675-0, chapter 3.
    """
    blocks = increasing(periods, "periods", at_least=1)
    if blocks[0] <= 1.0:
        raise MetricError(f"a return period is {blocks[0]:g} blocks; give more than 1")
    reduced = -np.log(-np.log1p(-1.0 / blocks))
    variate = xr.DataArray(reduced, dims="period", coords={"period": blocks})
    level = parameters["location"] + parameters["scale"] * _box_cox(variate, parameters["shape"])
    return describe(level, "return level")


def _box_cox(log_of: xr.DataArray, power: xr.DataArray) -> xr.DataArray:
    """(exp(power log_of) - 1) / power, and log_of in the limit."""
    small = abs(power) < 1e-6
    return xr.where(small, log_of, np.expm1(power * log_of) / power.where(~small, 1.0))


def _check(moments: xr.Dataset) -> None:
    missing = {"l1", "l2", "t3"} - set(moments.data_vars)
    if missing:
        raise MetricError(f"moments lack {', '.join(sorted(missing))}; give what l_moments returns")


def _gamma(values: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(gamma, values, dask="parallelized", output_dtypes=[np.float64])


def _solve(t3: np.ndarray) -> np.ndarray:
    """K of a given L-skewness; NaN outside -1..1."""
    t3 = np.where(np.abs(t3) < 1.0, t3, np.nan)
    c = 2.0 / (3.0 + t3) - np.log(2.0) / np.log(3.0)
    k = np.maximum(7.8590 * c + 2.9554 * c**2, -0.999)
    for _ in range(12):
        k = np.where(np.abs(k) < 1e-7, 1e-7, k)
        below, above = -np.expm1(-k * np.log(2.0)), -np.expm1(-k * np.log(3.0))
        slope = 2.0 * (np.log(3.0) * 3.0**-k * below - np.log(2.0) * 2.0**-k * above) / below**2
        k = np.clip(k - (2.0 * above / below - 3.0 - t3) / slope, -1.0, 30.0)
    return k
