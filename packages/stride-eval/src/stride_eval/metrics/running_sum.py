"""Sums over consecutive dates, and their largest."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe, reduced_dims
from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.errors import MetricError


def running_sum(
    field: xr.DataArray, *, window: int = 5, time_dim: str = "time", runs: DateRuns | None = None
) -> xr.DataArray:
    """Sum of each date and the ``window`` - 1 dates before it, within unbroken runs of dates.

    Args:
        field: forecast (each member by itself) or observed, with dates along ``time_dim``.
        window: number of dates.
        time_dim: the dimension of the dates.
        runs: of the dates, where they are known already; None: from the coordinate of ``time_dim``.

    Returns:
        On the dates of ``field``, in its units times dates; NaN where one of the dates is missing or is not
        consecutive. Isolated dates have no sum at all.

    Raises:
        MetricError: a window below 1, or no dimension of dates.

    Source:
        ETCCDI (Rx5day): Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    if window < 1:
        raise MetricError(f"window is {window}; give 1 date or more")
    reduced_dims(field, time_dim)
    found = runs or date_runs(field[time_dim])
    ends = found.pairs(window - 1) if window > 1 else np.arange(field.sizes[time_dim])
    whole = xr.DataArray(np.isin(np.arange(field.sizes[time_dim]), ends), dims=time_dim)
    total = field.astype(np.float64).drop_vars(time_dim, errors="ignore")
    bare = total
    for back in range(1, window):
        total = total + bare.shift({time_dim: back})
    result = total.where(whole)
    if time_dim in field.coords:
        result = result.assign_coords({time_dim: field[time_dim]})
    return describe(result, f"sum of {window} consecutive dates")


def rx_n_day(
    field: xr.DataArray, *, window: int = 5, time_dim: str = "time", runs: DateRuns | None = None
) -> xr.DataArray:
    """Largest sum of ``window`` consecutive dates (Rx5day); see ``running_sum``.

    Args:
        field: forecast or observed.
        window: number of dates.
        time_dim: the dimension of the dates.
        runs: of the dates; None: from the coordinate.

    Returns:
        Without ``time_dim``; NaN where no window is whole.

    Raises:
        MetricError: as ``running_sum``.

    Source:
        ETCCDI: Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    sums = running_sum(field, window=window, time_dim=time_dim, runs=runs)
    return describe(sums.max(time_dim), f"largest sum of {window} consecutive dates")
