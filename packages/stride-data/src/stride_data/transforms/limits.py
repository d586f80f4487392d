"""The limits that an inverse may state: nothing is cut off that the transform's metadata does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from stride_vars.spec import VariableSpec

from stride_data.transforms.arrays import array_namespace

HEADROOM = 10.0
"""How many times the largest training value an exponential inverse may give, unless the configuration says otherwise.

An exponential turns a slip of the network of a few standard deviations into a value that ruins every mean.
"""

Exponential = Literal["no", "up", "both"]


@dataclass(frozen=True)
class Limits:
    """Where the inverse is cut off.

    Attributes:
        inverse_floor: Lower limit of the inverse, canonical units; None for none.
        inverse_ceiling: Upper limit of the inverse, canonical units; None for none.
    """

    inverse_floor: float | None = None
    inverse_ceiling: float | None = None

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], spec: VariableSpec, entry: Mapping[str, Any], exponential: Exponential
    ) -> Self:
        """Take the configuration's limits.

        Where it states none, the floor is 0 for variables that cannot be negative, and an exponential inverse ends at
        ten times the largest training value, one of both signs also at ten times the smallest.

        Args:
            options: The configuration's options.
            spec: The variable.
            entry: Its statistics.
            exponential: In which direction the inverse grows exponentially.
        """
        floor = 0.0 if spec.is_positive_definite else None
        if floor is None and exponential == "both" and entry["min"] < 0:
            floor = HEADROOM * entry["min"]
        ceiling = HEADROOM * entry["max"] if exponential != "no" and entry["max"] > 0 else None
        return cls(
            _number(options["inverse_floor"]) if "inverse_floor" in options else floor,
            _number(options["inverse_ceiling"]) if "inverse_ceiling" in options else ceiling,
        )

    def apply(self, x: Any) -> Any:
        """Bring values outside the limits to them; without limits nothing is touched."""
        if self.inverse_floor is None and self.inverse_ceiling is None:
            return x
        return array_namespace(x).clip(x, self.inverse_floor, self.inverse_ceiling)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
