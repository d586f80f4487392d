"""Maximum over time, or over blocks of time."""

from __future__ import annotations

import xarray as xr

from stride_eval.metrics.arguments import describe, reduced_dims, units_of


def block_maximum(field: xr.DataArray, *, time_dim: str = "time", freq: str | None = None) -> xr.DataArray:
    """Largest value in each block of time: Rx1day for daily precipitation.

    With dates that are not consecutive the maximum is that of the dates at hand, comparable between systems on the same
    dates but not with a climatological Rx1day.

    Args:
        field: forecast (each member gives its own maximum) or observed.
        time_dim: the dimension of time.
        freq: length of a block as an xarray frequency (``"YS"`` years, ``"MS"`` months); ``None`` takes all times as
            one.

    Returns:
        In the units of the field; missing values are left out; NaN where nothing is valid.

    Raises:
        MetricError: no dimension ``time_dim``.

    Source:
        ETCCDI (Rx1day): Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    reduced_dims(field, time_dim)
    result = field.max(time_dim) if freq is None else field.resample({time_dim: freq}).max()
    return describe(result, "block maximum", units_of(field))
