"""How far the observation lies from each of the ordered members: sums that coverage and decompositions follow from."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims, units_of
from stride_eval.metrics.blocks import BLOCK_VALUES
from stride_eval.metrics.sorting import sort_members


def order_statistic_sums(
    forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.Dataset:
    r"""Sums over points of the parts of x_(i) - y above and below zero, for the ordered members x_(1) <= .. <= x_(M).

    They add up over dates, and no more is needed for the decomposition of the CRPS
    (:func:`~stride_eval.metrics.hersbach.hersbach_decomposition`) and for central intervals
    (:func:`~stride_eval.metrics.interval_coverage.interval_coverage`).

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to sum over (``("y", "x")`` gives the sums of each day).

    Returns:
        Over the dimensions that remain and ``order`` (1 .. M): ``above``, sum of max(x_(i) - y, 0), and ``below``, sum
        of max(y - x_(i), 0), in the units of the field; ``n_above`` and ``n_below``, points where x_(i) > y and
        x_(i) < y; and ``n``, points. Points where the observation or a member is missing are left out.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.
    """
    members = check_pair(forecast, observed, member_dim)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    whole = dict.fromkeys(names, -1)
    pair = [
        array if array.chunks is None else array.chunk(chunks)
        for array, chunks in ((forecast, whole | {member_dim: -1}), (observed, whole))
    ]
    sums = xr.apply_ufunc(
        _sums,
        *pair,
        kwargs={"reduced": len(names)},
        input_core_dims=[[member_dim, *names], names],
        output_core_dims=[["part", "order"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"part": 5, "order": members}},
        keep_attrs=False,
    ).assign_coords(order=np.arange(1, members + 1))
    units = units_of(observed, forecast)
    words = {
        "above": ("sum of the ordered member's excess over the observation", units),
        "below": ("sum of the observation's excess over the ordered member", units),
        "n_above": ("points where the ordered member lies above the observation", "1"),
        "n_below": ("points where the ordered member lies below the observation", "1"),
    }
    parts = {key: describe(sums.isel(part=index), *text) for index, (key, text) in enumerate(words.items())}
    return xr.Dataset({**parts, "n": describe(sums.isel(part=4, order=0, drop=True), "number of points", "1")})


def _sums(forecast: np.ndarray, observed: np.ndarray, *, reduced: int) -> np.ndarray:
    """Members [..., M, *reduced] and observation [..., *reduced] -> [..., 5, M]."""
    kept = observed.shape[: observed.ndim - reduced]
    count = forecast.shape[len(kept)]
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[len(kept) :]))
    sums = np.zeros((*kept, 5, count))
    step = max(1, BLOCK_VALUES // count)
    for case in np.ndindex(kept):
        members, truth = forecast[case].reshape(count, -1), observed[case].reshape(-1)
        for start in range(0, truth.size, step):
            sums[case] += _block(members[:, start : start + step], truth[start : start + step])
    return sums


def _block(members: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """[M, n] and [n] -> [5, M]."""
    present = ~(np.isnan(observed) | np.isnan(members).any(axis=0))
    deviation = np.subtract(sort_members(members[:, present]), observed[present], dtype=np.float64)
    above, below = deviation > 0, deviation < 0
    return np.stack(
        [
            np.sum(deviation, axis=1, where=above),
            -np.sum(deviation, axis=1, where=below),
            above.sum(axis=1),
            below.sum(axis=1),
            np.full(len(members), present.sum()),
        ]
    )
