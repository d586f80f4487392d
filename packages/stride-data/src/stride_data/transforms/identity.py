"""No scaling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from stride_vars.spec import VariableSpec

from stride_data.transforms.protocol import Requirement


@dataclass(frozen=True)
class Identity:
    """``z = x``: for fields that are fractions already, such as a land mask.

    Attributes:
        variable: Catalogue key.
        source: Source name.
        statistics_id: Always None.
    """

    name: ClassVar[str] = "identity"
    options: ClassVar[tuple[str, ...]] = ()

    variable: str
    source: str
    statistics_id: str | None = None

    def forward(self, x: Any) -> Any:
        """The value itself."""
        return x

    def inverse(self, z: Any) -> Any:
        """The value itself."""
        return z

    def metadata(self) -> dict[str, Any]:
        """Name, variable and source."""
        return {"name": self.name, **asdict(self)}

    @classmethod
    def requirement(cls, options: Mapping[str, Any], spec: VariableSpec, source: str) -> Requirement:
        """Nothing."""
        del options, spec, source
        return Requirement()

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
        """Needs nothing of the statistics."""
        del entry, statistics_id, options
        return cls(variable=spec.key, source=source)

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any]) -> Self:
        """Build from metadata without the name."""
        return cls(**parameters)
