"""Z-score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from stride_vars.spec import VariableSpec

from stride_data.errors import DataError
from stride_data.transforms.limits import apply_limits, stated_floor


@dataclass(frozen=True)
class ZScore:
    """``z = (x - mean) / std``, inverse ``x = max(z std + mean, inverse_floor)``.

    Attributes:
        variable: Catalogue key.
        source: Source name.
        statistics_id: Content id of the statistics.
        mean: Mean in canonical units.
        std: Standard deviation in canonical units.
        inverse_floor: Lower limit of the inverse; None for none.
    """

    name: ClassVar[str] = "zscore"
    options: ClassVar[tuple[str, ...]] = ("inverse_floor",)

    variable: str
    source: str
    statistics_id: str | None
    mean: float
    std: float
    inverse_floor: float | None = None

    def forward(self, x: Any) -> Any:
        """Physical to scaled."""
        return (x - self.mean) / self.std

    def inverse(self, z: Any) -> Any:
        """Scaled to physical."""
        return apply_limits(z * self.std + self.mean, self.inverse_floor)

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
        """Take mean and std of the entry.

        Raises:
            DataError: If the variable does not vary, so that there is nothing to divide by.
        """
        if not entry["std"] > 0:
            raise DataError(
                f"statistics of '{source}.{spec.key}': the standard deviation is {entry['std']}, so a z-score would "
                f"divide by it; set data.transforms.{source}.{spec.key} to identity or drop the variable."
            )
        return cls(
            variable=spec.key,
            source=source,
            statistics_id=statistics_id,
            mean=float(entry["mean"]),
            std=float(entry["std"]),
            inverse_floor=stated_floor(options, spec),
        )
