"""How often the forecast passes the observed quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.quantiles import pooled_quantiles
from stride_eval.metrics.valid import mask_to_common


def exceedance_ratio(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    quantiles: float | Sequence[float] = (0.9, 0.99, 0.999),
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.Dataset:
    """Frequency of values at or above quantiles of the observed, forecast against observed.

    Args:
        forecast: ensemble with dimension ``member_dim``; members are pooled.
        observed: the observation, on the same points.
        quantiles: of the pooled observed values, in 0..1.
        member_dim: the ensemble dimension.
        dim: dimensions to pool beside the members.

    Returns:
        Over ``quantile``: ``threshold`` (units of the field), ``observed_frequency``, ``forecast_frequency``, and their
        ``ratio`` (1 right, above 1 too many extremes). A quantile within the ties (a dry one) has a frequency above 1 -
        q; the ratio stays right.

    Raises:
        MetricError: fields that do not lie on the same points, a quantile outside 0..1, or an unknown dimension.
    """
    forecast, observed = mask_to_common(forecast, observed, member_dim=member_dim)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    threshold = pooled_quantiles(observed, quantiles, dim=names)
    predicted = _frequency(forecast, threshold, [*names, member_dim])
    truth = _frequency(observed, threshold, names)
    return xr.Dataset(
        {
            "threshold": threshold,
            "observed_frequency": describe(truth, "observed frequency at or above the threshold", "1"),
            "forecast_frequency": describe(predicted, "forecast frequency at or above the threshold", "1"),
            "ratio": describe(predicted / truth.where(truth > 0), "forecast frequency / observed frequency", "1"),
        }
    )


def _frequency(field: xr.DataArray, threshold: xr.DataArray, dim: list) -> xr.DataArray:
    """Share of the valid values at or above each threshold; one threshold at a time, to keep the comparison small."""
    n = field.notnull().sum(dim)
    counts = [(field >= threshold.isel(quantile=index)).sum(dim) for index in range(threshold.sizes["quantile"])]
    return xr.concat(counts, threshold["quantile"]) / n.where(n > 0)
