"""Histogram of pooled values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, increasing, reduced_dims, units_of
from stride_eval.metrics.blocks import additive, count_by_code


def histogram(
    field: xr.DataArray, edges: Sequence[float] | np.ndarray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.Dataset:
    """Counts and density of the values between ``edges``; bins hold their lower edge, the last one also its upper.

    Args:
        field: forecast or observed; members are pooled where ``dim`` names them.
        edges: increasing bin edges in the units of the field.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to pool.

    Returns:
        Over ``bin`` (centres, with ``bin_lower`` and ``bin_upper``): ``count``, and ``density`` = count / (n width),
        per unit of the field, so that it integrates to the share of values inside the edges; ``n`` valid values;
        ``n_outside`` of them outside the edges. Counts add up.

    Raises:
        MetricError: edges that do not increase, or an unknown dimension.
    """
    bounds = increasing(edges, "edges", at_least=2)
    bins = len(bounds) - 1

    def count(block: np.ndarray) -> np.ndarray:
        codes = np.searchsorted(bounds, block, side="right") - 1
        codes[block == bounds[-1]] = bins - 1
        codes[(codes < 0) | (codes >= bins)] = bins  # outside
        codes[np.isnan(block)] = -1
        return count_by_code(codes, bins + 1)

    totals = additive(count, field, reduced_dims(field, dim, member_dim=member_dim), out_dim="bin", out_size=bins + 1)
    counts, n = totals.isel(bin=slice(0, bins)), totals.sum("bin")
    density = counts / n.where(n > 0) / xr.DataArray(np.diff(bounds), dims="bin")
    units = units_of(field)
    return xr.Dataset(
        {
            "count": describe(counts, "number of values", "1"),
            "density": describe(density, "probability density", None if units is None else f"({units})-1"),
            "n": describe(n, "number of valid values", "1"),
            "n_outside": describe(totals.isel(bin=bins), "number of values outside the edges", "1"),
        },
        coords={
            "bin": ("bin", (bounds[:-1] + bounds[1:]) / 2),
            "bin_lower": ("bin", bounds[:-1]),
            "bin_upper": ("bin", bounds[1:]),
        },
    )
