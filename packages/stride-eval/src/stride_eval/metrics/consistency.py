"""Where the points of a reliability diagram lie by chance, were the ensemble calibrated."""

from __future__ import annotations

from typing import Literal

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
    centre: Literal["exchangeable", "diagonal"] = "exchangeable",
    bins: int | None = None,
    time_dim: str = "time",
    block_length: int = 1,
    n_resamples: int = 1000,
    level: float = 0.9,
    seed: int | np.random.Generator,
) -> xr.Dataset:
    r"""Points of a reliability diagram with bars: the points of a calibrated ensemble lie within them.

    With few members, the points of a calibrated ensemble do not lie on the diagonal: when no member has the event it
    may still happen. The bars are therefore laid around what the frequency would be if observation and members could
    change places: with N_s points on which s of the M + 1 of them have the event,

    .. math:: c_k = \frac{(k + 1) N_{k+1}}{(k + 1) N_{k+1} + (M + 1 - k) N_k}

    which follows from the counts alone and tends to k / M with many members.

    Bröcker and Smith draw surrogate observations with the forecast probabilities. Drawn pixel by pixel, they make bars
    that are far too short for fields. Here whole blocks of dates are drawn: the scatter of the observed frequency,
    less c_k on the same dates, is laid around c_k. Where that scatter is less than that of independent
    pixels (a class whose few events all lie in one block, or that has none) the bar is that of the binomial law.

    Args:
        counts: counts of :func:`~stride_eval.metrics.member_counts.member_counts` of each date, over ``time_dim``,
            ``outcome`` and ``k`` (0 .. M), and no other dimension; missing counts are 0.
        centre: ``exchangeable``, as above; ``diagonal``: k / M, the probability that is stated, which ensembles of few
            members miss even when they are calibrated.
        bins: probabilities are pooled into so many equal bins; None: 11 at most, one for each k of up to 10 members.
        time_dim: dimension of the dates.
        block_length: dates that are drawn together.
        n_resamples: of the bootstrap.
        level: share of a calibrated ensemble's points within the bars.
        seed: an integer, or a generator.

    Returns:
        Over ``probability_bin``: ``forecast_probability`` (mean in the bin), ``observed_frequency``,
        ``expected_frequency`` (the bar's centre), ``lower`` and ``upper`` ends of the bar, ``n`` points; NaN where a
        bin is empty, and bars NaN for a single date.

    Raises:
        MetricError: other dimensions, an unknown centre, less than one bin, or what the bootstrap refuses.

    Source:
        Bröcker & Smith (2007), https://doi.org/10.1175/WAF993.1; few members: Richardson (2001),
        https://doi.org/10.1002/qj.49712757715.
    """
    if set(counts.dims) != {time_dim, "outcome", "k"}:
        raise MetricError(f"counts must have the dimensions {time_dim!r}, 'outcome' and 'k' alone; select the rest")
    if bins is not None and bins < 1:
        raise MetricError(f"bins is {bins}; give 1 or more, or None")
    if centre not in ("exchangeable", "diagonal"):
        raise MetricError(f"there is no centre {centre!r}; choose 'exchangeable' or 'diagonal'")
    events, points = events_and_points(counts)
    place = _bin_of_count(counts.sizes["k"] - 1, bins)
    stated = points * forecast_probability(counts)
    wanted = _exchanged(events, points) if centre == "exchangeable" else (stated, points)
    parts = {"n": points, "events": events, "stated": stated, "wanted": wanted[0], "wanted_n": wanted[1]}
    daily = xr.Dataset({name: xr.dot(part, place, dim="k") for name, part in parts.items()})
    totals = daily.sum(time_dim)
    n = totals["n"].where(totals["n"] > 0)
    forecast, observed = totals["stated"] / n, totals["events"] / n
    expected = totals["wanted"] / totals["wanted_n"].where(totals["wanted_n"] > 0)

    def departure(mean: xr.Dataset) -> xr.DataArray:
        observed = mean["events"] / mean["n"].where(mean["n"] > 0)
        return observed - mean["wanted"] / mean["wanted_n"].where(mean["wanted_n"] > 0)

    found = block_bootstrap(
        daily, departure, dim=time_dim, block_length=block_length, n_resamples=n_resamples, level=level, seed=seed
    )
    shift = expected - found["estimate"]
    tail = (1.0 - level) / 2.0
    low, high = (
        xr.apply_ufunc(binom.ppf, share, n.fillna(0.0).round(), expected.fillna(0.0).clip(0.0, 1.0)) / n
        for share in (tail, 1.0 - tail)
    )
    lower, upper = found["lower"] + shift, found["upper"] + shift
    lower, upper = xr.where(low < lower, low, lower), xr.where(high > upper, high, upper)
    return xr.Dataset(
        {
            "forecast_probability": describe(forecast, "mean forecast probability", "1"),
            "observed_frequency": describe(observed, "observed relative frequency", "1"),
            "expected_frequency": describe(expected.where(n > 0), "frequency for a calibrated ensemble", "1"),
            "lower": describe(lower.clip(0.0, 1.0), f"lower end of the {level:.0%} consistency bar", "1"),
            "upper": describe(upper.clip(0.0, 1.0), f"upper end of the {level:.0%} consistency bar", "1"),
            "n": describe(totals["n"], "number of points", "1"),
        }
    )


def _exchanged(events: xr.DataArray, points: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Events and points by k of M members, were each of the M + 1 values the observation as often as any other."""
    size = points.sizes["k"] + 1  # M + 2 possible numbers of values with the event
    having = events.pad(k=(1, 0), constant_values=0.0) + (points - events).pad(k=(0, 1), constant_values=0.0)
    share = xr.DataArray(np.arange(size) / (size - 1), dims="k")
    with_event = (having * share).isel(k=slice(1, None))
    without = (having * (1.0 - share)).isel(k=slice(0, -1))
    return with_event, with_event + without


def _bin_of_count(members: int, bins: int | None) -> xr.DataArray:
    """[k, bin]: 1 where k of M members belong to the bin."""
    counts = np.arange(members + 1)
    size = min(members + 1, 11) if bins is None else bins
    place = np.minimum(counts * size // (members + 1), size - 1)
    return xr.DataArray((place[:, None] == np.arange(size)).astype(np.float64), dims=("k", "probability_bin"))
