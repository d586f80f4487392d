"""Lengths of spells: dates in a row on which a pixel has an event."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.errors import MetricError


def spell_lengths(event: xr.DataArray, *, time_dim: str = "time", runs: DateRuns | None = None) -> xr.DataArray:
    """How many spells of each length there are, pixels and members pooled.

    A spell is a row of dates within an unbroken run on which ``event`` holds at a point. The end of a run and a missing
    value end a spell; it counts with the length that was seen.

    Args:
        event: bool along ``time_dim`` and any other dimensions; False where missing.
        time_dim: the dimension of the dates.
        runs: of the dates; None: from the coordinate of ``time_dim``.

    Returns:
        Counts along ``length``, from 1 to the longest spell (one zero where there is no spell).

    Raises:
        MetricError: no dates.

    Source:
        Zolina et al. (2010), https://doi.org/10.1029/2010GL042468 (durations of wet spells); for maxima ETCCDI's CWD
        and CDD, Zhang et al. (2011), https://doi.org/10.1002/wcc.147.
    """
    if time_dim not in event.dims:
        raise MetricError(f"event has no dimension {time_dim!r}; name the dates' dimension by time_dim=")
    runs = runs or date_runs(event[time_dim])
    values = event.transpose(time_dim, ...).values.astype(bool)
    counter = SpellCounter()
    counter.add(values.reshape(len(values), 1, -1), runs.follows)
    counts = counter.finish()
    return xr.DataArray(counts[0], dims="length", coords={"length": np.arange(1, counts.shape[1] + 1)})


@dataclass
class SpellCounter:
    """Counts spells while dates come a few at a time; between them it keeps one length per point.

    Attributes:
        counts: [group, length from 1] of spells that have ended.
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)))
    _length: np.ndarray | None = None

    def add(self, event: np.ndarray, follows: np.ndarray) -> None:
        """Takes the next dates.

        Args:
            event: bool [dates, group, ...]; groups (members) are counted apart.
            follows: [dates] whether a date continues the run of the date before.
        """
        if self._length is None:
            self._length = np.zeros(event.shape[1:], np.int32)
            self.counts = np.zeros((event.shape[1], 1))
        for now, continues in zip(event, follows, strict=True):
            going_on = now & bool(continues)
            self._end(~going_on)
            self._length += now

    def _end(self, ending: np.ndarray) -> None:
        """Counts the spells that end where ``ending`` and sets them to nothing."""
        assert self._length is not None
        for group, (length, over) in enumerate(zip(self._length, ending, strict=True)):
            found = np.bincount(length[over & (length > 0)])[1:]
            if found.size > self.counts.shape[1]:
                self.counts = np.pad(self.counts, ((0, 0), (0, found.size - self.counts.shape[1])))
            self.counts[group, : found.size] += found
        self._length[ending] = 0

    def finish(self) -> np.ndarray:
        """Ends all spells and returns ``counts``."""
        if self._length is not None:
            self._end(np.ones(self._length.shape, bool))
        return self.counts
