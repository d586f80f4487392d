"""A source whose variables stand in files of their own: one part for each, handed out as one source."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.discovery.source import Source, SourceField
from stride_data.errors import DataError

# CF has two names for some calendars.
_SYNONYMS = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}


@dataclass(frozen=True)
class JoinedSource:
    """Variables of one grid and calendar, each with its own files; its times are those that all of them hold.

    Attributes:
        name: The user's name for it.
        parts: A source of one variable, by catalogue key.
    """

    name: str
    parts: Mapping[str, Source]

    @property
    def _first(self) -> Source:
        return next(iter(self.parts.values()))

    @property
    def fields(self) -> dict[str, SourceField]:
        """Variables by catalogue key."""
        return {key: part.fields[key] for key, part in self.parts.items()}

    @property
    def grid(self) -> Grid:
        """Grid of the fields handed out."""
        return self._first.grid

    @property
    def native_grid(self) -> Grid:
        """Grid of the values as read."""
        return self._first.native_grid

    @property
    def calendar(self) -> str:
        """CF calendar of the times."""
        return next((part.calendar for part in self.parts.values() if part.times), self._first.calendar)

    @property
    def times(self) -> tuple[str, ...]:
        """ISO times that all variables with times hold, in order."""
        return tuple(self._common)

    @functools.cached_property
    def _common(self) -> dict[str, None]:
        """The times, in order and quick to look up."""
        timed = [part.index for part in self.parts.values() if part.index]
        return {time: None for time in timed[0] if all(time in index for index in timed)} if timed else {}

    @property
    def origin(self) -> dict[str, Any]:
        """What its values come from, JSON-able."""
        origins = {key: part.origin for key, part in self.parts.items()}
        return {
            **self._first.origin,
            "count": sum(origin["count"] for origin in origins.values()),
            "units": {key: origin["units"][key] for key, origin in origins.items()},
            "variables": {key: origin["variables"][key] for key, origin in origins.items()},
        }

    def lacking(self) -> dict[str, tuple[str, ...]]:
        """For each variable that lacks some, the times that another variable has and it has not."""
        timed = {key: part.index for key, part in self.parts.items() if part.index}
        every = sorted(set().union(*timed.values()))
        found = {key: tuple(time for time in every if time not in index) for key, index in timed.items()}
        return {key: times for key, times in found.items() if times}

    def has_time(self, time: str) -> bool:
        """Whether all variables hold a time."""
        return time in self._common

    def place(self, time: str | None = None) -> str:
        """The file of the first variable that holds a time; its first file without a time."""
        timed = [part for part in self.parts.values() if part.index]
        return (timed[0] if timed else self._first).place(time)

    def read_box(self, key: str, time: str, box: Box) -> NDArray[np.float32]:
        """View of a variable at a time in a box, [height, width], read-only.

        Raises:
            DataError: If not all variables have the time, or the file cannot be read.
        """
        if not self.has_time(time):
            raise DataError(f"source {self.name} has no time {time}; choose one that all its variables have.")
        return self.parts[key].read_box(key, time, box)

    def read_static_box(self, key: str, box: Box) -> NDArray[np.float32]:
        """View of a variable without time in a box, [height, width], read-only.

        Raises:
            DataError: If the variable changes with time, or its file cannot be read.
        """
        return self.parts[key].read_static_box(key, box)

    def limit_memory(self, limit_bytes: int) -> None:
        """Keep decoded fields only up to this size, together with the other sources of the configuration."""
        for part in self.parts.values():
            part.limit_memory(limit_bytes)


def join(name: str, parts: Mapping[str, Source]) -> JoinedSource:
    """Join sources of one variable each.

    Args:
        name: The user's name for the source.
        parts: By catalogue key.

    Raises:
        DataError: If grids or calendars differ, or no time is common to all variables.
    """
    where = f"data.sources.{name}"
    first_key, first = next(iter(parts.items()))
    for key, part in parts.items():
        if not part.grid.same_as(first.grid):
            raise DataError(
                f"{part.place()}: its grid differs from that of {first.place()}, so {key} and {first_key} cannot share "
                f"{where}; make them sources of their own."
            )
    timed = {key: part for key, part in parts.items() if part.times}
    calendars = {_SYNONYMS.get(part.calendar, part.calendar): key for key, part in timed.items()}
    if len(calendars) > 1:
        listed = " and ".join(f"'{calendar}' ({key})" for calendar, key in calendars.items())
        raise DataError(f"{where}: its variables have different calendars, {listed}; set {where}.calendar.")
    joined = JoinedSource(name, dict(parts))
    if timed and not joined.times:
        spans = ", ".join(f"{key} has {p.times[0]} to {p.times[-1]}" for key, p in timed.items())
        raise DataError(f"{where}: no time is common to its variables ({spans}); check the files of each.")
    return joined
