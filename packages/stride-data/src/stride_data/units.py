"""Units by library: one scale and one offset per variable, computed once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stride_data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WATER_DENSITY = 1000.0
"""Density in kg m-3 by which a mass of water per area becomes a depth."""


@dataclass(frozen=True)
class UnitConversion:
    """``canonical = scale * value + offset``.

    Attributes:
        source: Units of the file, with the accumulation period if there is one.
        canonical: Units of the result.
        scale: Factor.
        offset: Summand, in canonical units.
    """

    source: str
    canonical: str
    scale: float = 1.0
    offset: float = 0.0

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Convert values of any shape, in the precision they come in, to float32."""
        if self.scale != 1.0:
            values = values * self.scale
        if self.offset != 0.0:
            values = values + self.offset
        return np.asarray(values, dtype=np.float32)


@functools.cache
def _registry() -> tuple[Any, Any]:
    # Imported here because it takes a second; cf_xarray's registry reads the UDUNITS spellings of CF files.
    import pint
    from cf_xarray.units import units

    density = units.Quantity(WATER_DENSITY, units.parse_units("kg m-3"))

    def to_depth(ureg: Any, value: Any, **_: Any) -> Any:
        return value / density

    def to_mass(ureg: Any, value: Any, **_: Any) -> Any:
        return value * density

    hydrology = pint.Context("stride_hydrology")
    for per_time in ("", " / [time]"):
        mass, depth = f"[mass] / [length] ** 2{per_time}", f"[length]{per_time}"
        hydrology.add_transformation(mass, depth, to_depth)
        hydrology.add_transformation(depth, mass, to_mass)
    return units, hydrology


@functools.cache
def conversion(units: str, canonical: str, accumulation: str | None = None) -> UnitConversion:
    """The affine conversion from a file's units to canonical units.

    A mass of water per area counts as a depth (density 1000 kg m-3), so that kg m-2 s-1 becomes mm day-1.

    Args:
        units: Units in the file, UDUNITS or pint spelling.
        canonical: Units wanted.
        accumulation: Period over which an amount was accumulated, e.g. "1 day"; the amount is divided by it.

    Raises:
        DataError: If a text is no unit, or the units do not convert.
    """
    if accumulation is None and units == canonical:
        return UnitConversion(units, canonical)
    registry, hydrology = _registry()
    unit = _parsed(units)
    described = units if accumulation is None else f"{units} per {accumulation}"
    period = 1.0
    if accumulation is not None:
        try:
            quantity = registry.Quantity(accumulation)
            period = quantity.to("second").magnitude
        except Exception:
            period = 0.0
        if not period > 0:
            raise DataError(f"accumulation '{accumulation}' is no period of time; write it like '1 day' or '6 hours'.")
        unit = (registry.Quantity(1.0, unit) / registry.Quantity(1.0, "second")).units
    wanted = _parsed(canonical)
    try:
        # Three points tell scale and offset, and that the conversion is affine at all.
        zero, one, two = (float(registry.Quantity(v, unit).to(wanted, hydrology).magnitude) for v in (0.0, 1.0, 2.0))
    except Exception:
        raise DataError(f"units '{described}' do not convert to '{canonical}'") from None
    if not np.isclose(two - zero, 2 * (one - zero)):
        raise DataError(f"units '{described}' convert to '{canonical}' only non-linearly, which is not supported")
    return UnitConversion(described, canonical, (one - zero) / period, zero)


def seconds_in(text: str) -> float:
    """Seconds of a period or offset in time such as "6 hours" or "-1 day".

    Raises:
        DataError: If the text is no time.
    """
    registry, _ = _registry()
    try:
        return float(registry.Quantity(text).to("second").magnitude)
    except Exception:
        raise DataError(f"'{text}' is no period of time; write it like '1 day' or '6 hours'.") from None


def _parsed(text: str) -> Any:
    registry, _ = _registry()
    try:
        return registry.parse_units(text)
    except Exception:
        raise DataError(f"'{text}' is no unit that can be read") from None
