"""What every transform offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from stride_vars.spec import VariableSpec


@runtime_checkable
class Transform(Protocol):
    """A pure, invertible function pair; ``inverse(forward(x)) == x`` to rounding wherever x is in its domain.

    Attributes:
        name: The name in configurations and metadata.
        options: Keys that a configuration may set beside the name.
        variable: Catalogue key of the variable it scales.
        source: Name of the source it scales.
        statistics_id: Content id of the statistics its parameters come from; None when it needs none.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]]

    @property
    def variable(self) -> str:
        """Catalogue key."""
        ...

    @property
    def source(self) -> str:
        """Source name."""
        ...

    @property
    def statistics_id(self) -> str | None:
        """Content id of the statistics."""
        ...

    def forward(self, x: Any) -> Any:
        """Physical to scaled; numpy or torch, any shape."""
        ...

    def inverse(self, z: Any) -> Any:
        """Scaled to physical; numpy or torch, any shape."""
        ...

    def metadata(self) -> dict[str, Any]:
        """Everything that rebuilds the transform, JSON-able."""
        ...

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
        """Build from one variable's entry in a statistics file and the configuration's options.

        Raises:
            DataError: If the statistics do not allow it.
        """
        ...
