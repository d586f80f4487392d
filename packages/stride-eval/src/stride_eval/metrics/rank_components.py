"""What is wrong with a rank histogram, and whether the dates at hand can tell it: slope, convexity, and the whole."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import fdtrc

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def rank_slope(counts: xr.DataArray) -> xr.DataArray:
    """Linear component of a rank histogram: mean over points of a line in the rank of mean 0 and variance 1.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.rank_histogram.rank_histogram`, over ``rank``.

    Returns:
        0 for a level histogram, positive where the observation is too often high among the members (forecasts too
        low), at most about 1.7; NaN without points.

    Raises:
        MetricError: counts without ``rank``.

    Source:
        Jolliffe & Primo (2008), https://doi.org/10.1175/2007MWR2219.1.
    """
    return describe(_mean_score(counts, 0), "slope of the rank histogram", "1")


def rank_convexity(counts: xr.DataArray) -> xr.DataArray:
    """Quadratic component of a rank histogram: mean over points of a parabola of mean 0, variance 1 and no slope.

    Args:
        counts: as in :func:`rank_slope`.

    Returns:
        0 for neither U nor hump, positive for a U (too little spread), negative for a hump; NaN for one member.

    Raises:
        MetricError: counts without ``rank``.

    Source:
        Jolliffe & Primo (2008), https://doi.org/10.1175/2007MWR2219.1.
    """
    if "rank" in counts.dims and counts.sizes["rank"] < 3:
        return describe(xr.full_like(counts.isel(rank=0, drop=True), np.nan), "convexity of the rank histogram", "1")
    return describe(_mean_score(counts, 1), "convexity of the rank histogram", "1")


def rank_components(counts: xr.DataArray, *, time_dim: str = "time", block_length: int = 1) -> xr.Dataset:
    r"""Tests a rank histogram against flat: as a whole, and for slope and convexity alone.

    Pixels are not independent, and successive dates need not be. The variance of every frequency f_r is therefore
    estimated from the scatter between B blocks of dates, with c_b and n_b the counts and points of a block,

    .. math:: v_r = \frac{B}{B - 1} \sum_b (c_{br} - n_b f_r)^2 / n^2, \qquad
              n_{eff} = \frac{1 - 1 / (M + 1)}{\sum_r v_r}

    where :math:`n_{eff}` is the number of independent cases whose frequencies scatter as much. Chi-square with that
    many cases, over M, is compared with F of M and M (B - 1) degrees of freedom; the squared mean of each component
    over its variance between blocks with F of 1 and B - 1. Few blocks tell little, and the p-values then say so.

    Args:
        counts: counts of :func:`~stride_eval.metrics.rank_histogram.rank_histogram` of each date, over ``time_dim``
            and ``rank``; missing counts are 0.
        time_dim: dimension of the dates, in order.
        block_length: dates in a block.

    Returns:
        ``slope``, ``convexity``, ``slope_p``, ``convexity_p``; ``chi_square`` (of ``n_effective`` cases) and its
        ``p_value``; ``n_blocks`` with points. p-values are NaN with fewer than two blocks or where blocks do
        not differ.

    Raises:
        MetricError: no dimension ``time_dim`` or ``rank``, or a block length below 1.

    Source:
        Jolliffe & Primo (2008), https://doi.org/10.1175/2007MWR2219.1 (components); Rao & Scott (1981),
        https://doi.org/10.1080/01621459.1981.10477633, and Thomas & Rao (1987),
        https://doi.org/10.1080/01621459.1987.10478476 (chi-square of clustered counts).
    """
    if time_dim not in counts.dims or "rank" not in counts.dims or counts.sizes["rank"] < 2:
        raise MetricError(f"counts needs the dimensions {time_dim!r} and 'rank' with two ranks or more")
    if block_length < 1:
        raise MetricError(f"block_length is {block_length}; give 1 or more dates")
    ranks = counts.sizes["rank"]
    number = xr.DataArray(np.arange(counts.sizes[time_dim]) // block_length, dims=time_dim, name="block")
    blocks = counts.fillna(0.0).drop_vars([time_dim, "rank"], errors="ignore").groupby(number).sum()
    points = blocks.sum("rank")
    n = points.sum("block").where(points.sum("block") > 0)
    used = (points > 0).sum("block")
    frequency = blocks.sum("block") / n
    correction = used.where(used > 1) / (used - 1).where(used > 1)
    departure = blocks - points * frequency

    def variance(values: xr.DataArray) -> xr.DataArray:
        scatter = (values**2).sum("block") / n**2
        # Blocks that agree to rounding have no scatter to estimate a variance from.
        return correction * scatter.where(scatter > 1e-24)

    n_effective = (1.0 - 1.0 / ranks) / variance(departure).sum("rank", min_count=1)
    chi_square = n_effective * ranks * ((frequency - 1.0 / ranks) ** 2).sum("rank", skipna=False)
    total = blocks.sum("block")
    parts = {"slope": rank_slope(total), "convexity": rank_convexity(total)}
    p_values = {}
    for degree, (name, value) in enumerate(parts.items()):
        if degree < ranks - 1:
            scores = xr.DataArray(_orthonormal(ranks)[degree], dims="rank")
            statistic = value**2 / variance((departure * scores).sum("rank"))
            p_values[f"{name}_p"] = describe(_tail(1, used - 1, statistic), f"p-value of the {name}", "1")
        else:
            p_values[f"{name}_p"] = describe(xr.full_like(n, np.nan), f"p-value of the {name}", "1")
    whole = _tail(ranks - 1, (ranks - 1) * (used - 1), chi_square / (ranks - 1))
    return xr.Dataset(
        {
            **parts,
            **p_values,
            "chi_square": describe(chi_square, "chi-square of the effective number of cases", "1"),
            "p_value": describe(whole, "probability of a larger chi-square for a reliable ensemble", "1"),
            "n_effective": describe(n_effective, "effective number of independent cases", "1"),
            "n_blocks": describe(used, "blocks of dates with points", "1"),
        }
    )


def _tail(first: int, second: xr.DataArray, statistic: xr.DataArray) -> xr.DataArray:
    """Probability of a larger F."""
    return xr.apply_ufunc(lambda freedom, value: fdtrc(first, freedom, value), second.where(second > 0), statistic)


def _mean_score(counts: xr.DataArray, degree: int) -> xr.DataArray:
    if "rank" not in counts.dims or counts.sizes["rank"] < 2:
        raise MetricError("counts needs a dimension 'rank' of two ranks or more; make it by rank_histogram")
    scores = xr.DataArray(_orthonormal(counts.sizes["rank"])[degree], dims="rank")
    counts = counts.drop_vars("rank", errors="ignore").fillna(0.0)
    total = counts.sum("rank")
    return xr.dot(counts, scores, dim="rank") / total.where(total > 0)


def _orthonormal(ranks: int) -> np.ndarray:
    """Line and parabola [degree, rank], each of mean 0 and mean square 1, and not correlated."""
    place = np.linspace(-1.0, 1.0, ranks)
    line = place / np.sqrt((place**2).mean())
    bow = place**2 - (place**2).mean()
    size = np.sqrt((bow**2).mean())
    return np.stack([line, bow / size if size > 0 else bow])
