"""Bias of the mean in per cent of the observed mean."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe
from stride_eval.metrics.ensemble_moments import ensemble_mean


def relative_bias(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    member_dim: str = "member",
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """``100 (mean(x) / mean(y) - 1)``: a ratio of means, for fields with a true zero (precipitation, not °C).

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to average over before dividing.
        weights: weights of the averages.

    Returns:
        Per cent, positive where the forecast is too high; NaN where the observed mean is zero or nothing is valid.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Maraun et al. (2015), VALUE, https://doi.org/10.1002/2014EF000259.
    """
    check_pair(forecast, observed, member_dim)
    predicted = ensemble_mean(forecast, member_dim=member_dim)
    predicted, observed = predicted.where(observed.notnull()), observed.astype(np.float64).where(predicted.notnull())
    truth = mean(observed, dim=dim, weights=weights)
    ratio = mean(predicted, dim=dim, weights=weights) / truth.where(truth != 0)
    return describe(100.0 * (ratio - 1.0), "relative bias of the mean", "%")
