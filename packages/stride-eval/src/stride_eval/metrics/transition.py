"""Probabilities of an event after a date with and without it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.errors import MetricError


def transition_probabilities(
    field: xr.DataArray,
    *,
    threshold: float,
    time_dim: str = "time",
    member_dim: str = "member",
    dim: Dims = ...,
    runs: DateRuns | None = None,
) -> xr.Dataset:
    """First-order transition probabilities of the event ``>= threshold`` between consecutive dates.

    P(event | event) = n11 / (n10 + n11) and P(event | none) = n01 / (n00 + n01), over the pairs of consecutive dates.

    Args:
        field: forecast or observed, with dates along ``time_dim``.
        threshold: of the event, in the units of the field.
        time_dim: the dimension of the dates.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to pool beside the dates; ``None`` keeps all others.
        runs: of the dates; None: from the coordinate of ``time_dim``.

    Returns:
        ``after_event``, ``after_none``: NaN where no such pair begins.

    Raises:
        MetricError: no dates, or an unknown dimension.

    Source:
        Gabriel & Neumann (1962), https://doi.org/10.1002/qj.49708837511; Wilks (2019), chapter 10,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    counts = transition_counts(
        field, threshold=threshold, time_dim=time_dim, member_dim=member_dim, dim=dim, runs=runs
    ).sum(time_dim)
    return transition_probabilities_from_counts(counts)


def transition_counts(
    field: xr.DataArray,
    *,
    threshold: float,
    time_dim: str = "time",
    member_dim: str = "member",
    dim: Dims = ...,
    runs: DateRuns | None = None,
) -> xr.Dataset:
    """Transitions into each date; a date without predecessor, or a missing end, counts nothing.

    Args:
        field: forecast or observed, with dates along ``time_dim``.
        threshold: of the event, in the units of the field.
        time_dim: the dimension of the dates.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to sum over; the dates are kept.
        runs: of the dates; None: from the coordinate of ``time_dim``.

    Returns:
        Along the dates: ``event_event``, ``event_none``, ``none_event``, ``none_none`` (before, then after).

    Raises:
        MetricError: as ``transition_probabilities``.
    """
    if time_dim not in field.dims:
        raise MetricError(f"field has no dimension {time_dim!r}; name the dates' dimension by time_dim=")
    runs = runs or date_runs(field[time_dim])
    names = [name for name in reduced_dims(field, dim, member_dim=member_dim) if name != time_dim]
    event, present = field >= threshold, field.notnull()
    before, was = event.shift({time_dim: 1}, fill_value=False), present.shift({time_dim: 1}, fill_value=False)
    paired = present & was & xr.DataArray(np.asarray(runs.follows), dims=time_dim)
    return xr.Dataset(
        {
            "event_event": (paired & before & event).sum(names),
            "event_none": (paired & before & ~event).sum(names),
            "none_event": (paired & ~before & event).sum(names),
            "none_none": (paired & ~before & ~event).sum(names),
        }
    )


def transition_probabilities_from_counts(counts: xr.Dataset) -> xr.Dataset:
    """Probabilities from ``transition_counts``, added up (or averaged) as wanted.

    Args:
        counts: ``event_event``, ``event_none``, ``none_event``, ``none_none``.

    Returns:
        ``after_event``, ``after_none``.
    """
    after_event = counts["event_event"] + counts["event_none"]
    after_none = counts["none_event"] + counts["none_none"]
    return xr.Dataset(
        {
            "after_event": describe(
                counts["event_event"] / after_event.where(after_event > 0), "P(event | event before)", "1"
            ),
            "after_none": describe(
                counts["none_event"] / after_none.where(after_none > 0), "P(event | no event before)", "1"
            ),
        }
    )
