"""A pointwise function followed by a linear scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stride_data.errors import DataError
from stride_data.transforms.dry import Dry
from stride_data.transforms.limits import Limits
from stride_data.transforms.linear import LinearScaling
from stride_data.transforms.parameters import as_parameters
from stride_data.transforms.pointwise import PointwiseFunction


@dataclass(frozen=True)
class ComposedTransform:
    """``z = (f(x) - centre) / width``, inverse ``x = f^-1(z width + centre)`` within stated limits.

    Attributes:
        name: The name in configurations and metadata.
        variable: Catalogue key.
        source: Source name.
        statistics_id: Content id of the statistics.
        function: f.
        scaling: Gives centre and width.
        dry: Values that count as 0, before f and after its inverse.
        limits: Where the inverse is cut off, at the very end.
    """

    name: str
    variable: str
    source: str
    statistics_id: str | None
    function: PointwiseFunction
    scaling: LinearScaling
    dry: Dry
    limits: Limits

    def forward(self, x: Any) -> Any:
        """Physical to scaled.

        Raises:
            DataError: If a value lies outside the function's domain.
        """
        x = self.dry.forward(x)
        outside = self.function.outside(x)
        if outside is not None and bool(outside.any()):
            lowest = float(x[outside].min()) if x.ndim else float(x)
            raise DataError(
                f"'{self.source}.{self.variable}' has values down to {lowest:g}, outside the domain of {self.name}, "
                f"{self.function.formula}; set valid_min for it, a larger offset, or another transform."
            )
        centre, width = self.scaling.centre_and_width(self.function)
        # The logarithm of 0 that Box-Cox with offset 0 takes is a number in the end.
        with np.errstate(divide="ignore"):
            return self.function.forward(x, centre) / width

    def inverse(self, z: Any) -> Any:
        """Scaled to physical."""
        centre, width = self.scaling.centre_and_width(self.function)
        # What overflows is infinite, and brought to the ceiling where there is one.
        with np.errstate(over="ignore", divide="ignore"):
            x = self.function.inverse(z * width, centre)
        return self.limits.apply(self.dry.inverse(x))

    def metadata(self) -> dict[str, Any]:
        """Name and every parameter."""
        about = {key: getattr(self, key) for key in ("name", "variable", "source", "statistics_id")}
        for part in (self.function, self.scaling, self.dry, self.limits):
            about |= as_parameters(part)
        return about
