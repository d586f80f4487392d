"""Normal score: the values' quantiles as those of the standard normal distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar, Self

from stride_vars.spec import VariableSpec

from stride_data.errors import DataError
from stride_data.transforms.arrays import array_namespace, like
from stride_data.transforms.dry import Dry
from stride_data.transforms.limits import Limits
from stride_data.transforms.parameters import as_parameters, take_part
from stride_data.transforms.protocol import Requirement

TAIL = 1.0
"""The outermost stretch of z, in standard deviations, whose mean slope carries on beyond the knots."""


@dataclass(frozen=True)
class QuantileTransform:
    """A strictly increasing, piecewise linear map through knots (x_k, z_k), ``z_k = Phi^-1(p_k)``.

    Beyond the knots it goes on linearly with the slopes stated. Equal values, such as zeros, share one knot at the
    middle of their ranks. (Normal scores: Van der Waerden, 1952; Goovaerts, 1997, "Geostatistics for Natural Resources
    Evaluation", section 7.2.)

    Attributes:
        variable: Catalogue key.
        source: Source name.
        statistics_id: Content id of the statistics.
        knots_x: Ascending values, canonical units.
        knots_z: Their normal scores.
        lower_slope: dx/dz below the first knot.
        upper_slope: dx/dz above the last knot.
        dry: Values that count as 0, before the map and after its inverse.
        limits: Where the inverse is cut off, at the very end.
    """

    name: ClassVar[str] = "quantile"
    options: ClassVar[tuple[str, ...]] = ("dry_below", "inverse_floor", "inverse_ceiling")

    variable: str
    source: str
    statistics_id: str | None
    knots_x: tuple[float, ...]
    knots_z: tuple[float, ...]
    lower_slope: float
    upper_slope: float
    dry: Dry
    limits: Limits

    def forward(self, x: Any) -> Any:
        """Physical to scaled."""
        slopes = 1.0 / self.lower_slope, 1.0 / self.upper_slope
        return _piecewise_linear(self.dry.forward(x), self.knots_x, self.knots_z, *slopes)

    def inverse(self, z: Any) -> Any:
        """Scaled to physical."""
        x = _piecewise_linear(z, self.knots_z, self.knots_x, self.lower_slope, self.upper_slope)
        return self.limits.apply(self.dry.inverse(x))

    def metadata(self) -> dict[str, Any]:
        """Name and every parameter."""
        own = {key: value for key, value in as_parameters(self).items() if key not in ("dry", "limits")}
        return {"name": self.name, **own, **as_parameters(self.dry), **as_parameters(self.limits)}

    @classmethod
    def requirement(cls, options: Mapping[str, Any], spec: VariableSpec, source: str) -> Requirement:
        """The table of quantiles, which is there in any case."""
        return Requirement(Dry.from_options(options, spec, source).dry_below)

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
        """Take the knots from the table of one variable's entry in a statistics file.

        Raises:
            DataError: If there is none for this ``dry_below``, or the variable does not vary.
        """
        dry = Dry.from_options(options, spec, source)
        table, name = entry.get("quantile_table"), f"{source}.{spec.key}"
        if table is None or table["dry_below"] != dry.dry_below:
            there = "no table of quantiles" if table is None else f"quantiles with dry_below {table['dry_below']}"
            raise DataError(
                f"statistics of '{name}' hold {there}, but the quantile transform asks for some with dry_below "
                f"{dry.dry_below}; compute the statistics again with `stride-data stats`."
            )
        x, normal = table["x"], NormalDist()
        if len(x) < 2:
            raise DataError(
                f"statistics of '{name}' hold {len(x)} distinct value, too few for quantiles; set "
                f"data.transforms.{name} to identity or drop the variable."
            )
        z = [normal.inv_cdf(p) for p in table["p"]]
        first = next((k for k in range(1, len(z)) if z[k] - z[0] >= TAIL), len(z) - 1)
        last = next((k for k in range(len(z) - 2, -1, -1) if z[-1] - z[k] >= TAIL), 0)
        return cls(
            variable=spec.key,
            source=source,
            statistics_id=statistics_id,
            knots_x=tuple(x),
            knots_z=tuple(z),
            lower_slope=(x[first] - x[0]) / (z[first] - z[0]),
            upper_slope=(x[-1] - x[last]) / (z[-1] - z[last]),
            dry=dry,
            limits=Limits.from_options(options, spec, entry, "no"),
        )

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any]) -> Self:
        """Build from metadata without the name."""
        parameters = dict(parameters)
        parts = {"dry": take_part(Dry, parameters), "limits": take_part(Limits, parameters)}
        knots = {key: tuple(parameters.pop(key)) for key in ("knots_x", "knots_z") if key in parameters}
        return cls(**parameters, **knots, **parts)


def _piecewise_linear(
    a: Any, knots_a: tuple[float, ...], knots_b: tuple[float, ...], lower_slope: float, upper_slope: float
) -> Any:
    """Interpolate between knots, extrapolate with the slopes db/da; missing values stay missing."""
    xp = array_namespace(a)
    knots_from, knots_to = like(knots_a, a), like(knots_b, a)
    left = xp.clip(xp.searchsorted(knots_from, a, side="right") - 1, 0, len(knots_a) - 2)
    a0, a1, b0, b1 = knots_from[left], knots_from[left + 1], knots_to[left], knots_to[left + 1]
    # Weighted from the nearer end, so that both knots are met exactly; the share comes first, a slope could overflow.
    share = (a - a0) / (a1 - a0)
    b = xp.where(share < 0.5, b0 + share * (b1 - b0), b1 - (1 - share) * (b1 - b0))
    b = xp.where(a < knots_from[0], knots_to[0] + (a - knots_from[0]) * lower_slope, b)
    return xp.where(a > knots_from[-1], knots_to[-1] + (a - knots_from[-1]) * upper_slope, b)
