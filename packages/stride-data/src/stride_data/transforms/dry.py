"""Amounts below a threshold as zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from stride_vars.spec import VariableSpec

from stride_data.errors import DataError
from stride_data.transforms.arrays import array_namespace

ROUNDING = 1e-4
"""Share of ``dry_below`` by which an inverse may miss it and still be wet: much more than float32 rounds."""


@dataclass(frozen=True)
class Dry:
    """Values below ``dry_below`` are 0: the domain is then 0 and ``dry_below`` upwards.

    Attributes:
        dry_below: Before scaling, values below are set to 0; canonical units, None for none.
        inverse_dry_below: After the inverse, values below are set to 0. A little smaller, so that rounding does not
            dry out ``dry_below`` itself.
    """

    dry_below: float | None = None
    inverse_dry_below: float | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], spec: VariableSpec, source: str) -> Self:
        """Take the configuration's ``dry_below``.

        Raises:
            DataError: If the variable can be negative, or its wet threshold lies below.
        """
        below = options.get("dry_below")
        if below is None:
            return cls()
        where = f"data.transforms.{source}.{spec.key}.dry_below"
        if not spec.is_positive_definite:
            raise DataError(f"{where}: {spec.key} can be negative, so no value of it is dry; remove dry_below.")
        if spec.wet_threshold is not None and below > spec.wet_threshold:
            raise DataError(
                f"{where}: {below:g} {spec.units} lies above the wet threshold of {spec.key}, {spec.wet_threshold:g}, "
                "so that wet values would be set to 0; choose a smaller one."
            )
        return cls(float(below), (1.0 - ROUNDING) * below)

    def forward(self, x: Any) -> Any:
        """Set values below ``dry_below`` to 0."""
        return x if self.dry_below is None else array_namespace(x).where(x < self.dry_below, 0.0, x)

    def inverse(self, x: Any) -> Any:
        """Set values below ``inverse_dry_below`` to 0."""
        return x if self.inverse_dry_below is None else array_namespace(x).where(x < self.inverse_dry_below, 0.0, x)
