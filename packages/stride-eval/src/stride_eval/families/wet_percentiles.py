"""What counts as very wet at each pixel, from the observed wet dates, and how much falls then."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from stride_eval.families.largest_values import LargestValues
from stride_eval.metrics.amount_above import amount_above
from stride_eval.systems import Block, Systems

PERCENTILES = (0.95, 0.99)
"""Of ETCCDI's R95p and R99p."""

_READ = 32


def wet_percentiles(systems: Systems, key: str, wet_threshold: float, sample: np.ndarray) -> xr.Dataset:
    """Percentiles of the observed wet values.

    Each pixel has its own where a pixel has, on average, wet dates enough for four to lie above it; pixels without one
    are then left out. On shorter records all pixels share that of all wet values: choosing pixels by how often they
    happened to be wet would make the observation look wetter than any calibrated ensemble.

    Args:
        systems: with the observations; they alone are read.
        key: of the target.
        wet_threshold: what counts as wet.
        sample: observed values, ascending.

    Returns:
        ``wet_percentile`` (percentile, y, x); ``percentile_pooled`` (percentile), 1 where pixels share one.
    """
    assert systems.observer is not None
    kept = math.ceil((1.0 - PERCENTILES[0]) * len(systems.times)) + 1
    largest = LargestValues(kept, systems.shape)
    wet_dates = np.zeros(systems.shape, int)
    for start in range(0, len(systems.times), _READ):
        field = systems.read("target", systems.observer, key, systems.times[start : start + _READ]).values
        wet = np.where(field >= wet_threshold, field, np.nan)
        if systems.mask is not None:
            wet[:, ~systems.mask] = np.nan
        wet_dates += np.isfinite(wet).sum(axis=0)
        largest.add(wet)
    wet_sample = sample[sample >= wet_threshold]
    maps, pooled = [], []
    for percentile in PERCENTILES:
        needed = 1.0 / (1.0 - percentile)
        enough = wet_dates >= round(needed)
        ever = wet_dates[wet_dates > 0]
        own = bool(ever.size and ever.mean() >= 4.0 * needed)
        shared = float(np.quantile(wet_sample, percentile, method="inverted_cdf")) if wet_sample.size else np.nan
        maps.append(np.where(enough, largest.quantile(percentile), np.nan) if own else np.full(systems.shape, shared))
        pooled.append(int(not own))
    return xr.Dataset(
        {
            "wet_percentile": (("percentile", "y", "x"), np.array(maps)),
            "percentile_pooled": ("percentile", np.array(pooled)),
        },
        {"percentile": list(PERCENTILES)},
    )


def wet_amounts(block: Block, levels: xr.DataArray) -> tuple[dict[str, xr.DataArray], xr.Dataset]:
    """Amount above the percentiles on each date.

    Args:
        block: some dates.
        levels: (percentile, y, x).

    Returns:
        Each system's ``amount_above`` (time, percentile), the mean over members and pixels; and
        ``observed_amount_above`` with ``amount_n``, the pixels.
    """
    levels = levels.assign_coords({axis: block.observed[axis] for axis in ("y", "x")})

    def amounts(field: xr.DataArray) -> xr.DataArray:
        each = [amount_above(field, threshold=level, dim=("member", "y", "x")) for level in levels]
        return xr.concat(each, dim="percentile", coords="minimal", compat="override").transpose("time", ...)

    valid = block.observed.notnull() & levels.notnull()
    observed = xr.Dataset(
        {"observed_amount_above": amounts(block.observed), "amount_n": valid.sum(("y", "x")).transpose("time", ...)}
    )
    return {name: amounts(field) for name, field in block.members.items()}, observed
