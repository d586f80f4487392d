"""Fine bins for pooled values: counts per date add up, and quantiles of any selection of dates follow from them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.metrics.histogram import histogram

BINS = 1500


def fine_edges(sample: np.ndarray, spec: VariableSpec) -> np.ndarray:
    """Edges of bins that are narrow where values are common and widen with their distance from there.

    Edges are m + s sinh(u) with u evenly spaced: absolute steps near m, relative steps (about 0.5 %) in the tails. They
    reach ten times as far as the observed values do; what lies beyond counts in the outermost bin.

    Args:
        sample: observed values, ascending.
        spec: of the variable; one that cannot be negative has its first edge at zero.

    Returns:
        [BINS + 1], increasing.
    """
    if is_amount(spec):
        middle, low = 0.0, 0.0
    else:
        middle = float(np.median(sample))
        low = middle - 10.0 * (middle - float(sample[0]))
    high = middle + 10.0 * (float(sample[-1]) - middle)
    scale = float(np.mean(np.abs(sample - middle))) or 1.0
    high = max(high, middle + scale)
    return middle + scale * np.sinh(
        np.linspace(np.arcsinh((low - middle) / scale), np.arcsinh((high - middle) / scale), BINS + 1)
    )


def counts_per_date(field: xr.DataArray, edges: np.ndarray) -> xr.DataArray:
    """How many values of a date, members and pixels pooled, lie in each bin: (time, bin)."""
    inside = field.clip(float(edges[0]), float(edges[-1]))
    counted = histogram(inside, edges, member_dim="member", dim=("member", "y", "x"))
    return counted["count"].drop_vars(["bin", "bin_lower", "bin_upper"]).astype(np.float64)


def quantiles_of_counts(counts: xr.DataArray, edges: np.ndarray, levels: np.ndarray) -> xr.DataArray:
    """Quantiles of binned values, linear within the bin.

    Args:
        counts: (..., bin).
        edges: of the bins.
        levels: between 0 and 1, increasing.

    Returns:
        (..., level), without coordinates; NaN where nothing was counted. Off by at most the width of the bin.
    """

    def invert(values: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        flat, result = (
            total.reshape(-1, total.shape[-1]),
            np.full((int(np.prod(total.shape[:-1])), len(levels)), np.nan),
        )
        for row, cumulated in enumerate(flat):
            if cumulated[-1] > 0:
                # Never quite zero: the lowest quantile lies in the first bin that holds anything.
                wanted = np.maximum(np.asarray(levels), 1e-12) * cumulated[-1]
                upper = np.clip(np.searchsorted(cumulated, wanted, side="left"), 1, len(cumulated) - 1)
                within = (wanted - cumulated[upper - 1]) / (cumulated[upper] - cumulated[upper - 1])
                result[row] = edges[upper - 1] + np.clip(within, 0.0, 1.0) * (edges[upper] - edges[upper - 1])
        return result.reshape(*total.shape[:-1], len(levels))

    return xr.apply_ufunc(invert, counts, input_core_dims=[["bin"]], output_core_dims=[["level"]])


def share_at_or_above(counts: xr.DataArray) -> xr.DataArray:
    """Share of values at or above each bin's lower edge: (..., bin)."""
    above = counts.isel(bin=slice(None, None, -1)).cumsum("bin").isel(bin=slice(None, None, -1))
    total = counts.sum("bin")
    return above / total.where(total > 0)
