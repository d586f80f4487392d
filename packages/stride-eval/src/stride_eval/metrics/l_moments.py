"""The first three L-moments of samples and of binned counts."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, reduced_dims
from stride_eval.metrics.errors import MetricError


def l_moments(sample: xr.DataArray, *, dim: Dims = ...) -> xr.Dataset:
    """Mean, L-scale and L-skewness of values, by unbiased probability-weighted moments.

    With sorted values x_1 <= ... <= x_n: b_r = 1/n sum x_j (j-1)...(j-r) / ((n-1)...(n-r)); l1 = b0, l2 = 2 b1 - b0,
    l3 = 6 b2 - 6 b1 + b0.

    Args:
        sample: any values; missing ones are left out.
        dim: dimensions to pool.

    Returns:
        ``l1`` and ``l2`` in the units of the values, ``t3`` = l3 / l2 and ``n``; NaN for fewer than three values, and
        ``t3`` where all are equal.

    Raises:
        MetricError: no dimension to pool.

    Source:
        Hosking (1990), https://doi.org/10.1111/j.2517-6161.1990.tb01775.x.
    """
    names = reduced_dims(sample, dim)
    if not names:
        raise MetricError("L-moments need a dimension to pool; name one by dim=, or ... for all")
    found = xr.apply_ufunc(
        _of_samples,
        sample if sample.chunks is None else sample.chunk(dict.fromkeys(names, -1)),
        kwargs={"axes": len(names)},
        input_core_dims=[names],
        output_core_dims=[["moment"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"moment": 4}},
    )
    return xr.Dataset({name: found.isel(moment=place) for place, name in enumerate(("l1", "l2", "t3", "n"))})


def _of_samples(values: np.ndarray, *, axes: int) -> np.ndarray:
    kept = values.shape[: values.ndim - axes]
    ordered = np.sort(values.reshape(*kept, -1).astype(np.float64), axis=-1)  # NaN go to the end
    n = np.isfinite(ordered).sum(axis=-1).astype(np.float64)
    rank = np.arange(ordered.shape[-1])
    ordered = np.nan_to_num(ordered)
    enough = np.where(n >= 3, n, np.nan)
    b0 = ordered.sum(-1) / enough
    b1 = (ordered * rank).sum(-1) / (enough * (enough - 1))
    b2 = (ordered * rank * (rank - 1)).sum(-1) / (enough * (enough - 1) * (enough - 2))
    return np.stack([*_moments(b0, b1, b2), n], axis=-1)


def l_moments_of_counts(counts: xr.DataArray, values: xr.DataArray, *, dim: str = "bin") -> xr.Dataset:
    """L-moments of values that were counted in bins: what a bootstrap over dates has, where counts are means.

    With F the cumulated share up to a bin: b_r = sum x (F_upper^(r+1) - F_lower^(r+1)) / (r+1), which is the limit of
    the unbiased form for many values.

    Args:
        counts: how many values lie in each bin; need not be whole.
        values: that stand for the bins, increasing along ``dim``.
        dim: the dimension of the bins.

    Returns:
        ``l1``, ``l2``, ``t3`` and ``n``, as ``l_moments``; NaN where nothing was counted.

    Raises:
        MetricError: values that do not increase.

    Source:
        Hosking (1990), https://doi.org/10.1111/j.2517-6161.1990.tb01775.x.
    """
    if (values.diff(dim) <= 0).any():
        raise MetricError(f"values must increase along {dim!r}; give the middles of the bins in their order")
    n = counts.sum(dim)
    upper = counts.cumsum(dim) / n.where(n > 0)
    lower = upper - counts / n.where(n > 0)
    b0, b1, b2 = (((upper**r - lower**r) / r * values).sum(dim, skipna=False) for r in (1, 2, 3))
    l1, l2, t3 = _moments(b0, b1, b2)
    return xr.Dataset({"l1": l1, "l2": l2, "t3": t3, "n": n})


def _moments(b0, b1, b2):
    l2 = 2.0 * b1 - b0
    # Equal values leave rounding errors, which are no L-scale.
    flat = ~(l2 > 1e-12 * abs(b0))
    share = (6.0 * b2 - 6.0 * b1 + b0) / xr.where(flat, np.nan, l2)
    return b0, xr.where(flat & (l2 == l2), 0.0, l2), share
