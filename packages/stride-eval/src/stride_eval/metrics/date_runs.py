"""The common step of dates and their unbroken runs: what lags and spells are allowed to span."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from stride_eval.metrics.errors import MetricError

DAY = 86400.0
"""Seconds."""


@dataclass(frozen=True)
class DateRuns:
    """Dates cut where the next is not one step later.

    Attributes:
        step: seconds between consecutive dates; NaN for fewer than two dates.
        follows: [dates] whether the date before lies one step earlier.
        run: [dates] number of the run that a date belongs to, from 0.
    """

    step: float
    follows: np.ndarray
    run: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Dates of each run."""
        return np.bincount(self.run)

    @property
    def isolated(self) -> bool:
        """Whether no two dates are consecutive."""
        return not bool(self.follows.any())

    def part(self, start: int, stop: int) -> DateRuns:
        """Of the dates from ``start`` up to ``stop``; the first of them follows none."""
        follows = self.follows[start:stop].copy()
        follows[:1] = False
        return DateRuns(self.step, follows, np.cumsum(~follows) - 1)

    def pairs(self, lag: int) -> np.ndarray:
        """Positions of the later dates of all pairs ``lag`` steps apart within a run."""
        later = np.arange(lag, len(self.run))
        return later[self.run[later] == self.run[later - lag]]


def date_runs(time: Any, *, longest_step: float = DAY) -> DateRuns:
    """Finds the step that dates have in common and the runs without a gap.

    The step is the smallest difference of neighbouring dates: scattered days that happen to hold neighbours have a step
    of one day. Dates that are all further apart than ``longest_step`` have no neighbours; each is a run of its own.

    Args:
        time: dates [time], datetime64 or cftime of any calendar, or a DataArray of them; 28 February and 1 March are
            neighbours where the calendar knows no day between.
        longest_step: seconds between dates that still count as consecutive.

    Raises:
        MetricError: dates that are no times, or that do not increase.
    """
    values = np.asarray(getattr(time, "values", time))
    if values.ndim != 1:
        raise MetricError(f"dates have {values.ndim} dimensions; give one list of increasing dates")
    gaps = _gaps(values)
    if (gaps <= 0).any():
        raise MetricError("dates do not increase strictly; sort them first, for example by .sortby('time')")
    step = float(gaps.min()) if gaps.size else np.nan
    # A thousandth of a step allows for times that were packed as floats.
    near = (np.abs(gaps - step) <= 1e-3 * step) & (gaps <= longest_step * (1 + 1e-3))
    follows = np.concatenate([np.zeros(min(1, values.size), bool), near])
    return DateRuns(step, follows, np.cumsum(~follows) - 1)


def _gaps(values: np.ndarray) -> np.ndarray:
    """Seconds between neighbouring dates."""
    if np.issubdtype(values.dtype, np.datetime64):
        return np.diff(values.astype("datetime64[ms]").astype(np.int64)) / 1000.0
    try:
        return np.array([(after - before).total_seconds() for before, after in pairwise(values)])
    except (AttributeError, TypeError) as error:
        raise MetricError("dates are no times; give datetime64 or cftime values") from error
