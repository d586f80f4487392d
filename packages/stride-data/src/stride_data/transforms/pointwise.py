"""Strictly increasing functions of one value, which a linear scaling follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from stride_data.transforms.arrays import array_namespace


class PointwiseFunction(Protocol):
    """A frozen dataclass whose fields are the function's parameters.

    Attributes:
        name: The name in statistics files.
    """

    name: ClassVar[str]

    @property
    def formula(self) -> str:
        """The function of x with its numbers, for messages."""
        ...

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """``f(x) - centre``; numpy or torch, any shape."""
        ...

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """The x with ``f(x) - centre = y``; numpy or torch, any shape."""
        ...

    def outside(self, x: Any) -> Any:
        """Where x lies outside the domain; None when every number is in it."""
        ...


@dataclass(frozen=True)
class Unchanged:
    """``y = x``."""

    name: ClassVar[str] = "unchanged"

    @property
    def formula(self) -> str:
        """The value itself."""
        return "x"

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """The value itself."""
        return x - centre

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """The value itself."""
        return y + centre

    def outside(self, x: Any) -> None:
        """Nowhere."""


@dataclass(frozen=True)
class Log:
    """``y = ln(x + offset)``, for ``x > -offset``.

    Attributes:
        offset: Summand before the logarithm, canonical units.
    """

    name: ClassVar[str] = "log"

    offset: float

    @property
    def formula(self) -> str:
        """Such as ln(x + 0.01)."""
        return f"ln(x + {self.offset:g})"

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """Logarithm."""
        return array_namespace(x).log(x + self.offset) - centre

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """Exponential."""
        return array_namespace(y).exp(y + centre) - self.offset

    def outside(self, x: Any) -> Any:
        """At and below ``-offset``."""
        return x + self.offset <= 0


@dataclass(frozen=True)
class BoxCox:
    """``y = ((x + offset)^lambda - 1) / lambda``, and ``ln(x + offset)`` at lambda 0 (Box and Cox, 1964, eq. 2).

    The domain is ``x > -offset``, and ``x >= -offset`` for a positive lambda. For a lambda other than 0 the values of y
    end at ``-1 / lambda``; y beyond is brought to that bound before the inverse.

    Attributes:
        offset: Summand before the power, canonical units.
        lambda_: Exponent; ``lambda`` in configurations and metadata.
        inverse_bound: ``-1 / lambda``: the least y for a positive lambda, the largest for a negative one; None at 0.
    """

    name: ClassVar[str] = "boxcox"

    offset: float
    lambda_: float
    inverse_bound: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inverse_bound", -1.0 / self.lambda_ if self.lambda_ else None)

    @property
    def formula(self) -> str:
        """Such as ((x + 0.01)^0.2 - 1) / 0.2."""
        power = self.lambda_
        return f"((x + {self.offset:g})^{power:g} - 1) / {power:g}" if power else f"ln(x + {self.offset:g})"

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """Power of ``x + offset``, as its distance from the one at ``centre``.

        Taken as a difference of logarithms and by expm1: no digits are lost near lambda 0, nor where a negative lambda
        crowds all values together.
        """
        xp = array_namespace(x)
        logarithm = xp.log(x + self.offset)
        if not self.lambda_:
            return logarithm - centre
        logarithm_there, power_there = self._at(centre)
        return xp.expm1((logarithm - logarithm_there) * self.lambda_) * (power_there / self.lambda_)

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """Root; beyond ``inverse_bound`` as at it."""
        xp = array_namespace(y)
        if not self.lambda_:
            return xp.exp(y + centre) - self.offset
        logarithm_there, power_there = self._at(centre)
        # At the bound, the change of the power relative to the one at centre is -1 in any precision.
        change = xp.clip(y * (self.lambda_ / power_there), -1.0, None)
        return xp.exp(xp.log1p(change) / self.lambda_ + logarithm_there) - self.offset

    def _at(self, y: float) -> tuple[float, float]:
        """Logarithm and power of the ``x + offset`` whose value is y."""
        return math.log1p(self.lambda_ * y) / self.lambda_, 1.0 + self.lambda_ * y

    def outside(self, x: Any) -> Any:
        """Below ``-offset``, and at it unless lambda is positive."""
        shifted = x + self.offset
        return shifted < 0 if self.lambda_ > 0 else shifted <= 0


@dataclass(frozen=True)
class Power:
    """``y = sign(x) |x|^exponent``.

    Attributes:
        exponent: Above 0.
    """

    name: ClassVar[str] = "power"

    exponent: float

    @property
    def formula(self) -> str:
        """Such as sign(x) |x|^0.5."""
        return f"sign(x) |x|^{self.exponent:g}"

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """Power of the size, sign kept."""
        return _signed_power(x, self.exponent) - centre

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """Root of the size, sign kept."""
        return _signed_power(y + centre, 1.0 / self.exponent)

    def outside(self, x: Any) -> None:
        """Nowhere."""


def _signed_power(x: Any, exponent: float) -> Any:
    xp = array_namespace(x)
    return xp.sign(x) * xp.abs(x) ** exponent


@dataclass(frozen=True)
class Asinh:
    """``y = asinh(x / scale)``: linear well below the scale, logarithmic well above, for values of either sign.

    Attributes:
        scale: Where the one turns into the other, canonical units; above 0.
    """

    name: ClassVar[str] = "asinh"

    scale: float

    @property
    def formula(self) -> str:
        """Such as asinh(x / 0.1)."""
        return f"asinh(x / {self.scale:g})"

    def forward(self, x: Any, centre: float = 0.0) -> Any:
        """Inverse hyperbolic sine."""
        return array_namespace(x).arcsinh(x / self.scale) - centre

    def inverse(self, y: Any, centre: float = 0.0) -> Any:
        """Hyperbolic sine."""
        return array_namespace(y).sinh(y + centre) * self.scale

    def outside(self, x: Any) -> None:
        """Nowhere."""
