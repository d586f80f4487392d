"""Where the points of a reliability diagram lie by chance, were the ensemble reliable."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import binom

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.bootstrap import block_bootstrap
from stride_eval.metrics.brier_decomposition import events_and_points, forecast_probability
from stride_eval.metrics.errors import MetricError


def consistency_bars(
    counts: xr.DataArray,
    *,
    bins: int | None = None,
    time_dim: str = "time",
    block_length: int = 1,
    n_resamples: int = 1000,
    level: float = 0.9,
    seed: int | np.random.Generator,
) -> xr.Dataset:
    """Points of a reliability diagram with bars on the diagonal: a reliable ensemble's points lie within them.

    Bröcker and Smith draw surrogate observations with the forecast probabilities. Drawn pixel by pixel, they make bars
    that are far too short for fields. Here whole blocks of dates are drawn: the scatter of the observed frequency
    around its own estimate is laid around the forecast probability. Where that scatter is less than that of independent
    pixels (a class whose few events all lie in one block, or that has none) the bar is that of the binomial law.

    Args:
        counts: counts of :func:`~stride_eval.metrics.member_counts.member_counts` of each date, over ``time_dim``,
            ``outcome`` and ``k`` (0 .. M), and no other dimension; missing counts are 0.
        bins: probabilities are pooled into so many equal bins; None: 11 at most, one for each k of up to 10 members.
        time_dim: dimension of the dates.
        block_length: dates that are drawn together.
        n_resamples: of the bootstrap.
        level: share of a reliable ensemble's points within the bars.
        seed: an integer, or a generator.

    Returns:
        Over ``probability_bin``: ``forecast_probability`` (mean in the bin), ``observed_frequency``, ``lower`` and
        ``upper`` ends of the bar, ``n`` points; NaN where a bin is empty, and bars NaN for a single date.

    Raises:
        MetricError: other dimensions, less than one bin, or what the bootstrap refuses.

    Source:
        Bröcker & Smith (2007), https://doi.org/10.1175/WAF993.1.
    """
    if set(counts.dims) != {time_dim, "outcome", "k"}:
        raise MetricError(f"counts must have the dimensions {time_dim!r}, 'outcome' and 'k' alone; select the rest")
    if bins is not None and bins < 1:
        raise MetricError(f"bins is {bins}; give 1 or more, or None")
    events, points = events_and_points(counts)
    place = _bin_of_count(counts.sizes["k"] - 1, bins)
    daily = xr.Dataset(
        {
            "n": xr.dot(points, place, dim="k"),
            "events": xr.dot(events, place, dim="k"),
            "probability": xr.dot(points * forecast_probability(counts), place, dim="k"),
        }
    )
    totals = daily.sum(time_dim)
    n = totals["n"].where(totals["n"] > 0)
    forecast, observed = totals["probability"] / n, totals["events"] / n

    def departure(mean: xr.Dataset) -> xr.DataArray:
        drawn = mean["n"].where(mean["n"] > 0)
        return (mean["events"] - mean["probability"]) / drawn

    found = block_bootstrap(
        daily, departure, dim=time_dim, block_length=block_length, n_resamples=n_resamples, level=level, seed=seed
    )
    shift = forecast - found["estimate"]
    tail = (1.0 - level) / 2.0
    low, high = (
        xr.apply_ufunc(binom.ppf, share, n.fillna(0.0).round(), forecast.fillna(0.0)) / n
        for share in (tail, 1.0 - tail)
    )
    lower, upper = found["lower"] + shift, found["upper"] + shift
    lower, upper = xr.where(low < lower, low, lower), xr.where(high > upper, high, upper)
    return xr.Dataset(
        {
            "forecast_probability": describe(forecast, "mean forecast probability", "1"),
            "observed_frequency": describe(observed, "observed relative frequency", "1"),
            "lower": describe(lower.clip(0.0, 1.0), f"lower end of the {level:.0%} consistency bar", "1"),
            "upper": describe(upper.clip(0.0, 1.0), f"upper end of the {level:.0%} consistency bar", "1"),
            "n": describe(totals["n"], "number of points", "1"),
        }
    )


def _bin_of_count(members: int, bins: int | None) -> xr.DataArray:
    """[k, bin]: 1 where k of M members belong to the bin."""
    counts = np.arange(members + 1)
    size = min(members + 1, 11) if bins is None else bins
    place = np.minimum(counts * size // (members + 1), size - 1)
    return xr.DataArray((place[:, None] == np.arange(size)).astype(np.float64), dims=("k", "probability_bin"))
