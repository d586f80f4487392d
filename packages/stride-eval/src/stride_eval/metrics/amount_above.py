"""Amount that falls on very wet dates."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, as_threshold, describe, reduced_dims, units_of
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.quantiles import pooled_quantiles


def wet_day_quantile(
    observed: xr.DataArray,
    *,
    quantile: float = 0.95,
    wet_threshold: float = 1.0,
    dim: Dims = "time",
    at_least: int | None = None,
) -> xr.DataArray:
    """Quantile of the wet values alone: what counts as very wet.

    Args:
        observed: the field that sets the standard.
        quantile: between 0 and 1; 0.95 for R95p, 0.99 for R99p.
        wet_threshold: what counts as wet (``>=``), in the units of the field; ETCCDI takes 1 mm day-1.
        dim: dimensions to pool: ``"time"`` gives a map.
        at_least: wet values that the quantile needs; None: 1 / (1 - quantile), so that one lies above it.

    Returns:
        Inverted cumulative distribution, in the units of the field; NaN where there are fewer wet values.

    Raises:
        MetricError: a quantile outside 0..1, or an unknown dimension.

    Source:
        ETCCDI (R95p, R99p): Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    if not 0.0 < quantile < 1.0:
        raise MetricError(f"quantile is {quantile}; give a share between 0 and 1 (0.95 for R95p)")
    wet = observed.where(observed >= wet_threshold)
    needed = int(np.ceil(1.0 / (1.0 - quantile) - 1e-9)) if at_least is None else at_least
    enough = wet.notnull().sum(reduced_dims(observed, dim)) >= needed
    found = pooled_quantiles(wet, quantile, dim=dim).isel(quantile=0, drop=True)
    return describe(found.where(enough), f"{quantile:g} quantile of wet values", units_of(observed))


def amount_above(
    field: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.DataArray:
    """Mean over all dates of what falls at or above a threshold, with its whole amount; other values count as zero.

    mean(x [x >= threshold]): ETCCDI's R95p or R99p over the number of dates, so that records of unlike length compare.
    ETCCDI has ``>``; a percentile that is itself one of n observed values is then exceeded by n - k of them, but by a
    share (n + 1 - k) / (n + 1) of the members of a calibrated ensemble. With ``>=`` both agree up to 1 / n.

    Args:
        field: forecast or observed; members are pooled where ``dim`` names them.
        threshold: in the units of the field, for example a map of ``wet_day_quantile``; a NaN leaves the pixel out.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to average over.

    Returns:
        In the units of the field; missing values are left out; NaN where nothing is valid.

    Raises:
        MetricError: a threshold that is not finite, or an unknown dimension.

    Source:
        ETCCDI (R95p, R99p): Zhang et al. (2011), https://doi.org/10.1002/wcc.147; percentiles of the same sample:
        Zhang et al. (2005), https://doi.org/10.1175/JCLI3366.1.
    """
    level = as_threshold(threshold)
    names = reduced_dims(field, dim, member_dim=member_dim)
    amount = field.astype(np.float64).where(field >= level, 0.0).where(field.notnull() & level.notnull())
    return describe(mean(amount, dim=names), "amount above the threshold", units_of(field))
