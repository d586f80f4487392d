"""Quantiles of counted values, and how far they lie from the observed ones: for the scores and for the figure."""

from __future__ import annotations

import xarray as xr

from stride_eval.families.binning import quantiles_of_counts
from stride_eval.families.intervals import Statistic


def tail_statistics(results: xr.Dataset, relative: bool) -> tuple[xr.Dataset, dict[str, Statistic]]:
    """Counts per date, and how quantiles follow from them.

    Args:
        results: of one target.
        relative: compare by percentages; False: by differences.

    Returns:
        Components for the bootstrap; statistics "quantile", "observed" and "difference" along ``level``.
    """
    days = results[["counts", "observed_counts"]].fillna(0.0)
    edges, levels = results["edges"].values, results["level"].values

    def quantile(means: xr.Dataset) -> xr.DataArray:
        return quantiles_of_counts(means["counts"], edges, levels)

    def observed(means: xr.Dataset) -> xr.DataArray:
        return quantiles_of_counts(means["observed_counts"], edges, levels)

    def difference(means: xr.Dataset) -> xr.DataArray:
        seen = observed(means)
        apart = quantile(means) - seen
        return 100.0 * apart / seen.where(seen > 0) if relative else apart

    return days, {"quantile": quantile, "observed": observed, "difference": difference}
