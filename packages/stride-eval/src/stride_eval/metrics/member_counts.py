"""How many members forecast an event, counted apart where it was observed and where it was not."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, as_threshold, check_pair, describe, reduced_dims
from stride_eval.metrics.blocks import additive, count_by_code, over_members


def member_counts(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    dim: Dims = ...,
) -> xr.DataArray:
    """Points by outcome and by the number k of members with the event ``value >= threshold``.

    Every contingency table of the rule "act where at least k members have the event" follows from these counts, which
    add up over dates: hits are the counts of outcome 1 at k and above, false alarms those of outcome 0.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        threshold: in the units of the field; a number, or an array (a dimension of its own, or a map).
        member_dim: the ensemble dimension.
        dim: dimensions to count over.

    Returns:
        Counts over the dimensions that remain, ``outcome`` (0: not observed, 1: observed) and ``k`` (0 .. M). Points
        where the observation, a member or the threshold is missing are left out.

    Raises:
        MetricError: fields that do not lie on the same points, or an unknown dimension.
    """
    members = check_pair(forecast, observed, member_dim)

    def code(values: np.ndarray, truth: np.ndarray, level: np.ndarray) -> tuple[np.ndarray]:
        found = (values >= level).sum(axis=0) + (members + 1) * (truth >= level)
        found[np.isnan(truth) | np.isnan(level) | np.isnan(values).any(axis=0)] = -1
        return (found,)

    levels = as_threshold(threshold)
    (codes,) = over_members(code, forecast, observed, levels, member_dim=member_dim, dtypes=(np.int32,))
    names = reduced_dims(observed, dim, member_dim=member_dim)
    size = 2 * (members + 1)
    counts = additive(lambda block: count_by_code(block, size), codes, names, out_dim="code", out_size=size)
    parts = [counts.isel(code=slice(start, start + members + 1)) for start in (0, members + 1)]
    joined = xr.concat([part.rename(code="k") for part in parts], dim="outcome")
    joined = joined.assign_coords(outcome=[0, 1], k=np.arange(members + 1)).transpose(..., "outcome", "k")
    return describe(joined, "points by outcome and by number of members with the event", "1")
