"""Intervals of scores from statistics per date: sums are resampled, ratios are taken last."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.metrics.bootstrap import block_bootstrap
from stride_eval.scores import Resampled

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


def interval(
    components: xr.Dataset,
    statistic: Statistic,
    config: EvalConfig,
    *,
    dim: str = "time",
    biased: bool = False,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> xr.Dataset:
    """Estimate and interval of a statistic of sums over dates.

    Statistics of the same dates share their resamples, also where they are computed apart: ``resampled`` of two systems
    can be taken from one another.

    Args:
        components: sums per date along ``dim``.
        statistic: from the components' means over dates to the score; ratios of means, never means of ratios.
        config: resamples, block length, level, seed.
        dim: ``time``; any other holds blocks of dates, of which each is drawn by itself.
        biased: whether sampling pushes the statistic one way, as it does a distance of pooled distributions.
        within: what the ends of the interval cannot pass.

    Returns:
        ``estimate``, ``lower``, ``upper`` and ``n`` (dates); ``resampled`` along ``resample``, ``used`` along ``dim``.
    """
    with warnings.catch_warnings():
        # A score that is not defined for a system (the spread of one member) is NaN in every resample.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        found = block_bootstrap(
            components,
            statistic,
            dim=dim,
            block_length=config.resolved_block_length(components.sizes[dim]) if dim == "time" else 1,
            n_resamples=config.resamples,
            level=config.level,
            seed=config.seed,
            biased=biased,
            keep_resamples=True,
        )
    # The bootstrap carries along every dimension that any component has; the statistic may have consumed some.
    wanted = {*statistic(components.isel({dim: 0}, drop=True)).dims, "resample", dim}
    found = found.isel({name: 0 for name in found.dims if name not in wanted}, drop=True)
    if within == (-math.inf, math.inf):
        return found
    return found.assign({end: found[end].clip(*within) for end in ("lower", "upper")})


def numbers(found: xr.Dataset) -> tuple[float, float, float]:
    """Estimate, lower and upper end as plain numbers."""
    return float(found["estimate"]), float(found["lower"]), float(found["upper"])


def resampled(found: xr.Dataset) -> Resampled:
    """The resamples of one number of ``interval``, for the comparison with another system's.

    Args:
        found: without dimensions but ``resample`` and that of the dates.
    """
    used = np.asarray(found["used"].values, bool)
    return Resampled(
        values=np.asarray(found["resampled"].values, float),
        dates=used,
        blocks=int(used.sum()) // int(found.attrs["block_length"]),
    )
