"""Mean absolute error of the ensemble mean."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, units_of
from stride_eval.metrics.ensemble_moments import ensemble_mean


def mae(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    member_dim: str = "member",
    dim: Dims = None,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Absolute error of the ensemble mean; its mean over ``dim`` is the MAE.

    For one member it equals the CRPS.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to average over; ``None`` gives the error of each point.
        weights: weights of that average.

    Returns:
        Error in the units of the field, 0 perfect; NaN where anything is missing.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Wilks (2019), Statistical Methods in the Atmospheric Sciences, 4th ed., chapter 9,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    check_pair(forecast, observed, member_dim)
    error = abs(ensemble_mean(forecast, member_dim=member_dim) - observed.astype(np.float64))
    result = mean(error, dim=dim, weights=weights)
    return describe(result, "mean absolute error of the ensemble mean", units_of(observed, forecast))
