"""Intervals of scores from statistics per date: sums are resampled, ratios are taken last."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.metrics.bootstrap import block_bootstrap

Statistic = Callable[[xr.Dataset], xr.DataArray]


def daily_sums(results: xr.Dataset, names: list[str], *, count: str = "n") -> xr.Dataset:
    """Means per date back to sums over pixels, so that dates with more pixels weigh more.

    Args:
        results: ``names`` as means over the pixels of a date, and ``count``, the pixels, along ``time``.
        names: variables to take.
        count: name of the number of pixels.

    Returns:
        The sums and ``count``; a date without pixels, or a system without the statistic, counts nothing.
    """
    counts = results[count].fillna(0)
    # The bootstrap leaves out a day on which anything is missing: what a system has not (the variance of one member)
    # is zero here.
    sums = xr.Dataset({name: (results[name] * counts).fillna(0.0) for name in names})
    return sums.assign({count: counts})


def interval(components: xr.Dataset, statistic: Statistic, config: EvalConfig) -> xr.Dataset:
    """Estimate and interval of a statistic of sums over dates.

    Args:
        components: sums per date along ``time``.
        statistic: from the components' means over dates to the score; ratios of means, never means of ratios.
        config: resamples, block length, level, seed.

    Returns:
        ``estimate``, ``lower``, ``upper`` and ``n`` (dates).
    """
    with warnings.catch_warnings():
        # A score that is not defined for a system (the spread of one member) is NaN in every resample.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        found = block_bootstrap(
            components,
            statistic,
            dim="time",
            block_length=config.resolved_block_length(components.sizes["time"]),
            n_resamples=config.resamples,
            level=config.level,
            seed=config.seed,
        )
    # The bootstrap carries along every dimension that any component has; the statistic may have consumed some.
    wanted = statistic(components.isel(time=0, drop=True)).dims
    spare = {dim: 0 for dim in found.dims if dim not in wanted}
    return found.isel(spare, drop=True)


def numbers(found: xr.Dataset) -> tuple[float, float, float]:
    """Estimate, lower and upper end as plain numbers."""
    return float(found["estimate"]), float(found["lower"]), float(found["upper"])
