"""Whether two places have their extremes together: chi and chi-bar."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.quantiles import pooled_quantiles


def tail_dependence(
    first: xr.DataArray, second: xr.DataArray, *, level: float = 0.9, dim: Dims = "time", pool: Dims = None
) -> xr.Dataset:
    """chi(u) and chi-bar(u) of two series at the quantile level u of each.

    chi(u) = 2 - ln P(U <= u, V <= u) / ln P(U <= u): near 1 extremes come together, 0 for independence;
    chi-bar(u) = 2 ln P(U > u) / ln P(U > u, V > u) - 1: tells weak dependence apart where chi goes to 0; 1 for complete
    dependence, 0 for independence, below 0 where extremes avoid each other.

    Args:
        first: values at one place.
        second: values at the other, on the same dates.
        level: u, between 0 and 1.
        dim: dimensions of the realisations (dates, and members taken as realisations); each margin is ranked over them.
        pool: further dimensions (pairs of places at one distance) whose probabilities are averaged before the ratios.

    Returns:
        ``chi``, ``chi_bar``, and the shares ``joint`` and ``marginal``. NaN where no value exceeds; chi-bar is -1
        where none do so together.

    Raises:
        MetricError: a level outside 0..1, or an unknown dimension.

    Source:
        Coles, Heffernan & Tawn (1999), https://doi.org/10.1023/A:1009963131610.
    """
    shares = joint_exceedance(first, second, level=level, dim=dim)
    names = [*reduced_dims(shares["joint"], dim), *reduced_dims(shares["joint"], pool)]
    means = shares.mean(names)
    return tail_dependence_from_shares(means["joint"], means["marginal"]).merge(means)


def joint_exceedance(first: xr.DataArray, second: xr.DataArray, *, level: float, dim: Dims = "time") -> xr.Dataset:
    """Which values exceed the quantile of their own margin, alone and together: averages over dates give shares.

    A value exceeds by ``>``, so that ties at the quantile (dry dates) do not.

    Args:
        first: values at one place.
        second: values at the other.
        level: of the quantile, ranked over ``dim``.
        dim: dimensions of the realisations.

    Returns:
        ``joint`` (0 or 1) and ``marginal``, the mean of the two ends (0, 1/2 or 1); NaN where either is missing.

    Raises:
        MetricError: a level outside 0..1, or an unknown dimension.
    """
    if not 0.0 < level < 1.0:
        raise MetricError(f"level is {level}; give a share between 0 and 1, for example 0.9")
    valid = first.notnull() & second.notnull()
    above = []
    for one in (first, second):
        here = one.where(valid)
        high = pooled_quantiles(here, level, dim=dim).isel(quantile=0, drop=True)
        above.append((here > high).astype(np.float64).where(valid))
    return xr.Dataset({"joint": above[0] * above[1], "marginal": (above[0] + above[1]) / 2.0})


def tail_dependence_from_shares(joint: xr.DataArray, marginal: xr.DataArray) -> xr.Dataset:
    """``chi`` and ``chi_bar`` from the share of joint and of single exceedances.

    Args:
        joint: P(U > u, V > u).
        marginal: P(U > u), the same for both.

    Returns:
        Both between -1 and 1 but for chi, whose lower end is 2 - ln(2u - 1) / ln u and minus infinity is given as NaN.
    """
    inside = (marginal > 0) & (marginal < 1)
    m = marginal.where(inside)
    neither = 1.0 - 2.0 * m + joint
    chi = 2.0 - _log(neither.where(neither > 0)) / _log(1.0 - m)
    together = joint.where(joint > 0)
    bar = (2.0 * _log(m) / _log(together) - 1.0).where(joint > 0, -1.0).where(inside)
    return xr.Dataset({"chi": describe(chi, "chi", "1"), "chi_bar": describe(bar, "chi-bar", "1")})


def _log(values: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(np.log, values, dask="parallelized", output_dtypes=[np.float64])
