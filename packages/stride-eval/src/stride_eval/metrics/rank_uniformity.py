"""How far a rank histogram is from flat."""

from __future__ import annotations

import xarray as xr
from scipy.special import gammaincc

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def rank_uniformity(
    counts: xr.DataArray, *, rank_dim: str = "rank", effective_n: float | xr.DataArray | None = None
) -> xr.Dataset:
    """Chi-square test, Talagrand flatness and reliability index of a rank histogram of M + 1 ranks.

    chi² = sum_k (c_k - e)² / e with e = n / (M + 1), on M degrees of freedom; flatness δ = chi² / M, expected to be 1
    for independent cases of a reliable ensemble and growing with n otherwise; reliability index = sum_k |c_k / n - 1 /
    (M + 1)|, 0 flat, independent of n.

    Neighbouring pixels are not independent: with n counted in pixels the p-value of any real ensemble is 0.
    ``effective_n`` states the number of independent cases (the number of days is a cautious choice); chi², p and δ are
    then those of a histogram of the same shape with that many cases. Shared ties vary less than single counts, so that
    the test is conservative where many points are tied.

    Args:
        counts: counts over ``rank_dim``, from :func:`~stride_eval.metrics.rank_histogram.rank_histogram`.
        rank_dim: dimension of the ranks.
        effective_n: number of independent cases, or ``None`` for the number of counts.

    Returns:
        ``chi_square``, ``p_value``, ``flatness``, ``reliability_index`` and ``n`` (the effective one); NaN for an empty
        histogram.

    Raises:
        MetricError: no dimension ``rank_dim`` of two ranks or more, or an ``effective_n`` that is not positive.

    Source:
        Candille & Talagrand (2005), https://doi.org/10.1256/qj.04.71 (flatness); Delle Monache et al. (2006),
        https://doi.org/10.1029/2005JD006917 (reliability index); Wilks (2019), chapter 9,
        https://doi.org/10.1016/C2017-0-03921-6 (chi-square and dependence).
    """
    if rank_dim not in counts.dims or counts.sizes[rank_dim] < 2:
        raise MetricError(f"counts needs a dimension {rank_dim!r} of two ranks or more; it has {dict(counts.sizes)}")
    if effective_n is not None and not bool((xr.DataArray(effective_n) > 0).all()):
        raise MetricError("effective_n must be positive; give the number of independent cases, for example of days")
    ranks = counts.sizes[rank_dim]
    total = counts.sum(rank_dim)
    frequency = counts / total.where(total > 0)
    n = total if effective_n is None else xr.DataArray(effective_n) * xr.ones_like(total)
    departure = frequency - 1.0 / ranks
    chi_square = n * ranks * (departure**2).sum(rank_dim, skipna=False)
    p_value = xr.apply_ufunc(
        lambda value: gammaincc((ranks - 1) / 2, value / 2), chi_square, dask="parallelized", output_dtypes=[float]
    )
    return xr.Dataset(
        {
            "chi_square": describe(chi_square, "chi-square of the rank histogram against flat", "1"),
            "p_value": describe(p_value, "probability of a larger chi-square for a reliable ensemble", "1"),
            "flatness": describe(chi_square / (ranks - 1), "Talagrand flatness", "1"),
            "reliability_index": describe(abs(departure).sum(rank_dim, skipna=False), "reliability index", "1"),
            "n": describe(n, "number of independent cases", "1"),
        }
    )
