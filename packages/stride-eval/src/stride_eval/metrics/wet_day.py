"""Frequency and intensity of wet days."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, as_threshold, describe, reduced_dims, units_of


def wet_day_frequency(
    field: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Share of values at or above the wet threshold.

    Args:
        field: forecast or observed; members are pooled where ``dim`` names them.
        threshold: what counts as wet (``>=``), in the units of the field; ETCCDI takes 1 mm day-1.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to average over (``("time", "member")`` gives a map).
        weights: weights of that average.

    Returns:
        Between 0 and 1; missing values are left out; NaN where nothing is valid.

    Raises:
        MetricError: an unknown dimension.

    Source:
        ETCCDI (R1mm): Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    level = as_threshold(threshold)
    names = reduced_dims(field, dim, member_dim=member_dim)
    present = field.notnull()
    if weights is None and names and level.ndim == 0:  # bool sums: no float copy of the field
        n = present.sum(names)
        return describe((field >= level).sum(names) / n.where(n > 0), "wet-day frequency", "1")
    wet = (field >= level).where(present & level.notnull())
    return describe(mean(wet, dim=names, weights=weights), "wet-day frequency", "1")


def wet_day_intensity(
    field: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Mean of the values at or above the wet threshold (simple daily intensity index, SDII).

    Args:
        field: forecast or observed; members are pooled where ``dim`` names them.
        threshold: what counts as wet (``>=``), in the units of the field; ETCCDI takes 1 mm day-1.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to average over (``("time", "member")`` gives a map).
        weights: weights of that average.

    Returns:
        In the units of the field; NaN where nothing is wet.

    Raises:
        MetricError: an unknown dimension.

    Source:
        ETCCDI (SDII): Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    level = as_threshold(threshold)
    names = reduced_dims(field, dim, member_dim=member_dim)
    if weights is None and names:
        wet = field >= level
        total = field.where(wet, 0).sum(names, dtype=np.float64)
        n = wet.sum(names)
        return describe(total / n.where(n > 0), "wet-day intensity", units_of(field))
    return describe(mean(field.where(field >= level), dim=names, weights=weights), "wet-day intensity", units_of(field))
