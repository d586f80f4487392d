"""What every transform offers, and what makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from stride_vars.spec import VariableSpec

from stride_data.transforms.parameters import as_parameters
from stride_data.transforms.pointwise import PointwiseFunction


@runtime_checkable
class Transform(Protocol):
    """A pure, invertible function pair; ``inverse(forward(x)) == x`` to rounding wherever x is in its domain.

    Attributes:
        variable: Catalogue key of the variable it scales.
        source: Name of the source it scales.
        statistics_id: Content id of the statistics its parameters come from; None when it needs none.
    """

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
        """Physical to scaled; numpy or torch, any shape, its type kept.

        Raises:
            DataError: If a value lies outside the domain.
        """
        ...

    def inverse(self, z: Any) -> Any:
        """Scaled to physical; numpy or torch, any shape, its type kept."""
        ...

    def metadata(self) -> dict[str, Any]:
        """Everything that rebuilds the transform, JSON-able."""
        ...


@dataclass(frozen=True)
class Requirement:
    """What a transform needs of the statistics beside those of the values themselves.

    Attributes:
        dry_below: Values below count as 0 in all that follows; None for none.
        function: Its mean, standard deviation and extremes are needed.
        boxcox_offset: With this offset, the Box-Cox exponent is to be estimated; None where none is.
    """

    dry_below: float | None = None
    function: PointwiseFunction | None = None
    boxcox_offset: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """What decides the numbers, JSON-able."""
        function = self.function
        return {
            "dry_below": self.dry_below,
            "function": None if function is None else {"name": function.name, **as_parameters(function)},
            "boxcox_offset": self.boxcox_offset,
        }


class Recipe(Protocol):
    """Makes the transforms of one name.

    Attributes:
        name: The name in configurations and metadata.
        options: Keys that a configuration may set beside the name.
    """

    @property
    def name(self) -> str:
        """Name in configurations and metadata."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Keys of ``stride_data.transforms.options.OPTIONS``."""
        ...

    def requirement(self, options: Mapping[str, Any], spec: VariableSpec, source: str) -> Requirement:
        """What the statistics must hold for these options.

        Raises:
            DataError: If an option does not suit the variable.
        """
        ...

    def from_statistics(
        self,
        entry: Mapping[str, Any],
        *,
        spec: VariableSpec,
        source: str,
        statistics_id: str,
        options: Mapping[str, Any],
    ) -> Transform:
        """Build from one variable's entry in a statistics file and the configuration's options.

        Raises:
            DataError: If the statistics do not allow it.
        """
        ...

    def from_parameters(self, parameters: dict[str, Any]) -> Transform:
        """Build from metadata without the name.

        Raises:
            TypeError: If an entry is missing or unknown.
        """
        ...
