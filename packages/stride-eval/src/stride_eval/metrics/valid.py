"""Which points can be scored: the observation and every member are there."""

from __future__ import annotations

import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, reduced_dims


def valid_points(forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member") -> xr.DataArray:
    """True where the observation and all members are present (not NaN).

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.

    Returns:
        bool array over the points, without ``member_dim``.

    Raises:
        MetricError: the two do not lie on the same points.
    """
    check_pair(forecast, observed, member_dim)
    return (forecast.notnull().all(member_dim) & observed.notnull()).rename(None)


def count_valid(
    forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.DataArray:
    """Number of points that can be scored.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to count over.

    Returns:
        int array over the dimensions that are kept.

    Raises:
        MetricError: the two do not lie on the same points, or an unknown dimension.
    """
    valid = valid_points(forecast, observed, member_dim=member_dim)
    return valid.sum(reduced_dims(valid, dim, member_dim=member_dim))


def mask_to_common(
    forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member"
) -> tuple[xr.DataArray, xr.DataArray]:
    """Both fields, NaN wherever the observation or any member is missing: distributions of the same points.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.

    Returns:
        forecast and observed, masked.

    Raises:
        MetricError: the two do not lie on the same points.
    """
    valid = valid_points(forecast, observed, member_dim=member_dim)
    return forecast.where(valid), observed.where(valid)
