"""Moments, extremes and quantiles of a stream of arrays, in memory that does not grow with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Moments:
    """Count, mean and sum of squared deviations, merged chunk by chunk.

    The merge is that of Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing
    sample variances", eq. 2.1: it loses no digits where the mean is large against the spread,
    as sums of squares do.

    Attributes:
        n: Number of values.
        mean: Their mean.
        m2: Sum of squared deviations from it.
        low: Smallest value.
        high: Largest value.
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Merge a chunk of finite values, any shape."""
        if values.size == 0:
            return
        mean = float(values.mean())
        m2 = float(np.square(values - mean).sum())
        total = self.n + values.size
        delta = mean - self.mean
        self.m2 += m2 + delta * delta * self.n * values.size / total
        self.mean += delta * values.size / total
        self.n = total
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    @property
    def std(self) -> float:
        """Standard deviation of the population (divided by n)."""
        return math.sqrt(self.m2 / self.n) if self.n else math.nan

    def as_dict(self) -> dict[str, float]:
        """Mean, std, min and max."""
        return {"mean": self.mean, "std": self.std, "min": self.low, "max": self.high}


QUANTILES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
QUANTILE_SAMPLE = 2_000_000
"""Values kept per variable for the quantiles, which are exact as long as there are not more."""


@dataclass
class VariableStatistics:
    """Everything the statistics file says of one variable.

    Attributes:
        log_offset: Summand before the logarithm.
        wet_threshold: Values from here on count as wet; None where the idea has no meaning.
        chunks: Number of chunks to come, which share the quantile sample evenly.
    """

    log_offset: float
    wet_threshold: float | None
    chunks: int
    moments: Moments = field(default_factory=Moments)
    log: Moments | None = field(default_factory=Moments)
    missing: int = 0
    wet: int = 0
    _sample: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, values: NDArray[np.float32]) -> None:
        """Add one field, any shape; NaN is missing."""
        flat = values.ravel()
        observed = flat[~np.isnan(flat)]
        self.missing += flat.size - observed.size
        exact = observed.astype(np.float64)
        self.moments.add(exact)
        if self.wet_threshold is not None:
            # The comparison is made in float32, in which the threshold and the data are handed out too.
            self.wet += int((observed >= np.float32(self.wet_threshold)).sum())
        if self.log is not None and observed.size:
            if exact.min() + self.log_offset > 0:
                self.log.add(np.log(exact + self.log_offset))
            else:
                self.log = None
        share = max(1, QUANTILE_SAMPLE // max(1, self.chunks))
        if observed.size > share:
            # Seeded by what came before, so that the file is the same however often it is computed.
            picked = np.random.default_rng(self.moments.n).integers(observed.size, size=share)
            observed = observed[picked]
        self._sample.append(observed)

    def as_dict(self) -> dict[str, Any]:
        """The entry for the statistics file."""
        sample = np.concatenate(self._sample) if self._sample else np.empty(0, np.float32)
        quantiles = np.quantile(sample.astype(np.float64), QUANTILES) if sample.size else [math.nan] * len(QUANTILES)
        log = self.log
        return {
            "n": self.moments.n,
            "missing": self.missing,
            **self.moments.as_dict(),
            "log": {"offset": self.log_offset, **log.as_dict()} if log is not None and log.n else None,
            "quantiles": {f"{q:g}": float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
            "quantile_sample": int(sample.size),
            "wet_threshold": self.wet_threshold,
            "wet_fraction": self.wet / self.moments.n if self.wet_threshold is not None and self.moments.n else None,
        }
