"""Temporal stacking: which times of the dynamic fields belong to a sample."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stride_data.discovery.times import shifted
from stride_data.errors import DataError

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Lags:
    """Offsets in time of the dynamic fields from the target's, in the order of the stack.

    Attributes:
        offsets: One per step of the stack; negative ones lie before the target.
        calendar: CF calendar in which they are counted.
    """

    offsets: tuple[datetime.timedelta, ...]
    calendar: str

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def hours(self) -> tuple[float, ...]:
        """The offsets in hours."""
        return tuple(offset / HOUR for offset in self.offsets)

    @property
    def stacked(self) -> bool:
        """Whether samples have an axis for the steps: with more than one."""
        return len(self.offsets) > 1

    def times(self, time: str) -> tuple[str, ...]:
        """ISO times of the stack of a target's time."""
        return tuple(shifted(time, offset, self.calendar) for offset in self.offsets)

    def complete(self, times: Iterable[str], present: Mapping[str, object] | set[str]) -> tuple[str, ...]:
        """Those of the times whose whole stack is present."""
        return tuple(time for time in times if all(other in present for other in self.times(time)))


def check_gaps(
    splits: Mapping[str, Sequence[str]],
    lags: Lags,
    present: set[str],
    *,
    gaps: str,
) -> tuple[dict[str, tuple[str, ...]], dict[str, int]]:
    """Leave out, or refuse, times whose stack has a gap.

    Args:
        splits: Times by split.
        lags: The stack.
        present: Times that all dynamic sources hold.
        gaps: "refuse" or "drop".

    Returns:
        Times by split with a whole stack, and how many were left out of each split.

    Raises:
        DataError: If a gap is refused, or a split is empty without its incomplete times.
    """
    kept: dict[str, tuple[str, ...]] = {}
    dropped: dict[str, int] = {}
    for name, times in splits.items():
        kept[name] = lags.complete(times, present)
        dropped[name] = len(times) - len(kept[name])
        if dropped[name] and gaps == "refuse":
            first = next(time for time in times if time not in set(kept[name]))
            lacking = next(other for other in lags.times(first) if other not in present)
            raise DataError(
                f"data.lags: {dropped[name]} of {len(times)} times of the split {name} lack a field of their stack "
                f"(the first is {first}, which needs {lacking}); supply the files, or set data.lag_gaps: drop to leave "
                "these times out."
            )
        if not kept[name]:
            raise DataError(
                f"data.lags: none of the {len(times)} times of the split {name} has all fields of its stack; use "
                "shorter lags or give more files."
            )
    return kept, dropped
