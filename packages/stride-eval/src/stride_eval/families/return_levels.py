"""Return levels from counts: of dates above a threshold by the Pareto law, of blocks of dates by that of maxima."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import Statistic, interval
from stride_eval.metrics.gev import gev_from_l_moments, gev_return_level
from stride_eval.metrics.gpd import gpd_from_l_moments, gpd_return_level
from stride_eval.metrics.l_moments import l_moments_of_counts

THRESHOLD_LEVEL = 0.98
"""Observed quantile over which values are peaks."""

FEWEST_DATES = 20
"""Dates that the Pareto law is fitted to."""

_PERIODS = tuple(step * 10**power for power in range(1, 7) for step in (1, 2, 5))


def peak_threshold(sample: np.ndarray, edges: np.ndarray, wet_threshold: float | None, dates: int) -> float:
    """Threshold of peaks: the first edge of a bin at or above the observed quantile; NaN for too few dates."""
    if dates < FEWEST_DATES:
        return np.nan
    wanted = float(np.quantile(sample, THRESHOLD_LEVEL))
    wanted = wanted if wet_threshold is None else max(wanted, wet_threshold)
    place = int(np.searchsorted(edges, wanted))
    return float(edges[place]) if place < len(edges) - 1 else np.nan


def summary_period(dates: int) -> float:
    """Return period of the summary: the largest round one up to five times the dates."""
    return float(max(period for period in _PERIODS if period <= 5 * max(dates, 2)))


def peak_rate(results: xr.Dataset) -> float:
    """Share of the observed values of one target that are peaks; NaN without a threshold."""
    threshold = float(results["peak_threshold"])
    counts = results["observed_counts"].sum("time")
    # The threshold is an edge of a bin, up to rounding.
    above = xr.DataArray(results["edges"].values[:-1] >= threshold - 1e-9, dims="bin")
    total = float(counts.sum())
    return float((counts * above).sum()) / total if np.isfinite(threshold) and total else np.nan


def periods_up_to(lowest: float, highest: float) -> np.ndarray:
    """About thirty return periods evenly on a logarithmic axis."""
    return np.geomspace(lowest, max(highest, 1.5 * lowest), 30)


def peak_levels(results: xr.Dataset, periods: np.ndarray) -> tuple[xr.Dataset, dict[str, Statistic]]:
    """Counts per date, and the levels that follow from them.

    Args:
        results: of one target, with a finite ``peak_threshold``.
        periods: in dates.

    Returns:
        Components for the bootstrap; statistics "level" (system, period) and "observed".
    """
    threshold, edges = float(results["peak_threshold"]), results["edges"].values
    counts = results[["counts", "observed_counts"]].fillna(0.0)
    first = int(np.argmin(np.abs(edges - threshold)))
    last = int(np.flatnonzero(_any_count(counts))[-1]) + 1 if _any_count(counts).any() else first + 1
    last = max(last, first + 1)
    above = counts.isel(bin=slice(first, last))
    components = above.assign({f"all_{name}": values.sum("bin") for name, values in counts.data_vars.items()})
    excess = xr.DataArray((edges[first:last] + edges[first + 1 : last + 1]) / 2.0 - threshold, dims="bin")

    def levels(means: xr.Dataset, which: str) -> xr.DataArray:
        here, total = means[f"{which}counts"], means[f"all_{which}counts"]
        fitted = gpd_from_l_moments(l_moments_of_counts(here, excess))
        rate = here.sum("bin") / total.where(total > 0)
        return gpd_return_level(fitted, periods, threshold=threshold, rate=rate)

    return components, {"level": lambda m: levels(m, ""), "observed": lambda m: levels(m, "observed_")}


def maxima_levels(results: xr.Dataset, periods: np.ndarray) -> tuple[xr.Dataset, dict[str, Statistic]]:
    """Counts of maxima per block of dates, and the levels that follow from them.

    Args:
        results: of one target.
        periods: in blocks.

    Returns:
        Components for ``block_interval``; statistics "level" (system, period) and "observed".
    """
    edges = results["edges"].values
    counts = results[["block_counts", "observed_block_counts"]].fillna(0.0)
    used = np.flatnonzero(_any_count(counts))
    kept = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
    middle = xr.DataArray(((edges[:-1] + edges[1:]) / 2.0)[kept], dims="bin")

    def levels(means: xr.Dataset, which: str) -> xr.DataArray:
        fitted = gev_from_l_moments(l_moments_of_counts(means[f"{which}block_counts"], middle))
        return gev_return_level(fitted, periods)

    return counts.isel(bin=kept), {"level": lambda m: levels(m, ""), "observed": lambda m: levels(m, "observed_")}


def _any_count(counts: xr.Dataset) -> np.ndarray:
    stacked = counts.to_dataarray()
    return (stacked.sum([dim for dim in stacked.dims if dim != "bin"]) > 0).values


def block_interval(components: xr.Dataset, statistic: Statistic, config: EvalConfig) -> xr.Dataset:
    """Estimate and interval of a statistic of sums over blocks of dates; whole blocks are drawn."""
    found = interval(components, statistic, config, dim="block")
    return found.assign(n=found["n"].max())
