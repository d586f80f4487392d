"""Central intervals of an ensemble: how often they hold the observation, and how wide they are."""

from __future__ import annotations

import math

import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def interval_order(members: int, level: float) -> int:
    """Which member from below, and from above, ends the central interval of a level.

    The interval from x_(j) to x_(M + 1 - j) holds the observation of a calibrated ensemble with probability
    (M + 1 - 2 j) / (M + 1), whatever the distribution; j is chosen so that this is nearest to ``level``.

    Args:
        members: M.
        level: wanted coverage, between 0 and 1.

    Returns:
        j, from 1 to M / 2; 0 where one member has no interval.

    Raises:
        MetricError: a level that is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise MetricError(f"level is {level}; give the coverage as a share, for example 0.9")
    # Rounded first: (M + 1) (1 - 0.9) / 2 shall be one half where it is so on paper.
    nearest = math.floor(round((members + 1) * (1.0 - level) / 2.0, 9) + 0.5)
    return min(max(nearest, 1), members // 2)


def interval_coverage(sums: xr.Dataset, rank_counts: xr.DataArray, *, level: float) -> xr.Dataset:
    """Coverage and mean width of the central interval between two ordered members.

    Ends are members themselves (no interpolation): x_(j) and x_(M + 1 - j) with j of :func:`interval_order`.
    ``coverage`` shares ties as the rank histogram does: an observation equal to an end counts by the share of its
    possible ranks that lie inside, so that a calibrated ensemble has ``nominal`` coverage, dry pixels included.
    ``closed`` counts it as inside: on dry pixels the interval from 0 to 0 always holds, so that it is larger.

    Args:
        sums: sums or means over dates of :func:`~stride_eval.metrics.order_statistics.order_statistic_sums`.
        rank_counts: the same of the counts of :func:`~stride_eval.metrics.rank_histogram.rank_histogram`.
        level: wanted coverage; few members cannot have a high one, as ``nominal`` says.

    Returns:
        ``coverage``, ``closed``, ``nominal`` (shares), ``width`` in the units of the field; NaN for one member or
        without points.

    Raises:
        MetricError: a level that is not between 0 and 1, or sums and counts of different numbers of members.

    Source:
        Coverage of intervals between order statistics: David & Nagaraja (2003), Order Statistics,
        chapter 7, https://doi.org/10.1002/0471722162.
    """
    if "order" not in sums.dims or "rank" not in rank_counts.dims:
        raise MetricError("sums needs the dimension 'order' and rank_counts 'rank'")
    members = sums.sizes["order"]
    if rank_counts.sizes["rank"] != members + 1:
        raise MetricError(
            f"rank_counts has {rank_counts.sizes['rank']} ranks where {members} members have {members + 1}"
        )
    j = interval_order(members, level)
    n, total = sums["n"].where((sums["n"] > 0) & (j > 0)), rank_counts.sum("rank")
    inside = rank_counts.isel(rank=slice(j, members + 1 - j)).sum("rank")
    low, high = (sums.isel(order=place, drop=True) for place in (max(j, 1) - 1, members - max(j, 1)))
    width = (high["above"] - high["below"] - low["above"] + low["below"]) / n
    closed = 1.0 - (low["n_above"] + high["n_below"]) / n
    nominal = xr.full_like(width, (members + 1 - 2 * j) / (members + 1)).where(j > 0)
    return xr.Dataset(
        {
            "coverage": describe(inside / total.where((total > 0) & (j > 0)), "coverage, ties shared", "1"),
            "closed": describe(closed, "coverage, ties inside", "1"),
            "nominal": describe(nominal, "coverage of a calibrated ensemble", "1"),
            "width": describe(width, "mean width of the interval", sums["above"].attrs.get("units")),
        }
    )
