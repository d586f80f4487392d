"""CRPS that looks only at one side of a threshold."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, as_threshold, check_pair, describe, units_of
from stride_eval.metrics.blocks import over_members
from stride_eval.metrics.crps import Estimator, crps_block, pair_divisor
from stride_eval.metrics.errors import MetricError


def threshold_weighted_crps(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    tail: Literal["upper", "lower"] = "upper",
    member_dim: str = "member",
    estimator: Estimator = "fair",
    dim: Dims = None,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    r"""CRPS of v(x) against v(y), with v(z) = max(z, t) for the upper tail, min(z, t) for the lower.

    Equal to :math:`\int w(z) (F(z) - 1\{y \le z\})^2 dz` with w = 1 on the chosen side of t and 0 on the other.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        threshold: t in the units of the field; a number, or an array (several thresholds along a dimension of their
            own, or a map of local quantiles).
        tail: ``upper`` scores values above t, ``lower`` values below.
        member_dim: the ensemble dimension.
        estimator: as in :func:`~stride_eval.metrics.crps.crps_ensemble`.
        dim: dimensions to average over; ``None`` gives the score of each point.
        weights: weights of that average.

    Returns:
        Score in the units of the field, 0 perfect; NaN where the observation, a member or the threshold is missing.

    Raises:
        MetricError: an unknown tail or estimator, ``fair`` with one member, or fields that do not lie on the same
            points.

    Source:
        Gneiting & Ranjan (2011), https://doi.org/10.1198/jbes.2010.08110; chaining function: Allen, Ginsbourger &
        Ziegel (2023), https://doi.org/10.1137/22M1532184.
    """
    members = check_pair(forecast, observed, member_dim)
    if tail not in ("upper", "lower"):
        raise MetricError(f"there is no tail {tail!r}; choose 'upper' or 'lower'")
    kernel = partial(
        _block, divisor=pair_divisor(members, estimator), chain=np.maximum if tail == "upper" else np.minimum
    )
    (score,) = over_members(kernel, forecast, observed, as_threshold(threshold), member_dim=member_dim)
    return describe(mean(score, dim=dim, weights=weights), f"CRPS of the {tail} tail", units_of(observed, forecast))


def _block(
    members: np.ndarray, observed: np.ndarray, threshold: np.ndarray, *, divisor: int, chain: np.ufunc
) -> tuple[np.ndarray]:
    """The chaining function first (it hands NaN on), then the CRPS of a block."""
    return crps_block(chain(members, threshold), chain(observed, threshold), divisor=divisor)
