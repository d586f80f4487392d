"""The largest values at each pixel, kept while dates pass by: what quantiles near the top need."""

from __future__ import annotations

import numpy as np

LEVELS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999)
"""Quantiles that a map may show."""


def highest_level(dates: int) -> float | None:
    """The highest quantile with two dates or more at or above it; None for fewer than ten dates."""
    return max((level for level in LEVELS if dates * (1.0 - level) >= 2.0 - 1e-9), default=None)


class LargestValues:
    """A running selection of the ``kept`` largest values of each pixel."""

    def __init__(self, kept: int, shape: tuple[int, int]) -> None:
        """Starts empty.

        Args:
            kept: values a pixel.
            shape: rows and columns.
        """
        self._shape = shape
        self._top = np.full((shape[0] * shape[1], kept), -np.inf, np.float32)
        self._n = np.zeros(shape[0] * shape[1], np.int64)

    def add(self, values: np.ndarray) -> None:
        """Takes fields [..., y, x] in; missing values are not counted."""
        flat = values.reshape(-1, len(self._top)).T
        present = np.isfinite(flat)
        self._n += present.sum(axis=1)
        joined = np.concatenate([self._top, np.where(present, flat, -np.inf)], axis=1, dtype=np.float32)
        kept = self._top.shape[1]
        joined.partition(joined.shape[1] - kept, axis=1)
        self._top = joined[:, joined.shape[1] - kept :].copy()

    def quantile(self, level: float) -> np.ndarray:
        """Inverted distribution function [y, x]; NaN where nothing is valid or too few values were kept."""
        # The small deduction keeps whole numbers whole.
        from_top = self._n - np.ceil(self._n * level - 1e-9).astype(np.int64)
        ordered = np.sort(self._top, axis=1)[:, ::-1]
        inside = (self._n > 0) & (from_top < ordered.shape[1])
        place = np.where(inside, from_top, 0)
        found = np.take_along_axis(ordered, place[:, None], axis=1)[:, 0].astype(np.float64)
        return np.where(inside, found, np.nan).reshape(self._shape)
