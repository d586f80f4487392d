"""Continuous ranked probability score of an ensemble."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, units_of
from stride_eval.metrics.blocks import over_members
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.sorting import sort_members

Estimator = Literal["fair", "ecdf", "auto"]
"""``fair``: unbiased in the ensemble size; ``ecdf``: the members taken for the law; ``auto``: fair where defined."""


def crps_ensemble(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    member_dim: str = "member",
    estimator: Estimator = "fair",
    dim: Dims = None,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    r"""CRPS of an ensemble of M members against an observation.

    .. math:: \frac1M \sum_i |x_i - y| \;-\; \frac{1}{2 K} \sum_i \sum_j |x_i - x_j|

    with K = M(M-1) for ``fair`` (expected value independent of M) and K = M² for ``ecdf`` (the members as the whole
    distribution). O(M log M) by sorting; memory beyond the result is bounded by small blocks.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        estimator: ``fair`` (undefined for one member), ``ecdf``, or ``auto``: fair, but the absolute error for one
            member, which is what the CRPS of a deterministic forecast is.
        dim: dimensions to average over; ``None`` gives the score of each point.
        weights: weights of that average.

    Returns:
        CRPS in the units of the field, 0 perfect; NaN where the observation or any member is missing.

    Raises:
        MetricError: ``fair`` with one member, an unknown estimator, or fields that do not lie on the same points.

    Source:
        Ferro (2014), https://doi.org/10.1002/qj.2270 (fair); Zamo & Naveau (2018),
        https://doi.org/10.1007/s11004-017-9709-7 (estimators); Gneiting & Raftery (2007),
        https://doi.org/10.1198/016214506000001437 (kernel form).
    """
    members = check_pair(forecast, observed, member_dim)
    kernel = partial(crps_block, divisor=pair_divisor(members, estimator))
    (score,) = over_members(kernel, forecast, observed, member_dim=member_dim)
    return describe(
        mean(score, dim=dim, weights=weights), "continuous ranked probability score", units_of(observed, forecast)
    )


def pair_divisor(members: int, estimator: Estimator) -> int:
    """K in the formula: what the sum over pairs is divided by (twice).

    Raises:
        MetricError: ``fair`` with one member, or an unknown estimator.
    """
    if estimator not in ("fair", "ecdf", "auto"):
        raise MetricError(f"there is no estimator {estimator!r}; choose 'fair', 'ecdf' or 'auto'")
    if estimator == "ecdf" or (estimator == "auto" and members == 1):
        return members * members
    if members == 1:
        raise MetricError(
            "the fair estimator is undefined for one member; choose estimator='auto' (absolute error for one member) "
            "or 'ecdf', or give more members"
        )
    return members * (members - 1)


def crps_block(members: np.ndarray, observed: np.ndarray, *, divisor: int) -> tuple[np.ndarray]:
    """CRPS of a block: members [M, n], observed [n].

    With x sorted, each x_(i) (i = 1..M) stands in i-1 pairs as the larger and in M-i as the smaller one, so that
    sum_ij |x_i - x_j| = 2 sum_i (2i - M - 1) x_(i). These weights sum to zero, so the observation may be subtracted
    from every member first: that keeps the sum exact where values are large against their spread (temperatures in K).
    NaN anywhere gives NaN.
    """
    count = len(members)
    weights = 2.0 * np.arange(1, count + 1) - count - 1
    ordered = sort_members(members)  # before widening: float32 sorts faster
    deviation = np.subtract(ordered, observed, dtype=np.float64)
    pairs = weights @ deviation
    np.abs(deviation, out=deviation)
    return (np.ones(count) @ deviation / count - pairs / divisor,)
