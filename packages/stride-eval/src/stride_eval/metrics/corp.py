"""Brier score as miscalibration, discrimination and uncertainty, by isotonic regression (CORP)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.blocks import BLOCK_VALUES
from stride_eval.metrics.brier_decomposition import events_and_points, forecast_probability


def isotonic_frequency(counts: xr.DataArray) -> xr.DataArray:
    r"""Observed frequency of the event by k members that have it, made to increase with k: what k "should" mean.

    Least squares under monotony, the result of pooling adjacent violators, by its min-max form

    .. math:: c_k = \max_{a \le k} \min_{b \ge k} \frac{\sum_{i=a}^b e_i}{\sum_{i=a}^b n_i}

    with e_k events among n_k points; no bins have to be chosen.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.member_counts.member_counts`, with the
            dimensions ``outcome`` and ``k``.

    Returns:
        Recalibrated probability over ``k`` (0 .. M); NaN where no forecast has that k.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Dimitriadis, Gneiting & Jordan (2021), https://doi.org/10.1073/pnas.2016191118; min-max form: Robertson, Wright
        & Dykstra (1988), Order Restricted Statistical Inference, chapter 1.
    """
    events, points = events_and_points(counts)
    found = xr.apply_ufunc(
        _isotonic, events, points, input_core_dims=[["k"], ["k"]], output_core_dims=[["k"]], dask="parallelized",
        output_dtypes=[np.float64],
    )  # fmt: skip
    return describe(found, "isotonic observed frequency", "1")


def corp_decomposition(counts: xr.DataArray) -> xr.Dataset:
    """The Brier score as miscalibration less discrimination plus uncertainty: BS = MCB - DSC + UNC.

    MCB is what the score gains by recalibration (:func:`isotonic_frequency`), DSC what the recalibrated forecast gains
    on always stating the base rate, UNC the score of that. MCB and DSC are never negative.

    Args:
        counts: as in :func:`isotonic_frequency`.

    Returns:
        ``brier`` (of k / M, not the fair form), ``miscalibration``, ``discrimination``, ``uncertainty``; NaN without
        points.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Dimitriadis, Gneiting & Jordan (2021), https://doi.org/10.1073/pnas.2016191118.
    """
    events, points = events_and_points(counts)
    n = points.sum("k")
    n = n.where(n > 0)

    def score(probability: xr.DataArray) -> xr.DataArray:
        inner = events * (1.0 - probability) ** 2 + (points - events) * probability**2
        return inner.sum("k") / n

    brier = score(forecast_probability(counts))
    recalibrated = score(isotonic_frequency(counts).fillna(0.0))
    base_rate = events.sum("k") / n
    uncertainty = base_rate * (1.0 - base_rate)
    # Of rounding alone, either may fall below zero.
    return xr.Dataset(
        {
            "brier": describe(brier, "Brier score", "1"),
            "miscalibration": describe((brier - recalibrated).clip(min=0.0), "miscalibration (MCB)", "1"),
            "discrimination": describe((uncertainty - recalibrated).clip(min=0.0), "discrimination (DSC)", "1"),
            "uncertainty": describe(uncertainty, "uncertainty (UNC)", "1"),
        }
    )


def _isotonic(events: np.ndarray, points: np.ndarray) -> np.ndarray:
    """[..., K] and [..., K] -> [..., K], some cases at a time: each needs K² numbers."""
    shape = np.broadcast_shapes(events.shape, points.shape)
    size = shape[-1]
    events, points = (np.broadcast_to(part, shape).reshape(-1, size) for part in (events, points))
    found = np.empty(events.shape)
    step = max(1, 4 * BLOCK_VALUES // size**2)
    for start in range(0, len(found), step):
        found[start : start + step] = _min_max(events[start : start + step], points[start : start + step])
    return found.reshape(shape)


def _min_max(events: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Cases [c, K]; the mean of every run a .. b, its least value over b >= k, of these the largest over a <= k."""
    size = events.shape[1]
    until = np.zeros((2, len(events), size + 1))
    np.cumsum(events, axis=1, out=until[0, :, 1:])
    np.cumsum(points, axis=1, out=until[1, :, 1:])
    sums = until[:, :, None, 1:] - until[:, :, :-1, None]  # [2, c, a, b]
    runs = np.tri(size, dtype=bool).T & (sums[1] > 0)
    mean = np.divide(sums[0], sums[1], out=np.full(sums[0].shape, np.inf), where=runs)
    least = np.minimum.accumulate(mean[:, :, ::-1], axis=2)[:, :, ::-1]  # over b >= k, [c, a, k]
    # A run of empty classes says nothing; and a lies at or below k.
    least[~(np.tri(size, dtype=bool).T & np.isfinite(least))] = -np.inf
    return np.where(points > 0, least.max(axis=1), np.nan)
