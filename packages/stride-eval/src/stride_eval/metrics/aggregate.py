"""The mean that every metric aggregates by."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, reduced_dims


def mean(values: xr.DataArray, *, dim: Dims = ..., weights: xr.DataArray | None = None) -> xr.DataArray:
    """Mean over the points that are not missing, in float64.

    ``sum(w v) / sum(w)`` over points where v is not NaN; w = 1 without weights.

    Args:
        values: any field; NaN is missing.
        dim: dimensions to average over: ``...`` all, ``None`` none.
        weights: non-negative weights without NaN, broadcast against ``values`` (for example cos(latitude), or a 0/1
            mask of a region).

    Returns:
        The mean over ``dim``; NaN where no point is valid (or all of them weigh nothing).

    Raises:
        MetricError: a dimension that ``values`` does not have.
    """
    names = reduced_dims(values, dim)
    values = values.astype(np.float64, copy=False)
    if not names:
        return values
    if weights is None:
        # Not .mean(): numpy would warn about empty slices, which are no fault here.
        return values.sum(names, skipna=True) / _none_is_nan(values.notnull().sum(names))
    weights = weights.astype(np.float64)
    weighted = (values * weights).sum(names, skipna=True)
    return weighted / _none_is_nan(weights.where(values.notnull(), 0.0).sum(names))


def _none_is_nan(total: xr.DataArray) -> xr.DataArray:
    """Divisor in which zero is missing, so that the quotient is NaN without a warning."""
    return total.where(total > 0)
