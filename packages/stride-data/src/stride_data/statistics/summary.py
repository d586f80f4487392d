"""Everything a statistics file says of one variable, field by field and part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stride_data.statistics.boxcox import estimate_lambda
from stride_data.statistics.moments import Moments
from stride_data.statistics.quantiles import quantile_table, quantiles
from stride_data.statistics.sample import sample
from stride_data.transforms.entry import ESTIMATED, function_key
from stride_data.transforms.pointwise import BoxCox, PointwiseFunction
from stride_data.transforms.protocol import Requirement

_BLOCK = 2**15
"""Values handled at once: as float64 they stay in the processor's cache through all steps."""


@dataclass
class VariableSummary:
    """Running statistics of one variable, or of a part of its fields.

    Attributes:
        requirement: What the configured transform needs.
        wet_threshold: Values from here on count as wet; None where the idea has no meaning.
        moments: Of the observed values.
        function_moments: Of the required function of the observed values.
        low: Smallest observed value.
        high: Largest observed value.
        missing: Number of missing values.
        wet: Number of wet values.
        outside: Number of values outside the required function's domain.
    """

    requirement: Requirement
    wet_threshold: float | None
    moments: Moments = field(default_factory=Moments)
    function_moments: Moments = field(default_factory=Moments)
    low: float = math.inf
    high: float = -math.inf
    missing: int = 0
    wet: int = 0
    outside: int = 0
    _sample: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, values: NDArray[np.float32], *, share: int, seed: int) -> None:
        """Add one field.

        Args:
            values: Any shape; NaN is missing.
            share: Number of values that a field without missing ones gives to the sample.
            seed: The field's place in the stream.
        """
        observed = values.reshape(-1)
        low = observed.min() if observed.size else np.float32(np.nan)
        if np.isnan(low):
            observed = observed[~np.isnan(observed)]
            self.missing += values.size - observed.size
            if observed.size == 0:
                return
            low = observed.min()
        self.low, self.high = min(self.low, float(low)), max(self.high, float(observed.max()))
        self._sample.append(sample(observed, values.size, share, seed))
        function = self.requirement.function
        if function is not None and _is_outside(function, _dried(low, self.requirement.dry_below)):
            dried = _dried(observed, self.requirement.dry_below)
            self.outside += int(function.outside(dried.astype(np.float64)).sum())
        for start in range(0, observed.size, _BLOCK):
            block = observed[start : start + _BLOCK]
            self.moments.add(block.astype(np.float64))
            if self.wet_threshold is not None:
                # The comparison is made in float32, in which the threshold and the data are handed out too.
                self.wet += int(np.count_nonzero(block >= np.float32(self.wet_threshold)))
            if function is not None and not self.outside:
                exact = _dried(block, self.requirement.dry_below).astype(np.float64)
                self.function_moments.add(_values(function, exact))

    def merge(self, other: VariableSummary) -> None:
        """Add the fields of the part that comes next."""
        self.moments.merge(other.moments)
        self.function_moments.merge(other.function_moments)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.missing += other.missing
        self.wet += other.wet
        self.outside += other.outside
        self._sample.extend(other._sample)

    def as_dict(self) -> dict[str, Any]:
        """The entry for the statistics file."""
        ascending = np.sort(np.concatenate(self._sample)) if self._sample else np.empty(0, np.float32)
        dry_below = self.requirement.dry_below
        dried = _dried(ascending, dry_below)
        return {
            "n": self.moments.n,
            "missing": self.missing,
            "mean": self.moments.mean,
            "std": self.moments.std,
            "min": self.low,
            "max": self.high,
            "functions": self._functions(dried),
            "quantiles": quantiles(ascending),
            "quantile_sample": int(ascending.size),
            "quantile_table": {"dry_below": dry_below, **quantile_table(dried)},
            "wet_threshold": self.wet_threshold,
            "wet_fraction": self.wet / self.moments.n if self.wet_threshold is not None and self.moments.n else None,
        }

    def _functions(self, dried: NDArray[np.float32]) -> list[dict[str, Any]]:
        """Moments of the required function: of all values, or of the sample that its parameter was estimated from."""
        requirement, dry_below = self.requirement, self.requirement.dry_below
        if requirement.function is not None:
            entry = {**function_key(requirement.function, dry_below), "of": "all values"}
            if self.outside:
                return [{**entry, "outside_domain": self.outside}]
            extremes = _dried(np.array([self.low, self.high], np.float32), dry_below)
            return [{**entry, **_moments_entry(requirement.function, self.function_moments, extremes)}]
        if requirement.boxcox_offset is None:
            return []
        exponent = estimate_lambda(dried, requirement.boxcox_offset)
        how = {"of": "sample", "estimated": ESTIMATED}
        if exponent is None:
            named = {"function": BoxCox.name, "offset": requirement.boxcox_offset, "lambda": None}
            return [{**named, "dry_below": dry_below, **how}]
        function, moments = BoxCox(requirement.boxcox_offset, exponent), Moments()
        for start in range(0, dried.size, _BLOCK):
            moments.add(_values(function, dried[start : start + _BLOCK].astype(np.float64)))
        entry = _moments_entry(function, moments, dried[[0, -1]])
        return [{**function_key(function, dry_below), **how, **entry}]


def _dried(values: Any, dry_below: float | None) -> Any:
    """Values that count as 0, set to it; in float32, as the transform sees them."""
    return values if dry_below is None else np.where(values < np.float32(dry_below), np.float32(0), values)


def _values(function: PointwiseFunction, exact: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return function.forward(exact)


def _is_outside(function: PointwiseFunction, lowest: Any) -> bool:
    """Whether any value is outside the domain, told by the smallest: domains are bounded below only."""
    return bool(function.outside(np.float64(lowest)))


def _moments_entry(
    function: PointwiseFunction, moments: Moments, extremes: NDArray[np.float32]
) -> dict[str, float | None]:
    # The functions are increasing: their extremes are those of the values.
    low, high = (float(value) for value in _values(function, extremes.astype(np.float64)))
    return {"mean": moments.mean, "std": moments.std, "min": low, "max": high}
