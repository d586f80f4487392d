"""Probability integral transform of the observation, in bins that ensembles of any size share."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def pit_histogram(rank_counts: xr.DataArray, *, bins: int = 10) -> xr.DataArray:
    """Frequency of the PIT in equal bins from 0 to 1, relative to flat.

    Rank r of M + 1 says that the PIT lies between r / (M + 1) and (r + 1) / (M + 1): it is spread evenly over that
    piece, as its ties are over their ranks. No random number is drawn, and a calibrated ensemble is flat at 1 for any
    number of members and any share of ties. With fewer ranks than bins, neighbouring bins repeat one another.

    Args:
        rank_counts: sums or means over dates of the counts of
            :func:`~stride_eval.metrics.rank_histogram.rank_histogram`, over ``rank``.
        bins: how many.

    Returns:
        Frequency times ``bins`` over ``pit`` (the bins' middles); NaN without points.

    Raises:
        MetricError: less than one bin, or counts without ``rank``.

    Source:
        Gneiting, Balabdaoui & Raftery (2007), https://doi.org/10.1111/j.1467-9868.2007.00587.x; shares in place of
        random numbers: Czado, Gneiting & Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.
    """
    if "rank" not in rank_counts.dims:
        raise MetricError("rank_counts has no dimension 'rank'; make it by rank_histogram")
    if bins < 1:
        raise MetricError(f"bins is {bins}; give 1 or more")
    ranks = rank_counts.sizes["rank"]
    edges, pieces = np.arange(bins + 1) / bins, np.arange(ranks + 1) / ranks
    lower = np.maximum(edges[:-1, None], pieces[None, :-1])
    upper = np.minimum(edges[1:, None], pieces[None, 1:])
    share = xr.DataArray(
        np.maximum(upper - lower, 0.0) * ranks, dims=("pit", "rank"), coords={"pit": (edges[:-1] + edges[1:]) / 2}
    )
    counts = rank_counts.drop_vars("rank", errors="ignore")
    total = counts.sum("rank")
    return describe(xr.dot(share, counts, dim="rank") * bins / total.where(total > 0), "PIT, relative to flat", "1")
