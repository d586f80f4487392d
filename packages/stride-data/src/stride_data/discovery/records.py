"""How regular the times of sources are, and which of them stand alone."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stride_data.discovery.times import ordinal_days, shifted

_SECONDS = 86400


@dataclass(frozen=True)
class Gaps:
    """Times that a regular record lacks.

    Attributes:
        step: Step from one time to the next.
        runs: How many stretches are missing.
        missing: How many times are missing.
        first: The first few of them.
    """

    step: datetime.timedelta
    runs: int
    missing: int
    first: tuple[str, ...]


def find_gaps(times: Sequence[str], calendar: str, listed: int = 3) -> Gaps | None:
    """Missing times of a regular record.

    A record is regular when most of its steps are the same and all others are multiples of it; months, whose lengths
    differ, and collections of single days are none.

    Args:
        times: ISO times in order.
        calendar: CF calendar.
        listed: How many missing times to name.

    Returns:
        None when nothing is missing, or the record is not regular.
    """
    if len(times) < 3:
        return None
    seconds = np.round(np.array([ordinal_days(time, calendar) for time in times]) * _SECONDS).astype(np.int64)
    steps = np.diff(seconds)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    if 2 * counts.max() <= steps.size or (steps % step).any() or (steps == step).all():
        return None
    places = np.flatnonzero(steps > step)
    missing = (steps[places] // step - 1).tolist()
    offset = datetime.timedelta(seconds=step)
    first = [
        shifted(times[place], offset * (number + 1), calendar)
        for place, count in zip(places.tolist(), missing, strict=True)
        for number in range(min(count, listed))
    ]
    return Gaps(offset, len(missing), sum(missing), tuple(first[:listed]))


def without_partner(times: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Times of each source that not all other sources hold; sources without any are left out.

    Args:
        times: ISO times by source, in order.
    """
    sets = {name: set(held) for name, held in times.items()}
    alone: dict[str, tuple[str, ...]] = {}
    for name, held in times.items():
        others = [other for key, other in sets.items() if key != name]
        found = tuple(time for time in held if not all(time in other for other in others))
        if found:
            alone[name] = found
    return alone
