"""Largest values in blocks of dates, gathered while dates pass by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from stride_eval.metrics.date_runs import DAY, DateRuns
from stride_eval.systems import Systems

BLOCK_DATES = 10
"""Dates of a block where years are not whole."""

FEWEST_BLOCKS = 5
"""Blocks that a law of extremes is fitted to."""

WHOLE_YEAR = 324
"""Dates that make a year whole: nine tenths of the shortest year."""


@dataclass(frozen=True)
class TimeBlocks:
    """Blocks that dates are cut into.

    Attributes:
        of_date: [dates] number of the date's block; -1: in none, of a year that is not whole.
        count: blocks.
        name: of one block in words.
    """

    of_date: np.ndarray
    count: int
    name: str


def time_blocks(times: tuple[str, ...], runs: DateRuns) -> TimeBlocks:
    """Whole years, where there are five of daily dates; else ten dates at hand each; else all dates as one.

    Args:
        times: ISO dates.
        runs: of the dates.
    """
    years = np.array([int(time.split("T")[0].rsplit("-", 2)[0]) for time in times])
    found, counts = np.unique(years, return_counts=True)
    whole = found[counts >= WHOLE_YEAR]
    if runs.step == DAY and whole.size >= FEWEST_BLOCKS:
        of_date = np.where(np.isin(years, whole), np.searchsorted(whole, years), -1)
        return TimeBlocks(of_date, int(whole.size), "year")
    count = len(times) // BLOCK_DATES
    if count >= FEWEST_BLOCKS:
        return TimeBlocks(np.arange(len(times)) * count // len(times), count, f"block of {BLOCK_DATES} dates at hand")
    return TimeBlocks(np.zeros(len(times), int), 1, f"the {len(times)} dates at hand")


def times_of(systems: Systems) -> np.ndarray:
    """The common dates as the observing system's times: their calendar tells which are neighbours."""
    assert systems.observer is not None
    saved = systems.saved[systems.observer]
    position = {time: index for index, time in enumerate(saved.times_of("target"))}
    return saved.groups["target"]["time"].values[[position[time] for time in systems.times]]


class BlockMaxima:
    """Each pixel's and member's largest value in each block of dates; one field of each member is kept."""

    def __init__(self, blocks: TimeBlocks, edges: np.ndarray | None = None) -> None:
        """Starts empty.

        Args:
            blocks: that the dates are cut into.
            edges: of bins to count the maxima in; None: they are not counted.
        """
        self._of_date, self._edges = blocks.of_date, edges
        self._counts = np.zeros((blocks.count, 0 if edges is None else len(edges) - 1))
        self._means = np.full(blocks.count, np.nan)
        self._date = 0
        self._open: tuple[int, np.ndarray] | None = None
        self._largest: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        """Takes the next dates [time, member, y, x] in."""
        numbers = self._of_date[self._date : self._date + len(values)]
        self._date += len(values)
        for number in np.unique(numbers):
            here = np.fmax.reduce(values[numbers == number], axis=0)
            self._largest = here if self._largest is None else np.fmax(self._largest, here)
            if number < 0:
                continue
            if self._open is not None and self._open[0] == number:
                here = np.fmax(self._open[1], here)
            else:
                self._close()
            self._open = int(number), here

    def _close(self) -> None:
        if self._open is None:
            return
        number, field = self._open
        finite = field[np.isfinite(field)]
        if finite.size:
            self._means[number] = finite.mean(dtype=np.float64)
            if self._edges is not None:
                self._counts[number] = np.histogram(finite.clip(self._edges[0], self._edges[-1]), self._edges)[0]

    @property
    def largest(self) -> xr.DataArray:
        """[y, x] over all dates, for members the mean of each one's largest value."""
        assert self._largest is not None
        return xr.DataArray(self._largest.mean(axis=0, dtype=np.float64), dims=("y", "x"))

    def of_blocks(self) -> xr.Dataset:
        """``mean`` (block) over pixels and members, NaN for a block without a value; ``counts`` (block, bin)."""
        self._close()
        self._open = None
        return xr.Dataset({"mean": ("block", self._means), "counts": (("block", "bin"), self._counts)})
