"""Forecast quantiles over observed quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.quantiles import pooled_quantiles
from stride_eval.metrics.valid import mask_to_common


def quantile_ratio(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    quantiles: float | Sequence[float] = (0.999,),
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.Dataset:
    """Quantiles of all members' values against the same quantiles of the observed ones.

    Args:
        forecast: ensemble with dimension ``member_dim``; members are pooled.
        observed: the observation, on the same points.
        quantiles: in 0..1.
        member_dim: the ensemble dimension.
        dim: dimensions to pool beside the members (``"time"`` gives maps).

    Returns:
        Over ``quantile``: ``forecast`` and ``observed`` in the units of the field, and their ``ratio`` (1 right, below
        1 too weak extremes); NaN where the observed quantile is 0.

    Raises:
        MetricError: fields that do not lie on the same points, a quantile outside 0..1, or an unknown dimension.
    """
    forecast, observed = mask_to_common(forecast, observed, member_dim=member_dim)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    truth = pooled_quantiles(observed, quantiles, dim=names)
    predicted = pooled_quantiles(forecast, quantiles, dim=[*names, member_dim])
    ratio = describe(predicted / truth.where(truth != 0), "forecast quantile / observed quantile", "1")
    return xr.Dataset({"forecast": predicted, "observed": truth, "ratio": ratio})
