"""Perkins skill score: overlap of two pooled distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.exceedance import exceedance
from stride_eval.metrics.valid import mask_to_common


def perkins_overlap(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    edges: Sequence[float] | np.ndarray,
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.DataArray:
    """Common area of the forecast and observed histograms, ``sum over bins of min(f, o)`` of relative frequencies.

    Values below the first edge and at or beyond the last count as two more bins, so that the frequencies sum to 1.

    Args:
        forecast: ensemble with dimension ``member_dim``; members are pooled.
        observed: the observation, on the same points.
        edges: increasing bin edges in the units of the field; the score depends on them.
        member_dim: the ensemble dimension.
        dim: dimensions to pool beside the members.

    Returns:
        1 for equal histograms, 0 for none in common; NaN where nothing is valid.

    Raises:
        MetricError: fields that do not lie on the same points, edges that do not increase, or an unknown dimension.

    Source:
        Perkins et al. (2007), https://doi.org/10.1175/JCLI4253.1.
    """
    forecast, observed = mask_to_common(forecast, observed, member_dim=member_dim)
    names = reduced_dims(observed, dim, member_dim=member_dim)
    predicted = _frequencies(forecast, edges, [*names, member_dim])
    overlap = xr.where(predicted < (truth := _frequencies(observed, edges, names)), predicted, truth)
    return describe(overlap.sum("bin", skipna=False), "Perkins overlap of the pooled distributions", "1")


def _frequencies(field: xr.DataArray, edges: Sequence[float] | np.ndarray, dim: list) -> xr.DataArray:
    """Relative frequencies of the open-ended bins: differences of the survival function, from 1 down to 0."""
    survival = exceedance(field, edges, dim=dim).rename(threshold="bin").drop_vars("bin")
    whole = survival.pad(bin=(1, 0), constant_values=1.0).pad(bin=(0, 1), constant_values=0.0)
    return -whole.diff("bin")
