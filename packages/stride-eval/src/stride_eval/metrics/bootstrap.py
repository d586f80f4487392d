"""Block bootstrap over time: intervals for means, ratios of means and differences between systems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.quantiles import pooled_quantiles


def block_bootstrap(
    components: xr.Dataset | xr.DataArray,
    statistic: Callable[[xr.Dataset], xr.DataArray] | None = None,
    *,
    dim: str = "time",
    block_length: int = 1,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int | np.random.Generator,
    biased: bool = False,
    keep_resamples: bool = False,
) -> xr.Dataset:
    """Percentile interval of a statistic of means over days, by the circular block bootstrap.

    Days, not pixels, are the independent cases: hand over one value a day (a spatial mean or sum). Each resample draws
    blocks of ``block_length`` successive days, with the end joined to the beginning, until there are as many days as in
    the sample. All components are resampled by the same days, so that differences between systems are paired. The
    statistic is applied after averaging: a skill score is ``lambda m: 1 - m["crps"] / m["crps_reference"]``, an FSS
    ``lambda m: 1 - m["numerator"] / m["denominator"]``, a difference ``lambda m: m["a"] - m["b"]``; none of them is a
    mean of daily ratios. Where days differ in their number of valid points, hand over daily sums and counts and divide
    them in the statistic.

    A block length of 1 is right for days that are far apart; for consecutive days take about the length over which they
    are correlated (5 to 10 for daily weather). Intervals of fewer than about 20 blocks are too narrow.

    Statistics that sampling alone pushes one way (the overlap of two histograms, a distance of two spectra) are pushed
    once more by resampling: the resamples lie beside the estimate, and percentiles need not hold it. With ``biased``
    the interval is the basic one of the statistic's expectation for as many days as there are: each resample's
    departure from the mean of the resamples is taken from the estimate. It says how much the estimate would scatter,
    not how far it lies from perfect.

    Args:
        components: daily values with dimension ``dim``, a Dataset, or an array for the mean itself; further dimensions
            are kept (each costs ``n_resamples`` values a point). A day with a missing component is left out of all of
            them.
        statistic: from a Dataset of means over days to an array; works elementwise, for resamples come as one more
            dimension.
        dim: the dimension of the days.
        block_length: days in a block.
        n_resamples: number of resamples.
        level: coverage of the interval.
        seed: an integer, or a generator. The same seed, number of days and block length draw the same blocks.
        biased: whether sampling pushes the statistic one way, see above.
        keep_resamples: whether the result holds the resamples, for differences between statistics computed apart.

    Returns:
        ``estimate`` (of the sample as it is), ``lower``, ``upper``, and ``n`` days used. One day gives no interval
        (NaN). With ``keep_resamples`` also ``resampled``, whose percentiles the ends are, along ``resample``, and
        ``used``, whether a day entered, along ``dim``.

    Raises:
        MetricError: no dimension ``dim`` or no day, a block longer than the sample, a level outside 0..1, or an array
            with a statistic.

    Source:
        Politis & Romano (1992), circular block bootstrap; Wilks (1997),
        https://doi.org/10.1175/1520-0442(1997)010<0065:RHTFAF>2.0.CO;2 (fields); Hamill (1999),
        https://doi.org/10.1175/1520-0434(1999)014<0155:HTFENP>2.0.CO;2 (paired by day); Davison & Hinkley (1997),
        https://doi.org/10.1017/CBO9780511802843, section 5.2 (basic interval).
    """
    if isinstance(components, xr.DataArray):
        if statistic is not None:
            raise MetricError(
                "a statistic takes a Dataset of named components; give one, or leave the statistic out for the mean"
            )
        components = components.to_dataset(name="value")
    statistic = statistic or (lambda means: means["value"])
    days = _check(components, dim, block_length, n_resamples, level)
    values = components.astype(np.float64).compute()
    present = values.to_dataarray("component").notnull().all("component")
    drawn = xr.DataArray(_resample_counts(days, block_length, n_resamples, seed), dims=("resample", dim))
    once = xr.DataArray(np.ones(days), dims=dim)
    resampled = statistic(_weighted_means(values, present, drawn, dim))
    estimate = statistic(_weighted_means(values, present, once, dim))
    if biased:
        finite = resampled.where(np.isfinite(resampled))
        resampled = estimate + finite.mean("resample") - resampled
    tail = (1 - level) / 2
    bounds = pooled_quantiles(resampled, [tail, 1 - tail], dim="resample").drop_vars("quantile")
    n = present.sum(dim)
    result = xr.Dataset(
        {
            "estimate": describe(estimate, "estimate"),
            "lower": describe(bounds.isel(quantile=0).where(n > 1), f"lower end of the {level:.0%} interval"),
            "upper": describe(bounds.isel(quantile=1).where(n > 1), f"upper end of the {level:.0%} interval"),
            "n": describe(n, f"number of values along {dim}", "1"),
        },
        attrs={"block_length": block_length, "n_resamples": n_resamples, "level": level},
    )
    return result.assign(resampled=resampled, used=present) if keep_resamples else result


def _check(components: xr.Dataset, dim: str, block_length: int, n_resamples: int, level: float) -> int:
    """Number of days, after the arguments have been found right."""
    for name, values in components.data_vars.items():
        if dim not in values.dims:
            raise MetricError(f"component {name!r} has no dimension {dim!r}; give one value a day")
        reduced_dims(values, dim)
    days = components.sizes.get(dim, 0)
    if days == 0:
        raise MetricError(f"there is nothing along {dim!r} to resample; give at least one day")
    if not 1 <= block_length <= days:
        raise MetricError(f"block_length is {block_length} for {days} value(s) along {dim!r}; choose 1 to {days}")
    if n_resamples < 1:
        raise MetricError(f"n_resamples is {n_resamples}; give 1 or more (1000 is usual)")
    if not 0 < level < 1:
        raise MetricError(f"level is {level}; give the coverage as a share, for example 0.95")
    return days


def _resample_counts(days: int, block_length: int, n_resamples: int, seed: int | np.random.Generator) -> np.ndarray:
    """How often each resample holds each day [n_resamples, days]; every row sums to the number of days."""
    blocks = -(-days // block_length)
    starts = np.random.default_rng(seed).integers(days, size=(n_resamples, blocks, 1))
    drawn = ((starts + np.arange(block_length)) % days).reshape(n_resamples, -1)[:, :days]
    shifted = drawn + days * np.arange(n_resamples)[:, None]
    return np.bincount(shifted.ravel(), minlength=n_resamples * days).reshape(n_resamples, days).astype(np.float64)


def _weighted_means(values: xr.Dataset, present: xr.DataArray, weights: xr.DataArray, dim: str) -> xr.Dataset:
    """Means over the days that are present, by matrix products."""
    total = xr.dot(weights, present.astype(np.float64), dim=dim)
    total = total.where(total > 0)
    return xr.Dataset(
        {name: xr.dot(weights, part.where(present, 0.0), dim=dim) / total for name, part in values.data_vars.items()}
    )
