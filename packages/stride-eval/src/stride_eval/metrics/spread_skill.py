"""Spread of an ensemble against the error of its mean."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims, units_of
from stride_eval.metrics.ensemble_moments import ensemble_moments
from stride_eval.metrics.errors import MetricError


def spread_skill(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    member_dim: str = "member",
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
) -> xr.Dataset:
    r"""Spread, unbiased error of the ensemble mean, and their ratio.

    spread = :math:`\sqrt{\overline{s^2}}` with s² the member variance (divisor M - 1);
    skill = :math:`\sqrt{\overline{(\bar x - y)^2} - \overline{s^2} / M}`: the squared error of the mean of M members
    holds s²/M of sampling error that an infinite ensemble would not have; ratio = spread / skill. Variances are
    averaged, never standard deviations.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to average over (``"time"`` gives maps, ``("y", "x")`` daily values).
        weights: weights of the averages.

    Returns:
        ``spread``, ``skill``, ``rmse`` (of the ensemble mean, with its sampling error) in the units of the field,
        ``ratio`` (1 reliable, below 1 underdispersive, above 1 overdispersive), ``n`` points. A negative squared skill,
        possible in small samples, counts as 0 and gives an infinite ratio; no spread and no skill give NaN. With one
        member only ``rmse`` and ``n`` are defined.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Fortin et al. (2014), https://doi.org/10.1175/JHM-D-14-0008.1 (average variances); Leutbecher & Palmer (2008),
        https://doi.org/10.1016/j.jcp.2007.02.014 (finite-ensemble correction).
    """
    members = check_pair(forecast, observed, member_dim)
    variance, squared_error = _variance_and_error(forecast, observed, member_dim)
    names = reduced_dims(squared_error, dim, member_dim=member_dim)
    return _compare(
        mean(variance, dim=names, weights=weights),
        mean(squared_error, dim=names, weights=weights),
        squared_error.notnull().sum(names),
        members,
        units_of(observed, forecast),
    )


def spread_skill_binned(
    forecast: xr.DataArray, observed: xr.DataArray, *, bins: int = 10, member_dim: str = "member"
) -> xr.Dataset:
    """Spread and skill within bins of like spread, over all points: reliable ensembles lie on the diagonal.

    Points are sorted into ``bins`` classes of equal count by their ensemble variance; classes that would begin and end
    at the same variance (many points without any spread) are merged. Loads two values a point.

    Args:
        forecast: ensemble of two members or more, with dimension ``member_dim``.
        observed: the observation, on the same points.
        bins: number of classes.
        member_dim: the ensemble dimension.

    Returns:
        ``spread``, ``skill``, ``rmse``, ``ratio``, ``n`` over dimension ``bin``, defined as in :func:`spread_skill`.

    Raises:
        MetricError: one member, less than one bin, or fields that do not lie on the same points.
    """
    members = check_pair(forecast, observed, member_dim)
    if members == 1:
        raise MetricError("one member has no spread; give an ensemble of two members or more")
    if bins < 1:
        raise MetricError(f"bins is {bins}; give a number of classes of 1 or more")
    both = xr.Dataset(
        dict(zip(("variance", "error"), _variance_and_error(forecast, observed, member_dim), strict=True))
    )
    both = both.compute()
    valid = both["error"].notnull().values.ravel()
    error = both["error"].values.ravel()[valid]
    variance = both["variance"].transpose(*both["error"].dims).values.ravel()[valid]
    edges = np.unique(np.quantile(variance, np.linspace(0, 1, bins + 1))) if variance.size else np.zeros(1)
    classes = np.searchsorted(edges[1:-1], variance, side="right")
    size = max(1, len(edges) - 1)
    n = np.bincount(classes, minlength=size)
    with np.errstate(invalid="ignore"):
        means = {key: np.bincount(classes, values, size) / n for key, values in (("s", variance), ("e", error))}
    return _compare(
        xr.DataArray(means["s"], dims="bin"),
        xr.DataArray(means["e"], dims="bin"),
        xr.DataArray(n, dims="bin"),
        members,
        units_of(observed, forecast),
    )


def _variance_and_error(
    forecast: xr.DataArray, observed: xr.DataArray, member_dim: str
) -> tuple[xr.DataArray, xr.DataArray]:
    """Member variance and squared error of the mean at each point, NaN in both where either is missing."""
    moments = ensemble_moments(forecast, member_dim=member_dim)
    squared_error = (moments["mean"] - observed.astype(np.float64)) ** 2
    return moments["variance"].where(observed.notnull()), squared_error


def _compare(
    variance: xr.DataArray, squared_error: xr.DataArray, n: xr.DataArray, members: int, units: str | None
) -> xr.Dataset:
    """From mean variance and mean squared error to spread, skill and ratio."""
    spread = variance**0.5
    squared_skill = squared_error - variance / members
    skill = squared_skill.where(~(squared_skill < 0), 0.0) ** 0.5
    ratio = xr.where((skill == 0) & (spread > 0), np.inf, spread / skill.where(skill != 0))
    return xr.Dataset(
        {
            "spread": describe(spread, "ensemble spread", units),
            "skill": describe(skill, "unbiased error of the ensemble mean", units),
            "rmse": describe(squared_error**0.5, "root mean square error of the ensemble mean", units),
            "ratio": describe(ratio, "spread-skill ratio", "1"),
            "n": describe(n, "number of points", "1"),
        }
    )
