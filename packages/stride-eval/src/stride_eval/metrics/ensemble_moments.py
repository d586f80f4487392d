"""Mean and variance of an ensemble at each point."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe, ensemble_size, units_of
from stride_eval.metrics.blocks import over_members


def ensemble_moments(forecast: xr.DataArray, *, member_dim: str = "member") -> xr.Dataset:
    """Ensemble mean and unbiased ensemble variance (divisor M - 1).

    Args:
        forecast: ensemble with dimension ``member_dim``.
        member_dim: the ensemble dimension.

    Returns:
        ``mean`` (units of the field) and ``variance`` (units squared) at each point, NaN where any member is missing;
        the variance of one member is NaN.

    Raises:
        MetricError: no member dimension.
    """
    ensemble_size(forecast, member_dim)
    mean, variance = over_members(_moments, forecast, member_dim=member_dim, dtypes=(np.float64, np.float64))
    units = units_of(forecast)
    return xr.Dataset(
        {
            "mean": describe(mean, "ensemble mean", units),
            "variance": describe(variance, "ensemble variance", None if units is None else f"({units})2"),
        }
    )


def ensemble_mean(forecast: xr.DataArray, *, member_dim: str = "member") -> xr.DataArray:
    """Ensemble mean at each point, NaN where any member is missing.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        member_dim: the ensemble dimension.

    Returns:
        float64 array without ``member_dim``, in the units of the field.

    Raises:
        MetricError: no member dimension.
    """
    ensemble_size(forecast, member_dim)
    result = forecast.mean(member_dim, skipna=False, dtype=np.float64)
    return describe(result, "ensemble mean", units_of(forecast))


def _moments(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two passes over a block [M, n]: exact where values are large against their spread."""
    count = len(members)
    mean = members.mean(axis=0, dtype=np.float64)
    if count == 1:
        return mean, np.full_like(mean, np.nan)
    deviation = members - mean
    return mean, np.square(deviation, out=deviation).sum(axis=0) / (count - 1)
