"""Quantiles of pooled values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims, units_of
from stride_eval.metrics.errors import MetricError


def pooled_quantiles(
    field: xr.DataArray,
    quantiles: float | Sequence[float],
    *,
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.DataArray:
    """Quantiles of all values along ``dim``: the smallest value x with at least the share q of them at or below x.

    This inverse of the empirical distribution does not interpolate, so that pools of other sizes compare fairly: M
    copies of the observed values have the observed quantiles. (Linear interpolation, definition 7, would put the tail
    of the smaller pool too low.) Exact, by sorting; the pool lies in memory at once. Beyond about 1 - 1/n of n
    independent values a quantile is the maximum and says little.

    Args:
        field: forecast or observed.
        quantiles: in 0..1, for example 0.999 for the 99.9th percentile.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to pool (``("time", "member")`` gives maps).

    Returns:
        In the units of the field, with dimension ``quantile`` first; missing values are left out; NaN where nothing is
        valid.

    Raises:
        MetricError: a quantile outside 0..1, or an unknown dimension.

    Source:
        Hyndman & Fan (1996), definition 1, https://doi.org/10.1080/00031305.1996.10473566.
    """
    wanted = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
    if wanted.ndim != 1 or wanted.size == 0 or not ((wanted >= 0) & (wanted <= 1)).all():
        raise MetricError(f"quantiles must be numbers in 0..1; got {wanted.tolist()} (0.999 is the 99.9th percentile)")
    names = reduced_dims(field, dim, member_dim=member_dim)
    if not names:
        raise MetricError("quantiles need a dimension to pool; name one by dim=, or ... for all")
    result = xr.apply_ufunc(
        _sorted_quantiles,
        field if field.chunks is None else field.chunk(dict.fromkeys(names, -1)),
        kwargs={"quantiles": wanted, "axes": len(names)},
        input_core_dims=[names],
        output_core_dims=[["quantile"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"quantile": wanted.size}},
        keep_attrs=False,
    )
    result = result.assign_coords(quantile=wanted).transpose("quantile", ...)
    return describe(result, "quantile", units_of(field))


def _sorted_quantiles(values: np.ndarray, *, quantiles: np.ndarray, axes: int) -> np.ndarray:
    """Sorting moves NaN to the end of each row, so that rows may have different numbers of valid values."""
    kept = values.shape[: values.ndim - axes]
    ordered = np.sort(values.reshape(*kept, -1), axis=-1)
    n = ordered.shape[-1] - np.isnan(ordered).sum(axis=-1)
    # The small deduction keeps whole numbers whole: 0.9 * 10 may come out a rounding error above 9.
    place = np.ceil(n[..., None] * quantiles - 1e-9).astype(np.intp) - 1
    last = np.maximum(n - 1, 0)[..., None]
    return np.take_along_axis(ordered, np.clip(place, 0, last), axis=-1).astype(np.float64)
