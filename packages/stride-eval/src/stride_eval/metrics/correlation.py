"""Correlation of the ensemble mean with the observation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims
from stride_eval.metrics.ensemble_moments import ensemble_mean


def correlation(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    member_dim: str = "member",
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Pearson correlation of the ensemble mean with the observation over ``dim``.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to correlate over: ``"time"`` gives a map, ``("y", "x")`` the pattern correlation of each day.
        weights: weights of the means, variances and covariance.

    Returns:
        Between -1 and 1; NaN where either field is constant over ``dim`` or nothing is valid.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Wilks (2019), Statistical Methods in the Atmospheric Sciences, 4th ed., chapter 9,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    check_pair(forecast, observed, member_dim)
    predicted = ensemble_mean(forecast, member_dim=member_dim)
    valid = predicted.notnull() & observed.notnull()
    predicted, truth = predicted.where(valid), observed.astype(np.float64).where(valid)
    names = reduced_dims(truth, dim, member_dim=member_dim)
    a = predicted - mean(predicted, dim=names, weights=weights)
    b = truth - mean(truth, dim=names, weights=weights)
    product = mean(a * a, dim=names, weights=weights) * mean(b * b, dim=names, weights=weights)
    # A constant field may keep a variance of rounding errors: its range tells.
    varies = (predicted.max(names) > predicted.min(names)) & (truth.max(names) > truth.min(names)) & (product > 0)
    result = mean(a * b, dim=names, weights=weights) / product.where(varies) ** 0.5
    return describe(result.clip(-1.0, 1.0), "correlation of the ensemble mean with the observation", "1")
