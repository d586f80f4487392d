"""Variogram score: whether differences between points are as large as observed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims
from stride_eval.metrics.blocks import BLOCK_VALUES
from stride_eval.metrics.crps import Estimator, pair_divisor
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.point_pairs import PointPairs


def variogram_score(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    pairs: PointPairs,
    order: float = 0.5,
    dims: str | Sequence[Hashable] = ("y", "x"),
    member_dim: str = "member",
    estimator: Estimator = "fair",
    dim: Dims = None,
) -> xr.DataArray:
    r"""Variogram score over stated pairs of points.

    .. math:: \frac{1}{\sum w_{ab}} \sum_{ab} w_{ab} \Bigl(|y_a - y_b|^p - \frac1M \sum_i |x_{ia} - x_{ib}|^p\Bigr)^2

    that is Scheuerer & Hamill's score over the sum of the weights of the pairs that are there, so that dates of unlike
    gaps can be compared. ``ecdf`` is that; ``fair`` subtracts from each square the members' variance (divisor M - 1)
    of :math:`|x_a - x_b|^p` over M, which makes its expected value independent of M.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        pairs: which points are compared and how much each pair weighs; see
            :func:`~stride_eval.metrics.point_pairs.point_pairs`.
        order: p; 0.5 tells wrong dependence best for skewed variables.
        dims: the dimensions that ``pairs`` counts points along, in that order (row-major).
        member_dim: the ensemble dimension.
        estimator: ``fair`` (undefined for one member), ``ecdf``, or ``auto``: fair where there are two members or more.
        dim: further dimensions to average over.

    Returns:
        Score in the units of the field to the power 2p, 0 perfect; NaN where no pair has both points in the observation
        and in all members.

    Raises:
        MetricError: ``fair`` with one member, an unknown estimator, an order of 0 or less, pairs of another grid, or
            fields that do not lie on the same points.

    Source:
        Scheuerer & Hamill (2015), https://doi.org/10.1175/MWR-D-14-00269.1.
    """
    members = check_pair(forecast, observed, member_dim)
    fair = pair_divisor(members, estimator) != members * members
    if not order > 0:
        raise MetricError(f"order is {order}; give a power above 0 (0.5 is usual)")
    vector = [dims] if isinstance(dims, str) else list(dims)
    reduced_dims(observed, vector)
    shape = tuple(observed.sizes[name] for name in vector)
    if shape != pairs.shape:
        raise MetricError(f"the pairs are of a grid of {pairs.shape} points, the fields have {shape}; draw them anew")
    whole = dict.fromkeys(vector, -1)
    score = xr.apply_ufunc(
        _scores,
        forecast if forecast.chunks is None else forecast.chunk({**whole, member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={"pairs": pairs, "order": float(order), "fair": fair},
        input_core_dims=[[member_dim, *vector], vector],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=False,
    )
    return describe(mean(score, dim=dim), f"variogram score of order {order:g}")


def _scores(forecast: np.ndarray, observed: np.ndarray, *, pairs: PointPairs, order: float, fair: bool) -> np.ndarray:
    """Forecast [..., M, *vector], observed [..., *vector] -> [...]; one case at a time."""
    length = len(pairs.shape)
    kept = np.broadcast_shapes(forecast.shape[: -length - 1], observed.shape[:-length])
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[-length - 1 :]))
    observed = np.broadcast_to(observed, (*kept, *observed.shape[-length:]))
    score = np.empty(kept)
    for case in np.ndindex(kept):
        members = forecast[case].reshape(forecast.shape[-length - 1], -1)
        score[case] = _score(members, observed[case].ravel(), pairs, order, fair)
    return score


def _score(members: np.ndarray, observed: np.ndarray, pairs: PointPairs, order: float, fair: bool) -> float:
    """Variogram score of one case: members [M, n], observed [n]; pairs block by block."""
    summed, total = 0.0, 0.0
    step = max(1, BLOCK_VALUES // len(members))
    for start in range(0, pairs.weight.size, step):
        first, second, weight = (part[start : start + step] for part in (pairs.first, pairs.second, pairs.weight))
        seen = np.abs(np.subtract(observed[first], observed[second], dtype=np.float64)) ** order
        made = np.subtract(members[:, first], members[:, second], dtype=np.float64)
        np.abs(made, out=made)
        np.power(made, order, out=made)
        square = (seen - made.mean(axis=0)) ** 2
        if fair:
            square -= made.var(axis=0, ddof=1) / len(members)
        present = np.isfinite(square)
        summed += float(square[present] @ weight[present])
        total += float(weight[present].sum())
    return summed / total if total > 0 else np.nan
