"""Survival function of pooled values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, increasing, reduced_dims, units_of
from stride_eval.metrics.blocks import additive, count_by_code


def exceedance(
    field: xr.DataArray, thresholds: Sequence[float] | np.ndarray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.DataArray:
    """Share of values at or above each threshold; drawn on a logarithmic axis it shows the upper tail.

    Args:
        field: forecast or observed; members are pooled where ``dim`` names them.
        thresholds: increasing, in the units of the field.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to pool.

    Returns:
        Between 0 and 1 over ``threshold``; missing values are left out; NaN where nothing is valid.

    Raises:
        MetricError: thresholds that do not increase, or an unknown dimension.
    """
    levels = increasing(thresholds, "thresholds", at_least=1)
    size = len(levels) + 1

    def count(block: np.ndarray) -> np.ndarray:
        codes = np.searchsorted(levels, block, side="right")  # number of thresholds reached
        codes[np.isnan(block)] = -1
        return count_by_code(codes, size)

    names = reduced_dims(field, dim, member_dim=member_dim)
    reached = additive(count, field, names, out_dim="threshold", out_size=size)
    n = reached.sum("threshold")
    above = reached.isel(threshold=slice(None, None, -1)).cumsum("threshold").isel(threshold=slice(None, None, -1))
    result = (above.isel(threshold=slice(1, None)) / n.where(n > 0)).assign_coords(threshold=levels)
    result = describe(result, "share of values at or above the threshold", "1")
    units = units_of(field)
    if units is not None:
        result["threshold"].attrs["units"] = units
    return result
