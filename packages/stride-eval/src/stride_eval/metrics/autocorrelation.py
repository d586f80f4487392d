"""Correlation of a field with itself some steps earlier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.errors import MetricError


def autocorrelation(
    field: xr.DataArray,
    *,
    lags: Sequence[int] = (1,),
    time_dim: str = "time",
    member_dim: str = "member",
    dim: Dims = None,
    runs: DateRuns | None = None,
) -> xr.DataArray:
    """Correlation of dates with the dates ``lag`` steps earlier, over the pairs within unbroken runs of dates.

    Over the pairs (x, y) of the two dates, with m the mean of both ends of all pairs,
    r = sum (x - m)(y - m) / (1/2 sum [(x - m)^2 + (y - m)^2]): the symmetric (intraclass) form, which is the Pearson
    correlation of the pairs taken in both orders.

    Args:
        field: forecast or observed, with dates along ``time_dim``; a member is followed through the dates by its
            number.
        lags: steps, each 1 or more.
        time_dim: the dimension of the dates.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to pool pairs over beside the dates (``"member"`` gives a map with one mean for all members).
        runs: of the dates, where they are known already; None: from the coordinate of ``time_dim``.

    Returns:
        Along ``lag``, between -1 and 1; NaN where there is no pair or all values are the same. A pair with a missing
        end is left out.

    Raises:
        MetricError: a lag below 1, no dates, or an unknown dimension.

    Source:
        Fisher (1925), Statistical Methods for Research Workers, section 38 (intraclass form); von Storch & Zwiers
        (1999), https://doi.org/10.1017/CBO9780511612336, chapter 11.
    """
    sums = [pair_sums(field, lag=lag, time_dim=time_dim, member_dim=member_dim, dim=dim, runs=runs) for lag in lags]
    return autocorrelation_from_sums(xr.concat(sums, dim=xr.DataArray(list(lags), dims="lag", name="lag")))


def pair_sums(
    field: xr.DataArray,
    *,
    lag: int = 1,
    time_dim: str = "time",
    member_dim: str = "member",
    dim: Dims = None,
    runs: DateRuns | None = None,
) -> xr.Dataset:
    """Sums over pairs of dates that add up from part to part of the dates.

    Args:
        field: as for ``autocorrelation``.
        lag: steps.
        time_dim: the dimension of the dates.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to sum over beside the dates.
        runs: of the dates; None: from the coordinate.

    Returns:
        ``n`` pairs, ``total`` = sum (x + y), ``squares`` = sum (x^2 + y^2), ``product`` = sum x y.

    Raises:
        MetricError: as ``autocorrelation``.
    """
    if lag < 1:
        raise MetricError(f"lag is {lag}; give 1 step or more")
    if time_dim not in field.dims:
        raise MetricError(f"field has no dimension {time_dim!r}; name the dates' dimension by time_dim=")
    later = (runs or date_runs(field[time_dim])).pairs(lag)
    names = [time_dim, *(name for name in reduced_dims(field, dim, member_dim=member_dim) if name != time_dim)]
    bare = field.astype(np.float64).drop_vars(time_dim, errors="ignore")
    x, y = bare.isel({time_dim: later - lag}), bare.isel({time_dim: later})
    valid = x.notnull() & y.notnull()
    x, y = x.where(valid, 0.0), y.where(valid, 0.0)
    return xr.Dataset(
        {
            "n": valid.sum(names),
            "total": (x + y).sum(names),
            "squares": (x * x + y * y).sum(names),
            "product": (x * y).sum(names),
        }
    )


def autocorrelation_from_sums(sums: xr.Dataset) -> xr.DataArray:
    """The correlation from ``pair_sums``, added up as wanted.

    Args:
        sums: ``n``, ``total``, ``squares``, ``product``.

    Returns:
        Between -1 and 1; NaN where there is no pair or no variance.
    """
    n = sums["n"].where(sums["n"] > 0)
    mean = sums["total"] / (2.0 * n)
    power = sums["squares"] / (2.0 * n) - mean**2
    # The difference of equal sums leaves rounding errors, which are no variance.
    power = power.where(power > 1e-12 * sums["squares"] / (2.0 * n))
    return describe(((sums["product"] / n - mean**2) / power).clip(-1.0, 1.0), "lag autocorrelation", "1")
