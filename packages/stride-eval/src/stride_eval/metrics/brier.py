"""Brier score of an ensemble's event probability."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, as_threshold, check_pair, describe
from stride_eval.metrics.blocks import over_members
from stride_eval.metrics.brier_decomposition import events_and_points, forecast_probability
from stride_eval.metrics.crps import Estimator, pair_divisor


def brier_score(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    estimator: Estimator = "fair",
    dim: Dims = None,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Brier score of the event ``value >= threshold``: (p - o)², p the share of members with the event, o 1 or 0.

    ``fair`` subtracts p(1 - p) / (M - 1), which makes its expected value independent of the number of members.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        threshold: in the units of the field; a number, or an array (a dimension of its own, or a map).
        member_dim: the ensemble dimension.
        estimator: ``fair`` (undefined for one member), ``ecdf`` (no correction), ``auto`` (fair where there are two
            members or more).
        dim: dimensions to average over; ``None`` gives the score of each point.
        weights: weights of that average.

    Returns:
        Score without units, 0 perfect; NaN where the observation, a member or the threshold is missing.

    Raises:
        MetricError: ``fair`` with one member, an unknown estimator, or fields that do not lie on the same points.

    Source:
        Brier (1950), https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; fair: Ferro (2014),
        https://doi.org/10.1002/qj.2270.
    """
    members = check_pair(forecast, observed, member_dim)
    fair = pair_divisor(members, estimator) != members * members

    def block(values: np.ndarray, truth: np.ndarray, level: np.ndarray) -> tuple[np.ndarray]:
        probability = (values >= level).mean(axis=0)
        score = (probability - (truth >= level)) ** 2
        if fair:
            score -= probability * (1.0 - probability) / (members - 1)
        score[np.isnan(truth) | np.isnan(level) | np.isnan(values).any(axis=0)] = np.nan
        return (score,)

    (score,) = over_members(block, forecast, observed, as_threshold(threshold), member_dim=member_dim)
    return describe(mean(score, dim=dim, weights=weights), "Brier score", "1")


def brier_score_from_counts(counts: xr.DataArray, *, estimator: Estimator = "fair") -> xr.DataArray:
    r"""The mean Brier score from counts of members with the event, in the form that is wanted.

    With n_k points on which k of M members have the event, e_k of them with the event observed, and p_k = k / M,

    .. math:: \frac1n \sum_k e_k (1 - p_k)^2 + (n_k - e_k) p_k^2 - n_k \frac{p_k (1 - p_k)}{M - 1}

    the last term in the fair form alone: :func:`brier_score` averaged over the points.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.member_counts.member_counts`, with the
            dimensions ``outcome`` and ``k`` (0 .. M).
        estimator: as in :func:`brier_score`.

    Returns:
        Score without units, 0 perfect; NaN without points.

    Raises:
        MetricError: counts without ``outcome`` and ``k``, ``fair`` with one member, or an unknown estimator.

    Source:
        Ferro (2014), https://doi.org/10.1002/qj.2270.
    """
    events, points = events_and_points(counts)
    members = points.sizes["k"] - 1
    fair = pair_divisor(members, estimator) != members * members
    p = forecast_probability(counts)
    total = events * (1.0 - p) ** 2 + (points - events) * p**2
    if fair:
        total = total - points * p * (1.0 - p) / (members - 1)
    n = points.sum("k")
    return describe(total.sum("k") / n.where(n > 0), "Brier score", "1")
