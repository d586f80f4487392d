"""Brier score as reliability, resolution and uncertainty, from counts of members with the event."""

from __future__ import annotations

import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def brier_decomposition(counts: xr.DataArray) -> xr.Dataset:
    r"""The Brier score of the probability p_k = k / M, in parts.

    With n_k points on which k members have the event, o_k how often it was then observed, and o the base rate,

    .. math:: BS = \sum_k \frac{n_k}{n} (p_k - o_k)^2 - \sum_k \frac{n_k}{n} (o_k - o)^2 + o (1 - o)

    reliability less resolution plus uncertainty: exact, for every forecast of a class is the same. With many members
    and few points, classes hold few points and both parts are too large; the isotonic parts of
    :func:`~stride_eval.metrics.corp.corp_decomposition` are not prone to that.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.member_counts.member_counts`, with the
            dimensions ``outcome`` and ``k`` (0 .. M).

    Returns:
        ``brier`` (not the fair form), ``reliability``, ``resolution`` and ``uncertainty``; NaN without points.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Murphy (1973), https://doi.org/10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2.
    """
    events, points = events_and_points(counts)
    n = points.sum("k")
    share = points / n.where(n > 0)
    base_rate = events.sum("k") / n.where(n > 0)
    observed = (events / points.where(points > 0)).fillna(0.0)
    reliability = (share * (forecast_probability(counts) - observed) ** 2).sum("k", skipna=False)
    resolution = (share * (observed - base_rate) ** 2).sum("k", skipna=False)
    uncertainty = base_rate * (1.0 - base_rate)
    return xr.Dataset(
        {
            "brier": describe(reliability - resolution + uncertainty, "Brier score", "1"),
            "reliability": describe(reliability, "reliability part of the Brier score", "1"),
            "resolution": describe(resolution, "resolution part of the Brier score", "1"),
            "uncertainty": describe(uncertainty, "uncertainty part of the Brier score", "1"),
        }
    )


def events_and_points(counts: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Events and points by k, without labels; missing counts are 0.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.
    """
    if not {"outcome", "k"} <= set(counts.dims) or counts.sizes["outcome"] != 2 or counts.sizes["k"] < 2:
        raise MetricError(
            "counts must have the dimensions 'outcome' (0, 1) and 'k' (0 .. M); make them by member_counts"
        )
    counts = counts.drop_vars(["k", "outcome"], errors="ignore").fillna(0.0)
    return counts.isel(outcome=1), counts.sum("outcome")


def forecast_probability(counts: xr.DataArray) -> xr.DataArray:
    """K / M along ``k``."""
    members = counts.sizes["k"] - 1
    return xr.DataArray([k / members for k in range(members + 1)], dims="k")
