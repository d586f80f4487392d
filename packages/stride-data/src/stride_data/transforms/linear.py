"""Linear scalings of the values y = f(x) of a pointwise function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from stride_data.errors import DataError
from stride_data.transforms.entry import function_moments
from stride_data.transforms.pointwise import PointwiseFunction, Unchanged

DEFAULT_RANGE = (0.0, 1.0)


class LinearScaling(Protocol):
    """A frozen dataclass whose fields are the scaling's parameters."""

    def centre_and_width(self, function: PointwiseFunction) -> tuple[float, float]:
        """The two numbers of ``z = (y - centre) / width``."""
        ...

    @classmethod
    def needs_moments(cls, options: Mapping[str, Any]) -> bool:
        """Whether the statistics must hold mean and standard deviation of y."""
        ...

    @classmethod
    def from_statistics(
        cls,
        entry: Mapping[str, Any],
        function: PointwiseFunction,
        dry_below: float | None,
        options: Mapping[str, Any],
        channel: str,
        transform: str,
    ) -> Self:
        """Take the parameters from one variable's entry in a statistics file.

        Args:
            entry: The entry.
            function: Function of the values.
            dry_below: Values below count as 0; None for none.
            options: The configuration's options.
            channel: ``source.key``, for messages.
            transform: Name of the transform, for messages.

        Raises:
            DataError: If the entry lacks what is needed, or there is nothing to divide by.
        """
        ...


@dataclass(frozen=True)
class ZScore:
    """``z = (y - mean) / std``.

    Attributes:
        mean: Mean of y; 0 where the option ``zscore`` is false.
        std: Standard deviation of y; 1 where the option ``zscore`` is false.
    """

    mean: float
    std: float

    def centre_and_width(self, function: PointwiseFunction) -> tuple[float, float]:
        """Mean and standard deviation."""
        del function
        return self.mean, self.std

    @classmethod
    def needs_moments(cls, options: Mapping[str, Any]) -> bool:
        """Unless the option ``zscore`` is false."""
        return bool(options.get("zscore", True))

    @classmethod
    def from_statistics(
        cls,
        entry: Mapping[str, Any],
        function: PointwiseFunction,
        dry_below: float | None,
        options: Mapping[str, Any],
        channel: str,
        transform: str,
    ) -> Self:
        """Take mean and standard deviation of y."""
        if not cls.needs_moments(options):
            return cls(0.0, 1.0)
        moments = function_moments(entry, function, dry_below, channel, transform)
        if not moments["std"] > 0:
            of = "" if isinstance(function, Unchanged) else f" of {function.formula}"
            raise DataError(
                f"statistics of '{channel}': the standard deviation{of} is {moments['std']}, so a z-score would divide "
                f"by it; set data.transforms.{channel} to identity or drop the variable."
            )
        return cls(float(moments["mean"]), float(moments["std"]))


@dataclass(frozen=True)
class MinMax:
    """``z = r0 + (r1 - r0) (f(x) - f(min)) / (f(max) - f(min))`` with ``range`` (r0, r1).

    Attributes:
        min: The x that becomes ``range[0]``, canonical units.
        max: The x that becomes ``range[1]``, canonical units.
        range: Two ascending numbers.
    """

    min: float
    max: float
    range: tuple[float, float]

    def centre_and_width(self, function: PointwiseFunction) -> tuple[float, float]:
        """From the function's values at both ends."""
        low, high = (float(function.forward(np.float64(end))) for end in (self.min, self.max))
        width = (high - low) / (self.range[1] - self.range[0])
        return low - self.range[0] * width, width

    @classmethod
    def needs_moments(cls, options: Mapping[str, Any]) -> bool:
        """Never: an increasing function takes its extremes where the values do."""
        del options
        return False

    @classmethod
    def from_statistics(
        cls,
        entry: Mapping[str, Any],
        function: PointwiseFunction,
        dry_below: float | None,
        options: Mapping[str, Any],
        channel: str,
        transform: str,
    ) -> Self:
        """Take the options ``min`` and ``max``, or the extremes of the values."""

        def end(key: str) -> float:
            if options.get(key) is not None:
                return float(options[key])
            extreme = float(entry[key])
            return 0.0 if dry_below is not None and extreme < dry_below else extreme

        low, high = end("min"), end("max")
        if not low < high:
            raise DataError(
                f"{transform} of '{channel}': the smallest value is {low:g} and the largest {high:g}, so that there is "
                f"nothing to divide by; set min and max in data.transforms.{channel}, or set it to identity."
            )
        if bool(function.outside(np.float64(low))):
            raise DataError(
                f"{transform} of '{channel}': the smallest value, {low:g}, lies outside the domain of "
                f"{function.formula}; set valid_min for it, a larger offset, or another transform."
            )
        r0, r1 = options.get("range", DEFAULT_RANGE)
        return cls(low, high, (float(r0), float(r1)))
