"""Whether the bias of a pixel may be chance: p-values from the means of blocks of dates."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import t as student

from stride_eval.metrics.false_discovery import false_discovery

FEWEST_BLOCKS = 8
"""Blocks that a test needs."""

ALPHA = 0.10
"""False discovery rate; fields are correlated in space, and so it tests the field at half of this (Wilks 2016)."""


def block_length(dates: int) -> int:
    """Dates of a block: the cube root of their number."""
    return max(1, round(dates ** (1.0 / 3.0)))


class BlockMeans:
    """Sums of the means of blocks of successive dates, and of their squares, at each pixel."""

    def __init__(self, shape: tuple[int, int], length: int) -> None:
        """Starts empty.

        Args:
            shape: rows and columns.
            length: dates of a block.
        """
        self._length = length
        self._date = 0
        self._sum, self._n = np.zeros(shape), np.zeros(shape, int)
        self._total, self._squares, self._blocks = np.zeros(shape), np.zeros(shape), np.zeros(shape, int)

    def add(self, errors: np.ndarray) -> None:
        """Takes the next dates [time, y, x] in; a missing pixel does not count on that date."""
        for field in errors:
            valid = np.isfinite(field)
            self._sum[valid] += field[valid]
            self._n += valid
            self._date += 1
            if self._date % self._length == 0:
                self._close()

    def _close(self) -> None:
        held = self._n > 0
        mean = self._sum[held] / self._n[held]
        self._total[held] += mean
        self._squares[held] += mean**2
        self._blocks += held
        self._sum[:], self._n[:] = 0.0, 0

    def p_value(self) -> np.ndarray:
        """Two-sided p-value [y, x] of a mean of zero, by Student's test on the block means; NaN for too few blocks.

        A last block that is not full is left out.
        """
        n = np.where(self._blocks >= FEWEST_BLOCKS, self._blocks, np.nan)
        mean = self._total / n
        power = self._squares / n
        variance = (power - mean**2) * n / (n - 1.0)
        flat = ~(variance > 1e-12 * power)
        statistic = np.abs(mean) / np.sqrt(np.where(flat, 1.0, variance) / n)
        p = 2.0 * student.sf(statistic, n - 1.0)
        # Block means that are all equal: chance can be had only where they are zero.
        p = np.where(flat, np.where(power > 0, 0.0, 1.0), p)
        return np.where(np.isfinite(n), p, np.nan)


def significant(p: xr.DataArray) -> xr.DataArray:
    """Pixels (y, x) whose bias is more than chance, the false discovery rate over the map being ``ALPHA``."""
    return false_discovery(p, alpha=ALPHA, dim=("y", "x"))["rejected"]
