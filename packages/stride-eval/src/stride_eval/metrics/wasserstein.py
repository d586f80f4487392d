"""Wasserstein distance of two pooled distributions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims, units_of
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.valid import mask_to_common


def wasserstein(
    forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.DataArray:
    """First Wasserstein distance of all members' values from the observed ones: mean distance of equal quantiles.

    Both pools hold the same points, so the forecast's is M times the observed one, and the integral of |F⁻¹ - G⁻¹| is
    the mean of |x_(i) - y_(⌈i/M⌉)| over the sorted values: no interpolation. The pools lie in memory at once.

    Args:
        forecast: ensemble with dimension ``member_dim``; members are pooled.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to pool beside the members (``"time"`` gives a map).

    Returns:
        Distance in the units of the field, 0 for equal distributions; NaN where nothing is valid.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Villani (2009), Optimal Transport, https://doi.org/10.1007/978-3-540-71050-9; in one dimension Vallender (1974),
        https://doi.org/10.1137/1118101.
    """
    forecast, observed = mask_to_common(forecast, observed, member_dim=member_dim)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    if not names:
        raise MetricError("a distribution needs a dimension to pool; name one by dim=, or ... for all")
    whole = dict.fromkeys(names, -1)
    result = xr.apply_ufunc(
        _distance,
        forecast if forecast.chunks is None else forecast.chunk(whole | {member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={"axes": len(names)},
        input_core_dims=[[*names, member_dim], names],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=False,
    )
    return describe(result, "Wasserstein distance of the pooled distributions", units_of(observed, forecast))


def _distance(forecast: np.ndarray, observed: np.ndarray, *, axes: int) -> np.ndarray:
    """Sorting moves NaN to the end of both pools, at matching places: a missing point is missing in all members."""
    kept = observed.shape[: observed.ndim - axes]
    values = np.sort(forecast.reshape(*kept, -1), axis=-1)
    truth = np.sort(observed.reshape(*kept, -1), axis=-1)
    gaps = values.reshape(*truth.shape, forecast.shape[-1])
    total = np.zeros(kept)
    for member in range(gaps.shape[-1]):  # one observed-sized temporary at a time
        total += np.nansum(np.abs(gaps[..., member] - truth, dtype=np.float64), axis=-1)
    n = (~np.isnan(truth)).sum(axis=-1) * gaps.shape[-1]
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
