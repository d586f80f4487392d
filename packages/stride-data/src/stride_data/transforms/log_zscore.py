"""Z-score of the logarithm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from stride_vars.spec import VariableSpec

from stride_data.errors import DataError
from stride_data.transforms.arrays import array_namespace
from stride_data.transforms.limits import apply_limits, stated_ceiling, stated_floor

FALLBACK_OFFSET = 0.01
"""Offset, in canonical units, of variables without a wet threshold."""


def log_offset(options: Mapping[str, Any], spec: VariableSpec) -> float:
    """The offset to add before the logarithm.

    The configuration's; otherwise a hundredth of the wet threshold: small enough to keep drizzle apart from rain, large
    enough that dry cells do not become an outlier that rules the standard deviation.
    """
    if options.get("offset") is not None:
        return float(options["offset"])
    return 0.01 * spec.wet_threshold if spec.wet_threshold else FALLBACK_OFFSET


@dataclass(frozen=True)
class LogZScore:
    """``z = (ln(x + offset) - mean) / std``, inverse ``x = exp(z std + mean) - offset`` within stated limits.

    The domain is ``x > -offset``; zeros are in it.

    Attributes:
        variable: Catalogue key.
        source: Source name.
        statistics_id: Content id of the statistics.
        offset: Summand before the logarithm, canonical units.
        mean: Mean of ln(x + offset).
        std: Standard deviation of ln(x + offset).
        inverse_floor: Lower limit of the inverse; None for none.
        inverse_ceiling: Upper limit of the inverse; None for none.
    """

    name: ClassVar[str] = "log_zscore"
    options: ClassVar[tuple[str, ...]] = ("offset", "inverse_floor", "inverse_ceiling")

    variable: str
    source: str
    statistics_id: str | None
    offset: float
    mean: float
    std: float
    inverse_floor: float | None = None
    inverse_ceiling: float | None = None

    def forward(self, x: Any) -> Any:
        """Physical to scaled; missing values stay missing.

        Raises:
            DataError: If a value lies outside the domain.
        """
        shifted = x + self.offset
        if bool((shifted <= 0).any()):
            raise DataError(
                f"'{self.source}.{self.variable}' has values at or below {-self.offset:g}, outside the domain of "
                f"log_zscore with offset {self.offset:g}; set valid_min: 0 for it or choose another transform."
            )
        return (array_namespace(x).log(shifted) - self.mean) / self.std

    def inverse(self, z: Any) -> Any:
        """Scaled to physical."""
        xp = array_namespace(z)
        logarithm = z * self.std + self.mean
        if self.inverse_ceiling is not None:
            # Before the exponential, which overflows; the limits below then hold to the last digit.
            logarithm = xp.clip(logarithm, None, math.log(self.inverse_ceiling + self.offset) + 1.0)
        return apply_limits(xp.exp(logarithm) - self.offset, self.inverse_floor, self.inverse_ceiling)

    def metadata(self) -> dict[str, Any]:
        """Name and every parameter."""
        return {"name": self.name, **asdict(self)}

    @classmethod
    def from_statistics(
        cls,
        entry: Mapping[str, Any],
        *,
        spec: VariableSpec,
        source: str,
        statistics_id: str,
        options: Mapping[str, Any],
    ) -> Self:
        """Take mean and std of the logarithm from the entry.

        Raises:
            DataError: If the entry has none, they belong to another offset, or the variable does not vary.
        """
        offset = log_offset(options, spec)
        log = entry.get("log")
        if log is None or log["offset"] != offset:
            has = "no logarithm" if log is None else f"the logarithm with offset {log['offset']:g}"
            raise DataError(
                f"statistics of '{source}.{spec.key}' hold {has}, but log_zscore asks for offset {offset:g}; compute "
                "the statistics again with `stride-data stats`."
            )
        if not log["std"] > 0:
            raise DataError(
                f"statistics of '{source}.{spec.key}': the standard deviation of the logarithm is {log['std']}, so a "
                f"z-score would divide by it; set data.transforms.{source}.{spec.key} to identity or drop the variable."
            )
        return cls(
            variable=spec.key,
            source=source,
            statistics_id=statistics_id,
            offset=offset,
            mean=float(log["mean"]),
            std=float(log["std"]),
            inverse_floor=stated_floor(options, spec),
            inverse_ceiling=stated_ceiling(options, float(entry["max"])),
        )
