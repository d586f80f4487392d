"""Spread and error of the ensemble mean in fixed classes of spread: sums that add up over dates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, describe, increasing, reduced_dims
from stride_eval.metrics.ensemble_moments import ensemble_moments
from stride_eval.metrics.errors import MetricError


def spread_skill_sums(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    edges: Sequence[float] | np.ndarray,
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.Dataset:
    """Sums of the member variance and of the squared error of the mean, by class of spread.

    What :func:`~stride_eval.metrics.spread_skill.spread_skill_binned` shows of fields in memory, this collects date by
    date: classes are fixed beforehand, and neighbours can be put together afterwards.

    Args:
        forecast: ensemble of two members or more, with dimension ``member_dim``.
        observed: the observation, on the same points.
        edges: between the classes, increasing, in the units of the field; class 0 lies below the first edge, class i
            from edge i-1 to below edge i, the last one from the last edge on.
        member_dim: the ensemble dimension.
        dim: dimensions to sum over.

    Returns:
        ``variance`` (divisor M - 1), ``squared_error`` and ``n`` points over the dimensions that remain and
        ``spread_class``.

    Raises:
        MetricError: one member, edges that do not increase, or fields that do not lie on the same points.

    Source:
        Leutbecher & Palmer (2008), https://doi.org/10.1016/j.jcp.2007.02.014.
    """
    if check_pair(forecast, observed, member_dim) == 1:
        raise MetricError("one member has no spread; give an ensemble of two members or more")
    limits = increasing(edges, "edges", at_least=1)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    moments = ensemble_moments(forecast, member_dim=member_dim)
    squared_error = (moments["mean"] - observed.astype(np.float64)) ** 2
    whole = dict.fromkeys(names, -1)
    sums = xr.apply_ufunc(
        _sums,
        *(part if part.chunks is None else part.chunk(whole) for part in (moments["variance"], squared_error)),
        kwargs={"limits": limits, "reduced": len(names)},
        input_core_dims=[names, names],
        output_core_dims=[["part", "spread_class"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"part": 3, "spread_class": len(limits) + 1}},
        keep_attrs=False,
    )
    words = {
        "variance": "sum of the member variance",
        "squared_error": "sum of the squared error of the ensemble mean",
        "n": "number of points",
    }
    return xr.Dataset({key: describe(sums.isel(part=index), text) for index, (key, text) in enumerate(words.items())})


def _sums(variance: np.ndarray, squared_error: np.ndarray, *, limits: np.ndarray, reduced: int) -> np.ndarray:
    """Two fields [..., *reduced] -> [..., 3, classes]; ``reduced`` dimensions at the end are summed over."""
    kept = variance.shape[: variance.ndim - reduced]
    size = len(limits) + 1
    sums = np.zeros((*kept, 3, size))
    for case in np.ndindex(kept):
        spread2, error2 = variance[case].ravel(), squared_error[case].ravel()
        present = np.isfinite(spread2) & np.isfinite(error2)
        spread2, error2 = spread2[present], error2[present]
        classes = np.searchsorted(limits, np.sqrt(spread2), side="right")
        for part, weights in enumerate((spread2, error2, None)):
            sums[case][part] = np.bincount(classes, weights, minlength=size)
    return sums
