"""Rank of the observation among the members."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims
from stride_eval.metrics.blocks import additive, count_by_code, over_members


def rank_histogram(
    forecast: xr.DataArray, observed: xr.DataArray, *, member_dim: str = "member", dim: Dims = ...
) -> xr.Dataset:
    """Counts of the observation's rank among the M members: 0 (below all) to M (above all).

    Ties are shared exactly: an observation equal to t members has t + 1 possible ranks and gives each of them 1 / (t +
    1), the expected value of breaking ties at random, without a random number. That keeps dry pixels of a calibrated
    ensemble flat. Counts add up over days.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        member_dim: the ensemble dimension.
        dim: dimensions to count over (``("y", "x")`` gives one histogram a day).

    Returns:
        ``counts`` over ``rank`` (0..M), ``n`` points, ``n_tied`` points where the observation equals a member,
        ``n_all_tied`` points where it equals all of them (all dry): these share themselves evenly over the ranks and
        say nothing about dispersion.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.

    Source:
        Hamill (2001), https://doi.org/10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2; ties: Hamill & Colucci (1998),
        https://doi.org/10.1175/1520-0493(1998)126<0711:EOEREP>2.0.CO;2.
    """
    members = check_pair(forecast, observed, member_dim)
    (codes,) = over_members(_below_and_equal, forecast, observed, member_dim=member_dim, dtypes=(np.int32,))
    share = _share_of_codes(members)
    totals = additive(
        lambda block: count_by_code(block, len(share)) @ share,
        codes,
        reduced_dims(codes, dim, member_dim=member_dim),
        out_dim="rank",
        out_size=share.shape[1],
    )
    counts = totals.isel(rank=slice(0, members + 1)).assign_coords(rank=np.arange(members + 1))
    n, n_tied, n_all_tied = (totals.isel(rank=members + 1 + index) for index in range(3))
    return xr.Dataset(
        {
            "counts": describe(counts, "observations by rank among the members", "1"),
            "n": describe(n, "number of points", "1"),
            "n_tied": describe(n_tied, "points where the observation equals a member", "1"),
            "n_all_tied": describe(n_all_tied, "points where the observation equals all members", "1"),
        }
    )


def _below_and_equal(members: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray]:
    """Members below and members equal to the observation as one code, below * (M + 1) + equal; -1 where missing."""
    below = (members < observed).sum(axis=0, dtype=np.int32)
    equal = (members == observed).sum(axis=0, dtype=np.int32)
    missing = np.isnan(observed) | np.isnan(members).any(axis=0)
    return (np.where(missing, np.int32(-1), below * np.int32(len(members) + 1) + equal),)


def _share_of_codes(members: int) -> np.ndarray:
    """[code, rank and the three counts]: what one point of each code adds to each rank, to n, n_tied and n_all_tied."""
    share = np.zeros(((members + 1) ** 2, members + 4))
    for below in range(members + 1):
        for equal in range(members + 1 - below):
            row = share[below * (members + 1) + equal]
            row[below : below + equal + 1] = 1.0 / (equal + 1)
            row[members + 1 :] = 1.0, equal > 0, equal == members
    return share
