"""Extremes at each pixel of one system, or of the observation, gathered while dates pass by."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from stride_eval.families.block_maxima import BlockMaxima, TimeBlocks
from stride_eval.families.largest_values import LargestValues
from stride_eval.metrics.date_runs import DateRuns
from stride_eval.metrics.running_sum import running_sum

WINDOW = 5
"""Consecutive dates of Rx5day."""


class ExtremeFields:
    """Maxima, minima, sums over consecutive dates and high quantiles; bounded by a few dates' fields of the members."""

    def __init__(
        self,
        shape: tuple[int, int],
        members: int,
        blocks: TimeBlocks,
        runs: DateRuns,
        edges: np.ndarray,
        *,
        level: float | None,
        minima: bool,
        sums: bool,
    ) -> None:
        """Starts empty.

        Args:
            shape: rows and columns.
            members: 1 for the observation.
            blocks: of dates.
            runs: unbroken runs of dates.
            edges: of bins to count block maxima in.
            level: of the quantile map; None: no map.
            minima: gather minima as well.
            sums: gather sums over five consecutive dates as well.
        """
        self._maxima = BlockMaxima(blocks, edges)
        self._minima = BlockMaxima(blocks) if minima else None
        self._sums = BlockMaxima(blocks) if sums else None
        self._runs, self._date = runs, 0
        self._carried: np.ndarray | None = None
        self._level = level
        kept = 0 if level is None else math.ceil((1.0 - level) * len(runs.run) - 1e-9) + 1
        # Each member has a quantile of its own, so that members and the observation are estimated alike.
        self._largest = None if level is None else LargestValues(kept, (members * shape[0], shape[1]))
        self._shape = (members, *shape)

    def add(self, values: np.ndarray) -> None:
        """Takes the next dates [time, member, y, x] in."""
        self._maxima.add(values)
        if self._minima is not None:
            self._minima.add(-values)
        if self._largest is not None:
            self._largest.add(values)
        if self._sums is not None:
            before = 0 if self._carried is None else len(self._carried)
            joined = values if self._carried is None else np.concatenate([self._carried, values])
            part = self._runs.part(self._date - before, self._date + len(values))
            field = xr.DataArray(joined, dims=("time", "member", "y", "x"))
            self._sums.add(running_sum(field, window=WINDOW, runs=part).values[before:])
            self._carried = joined[-(WINDOW - 1) :].copy()
        self._date += len(values)

    def finish(self) -> xr.Dataset:
        """All of it.

        Returns:
            ``maximum`` (y, x), ``block_counts`` (block, bin), ``block_maximum`` (block); where gathered ``minimum``,
            ``block_minimum``, ``five_day``, ``block_five_day`` and ``high_quantile`` (y, x), averaged over members.
        """
        blocks = self._maxima.of_blocks()
        found = {
            "maximum": self._maxima.largest, "block_maximum": blocks["mean"], "block_counts": blocks["counts"],
        }  # fmt: skip
        if self._minima is not None:
            found |= {"minimum": -self._minima.largest, "block_minimum": -self._minima.of_blocks()["mean"]}
        if self._sums is not None:
            found |= {"five_day": self._sums.largest, "block_five_day": self._sums.of_blocks()["mean"]}
        if self._largest is not None:
            assert self._level is not None
            each = self._largest.quantile(self._level).reshape(self._shape)
            found["high_quantile"] = xr.DataArray(each.mean(axis=0), dims=("y", "x"))
        return xr.Dataset(found)
