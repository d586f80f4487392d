"""Mean and variance of a stream of arrays, in memory that does not grow with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Moments:
    """Count, mean and sum of squared deviations, merged part by part.

    The merge is that of Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing
    sample variances", eq. 2.1: it loses no digits where the mean is large against the spread,
    as sums of squares do.

    Attributes:
        n: Number of values.
        mean: Their mean.
        m2: Sum of squared deviations from it.
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        """Add finite values, any shape."""
        if values.size:
            mean = float(values.mean())
            deviation = values - mean
            np.multiply(deviation, deviation, out=deviation)
            self.merge(Moments(values.size, mean, float(deviation.sum())))

    def merge(self, other: Moments) -> None:
        """Add the values of another part."""
        if other.n == 0:
            return
        total = self.n + other.n
        delta = other.mean - self.mean
        self.m2 += other.m2 + delta * delta * self.n * other.n / total
        self.mean += delta * other.n / total
        self.n = total

    @property
    def std(self) -> float:
        """Standard deviation of the population (divided by n)."""
        return math.sqrt(self.m2 / self.n) if self.n else math.nan
