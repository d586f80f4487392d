"""Units by library: what a file's values are multiplied by, and what is added, to be in canonical units."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from stride_eval.errors import EvalError

WATER_DENSITY = 1000.0
"""kg m-3: a mass of water per area counts as a depth, as everywhere in STRIDE."""


@dataclass(frozen=True)
class Conversion:
    """``canonical = scale * value + offset``."""

    scale: float = 1.0
    offset: float = 0.0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values of any shape in canonical units, float32; computed in the precision they come in."""
        if self.scale != 1.0:
            values = values * self.scale
        if self.offset != 0.0:
            values = values + self.offset
        return np.asarray(values, dtype=np.float32)


@functools.cache
def conversion(units: str, canonical: str, accumulation: str | None = None) -> Conversion:
    """The affine conversion from a file's units.

    Args:
        units: of the file, spelled as UDUNITS or pint do.
        canonical: units wanted.
        accumulation: period of an accumulated amount, such as "1 day"; the amount is divided by it.

    Raises:
        EvalError: a text that is no unit or no period, or units that do not convert.
    """
    if accumulation is None and units == canonical:
        return Conversion()
    registry, hydrology = _registry()
    given, wanted = _parsed(units), _parsed(canonical)
    if accumulation is not None:
        given = given / registry.second
    try:
        zero, one = (float(registry.Quantity(x, given).to(wanted, hydrology).magnitude) for x in (0.0, 1.0))
    except Exception:  # pint raises several kinds for units that do not fit
        period = "" if accumulation is None else f" over {accumulation}"
        mend = "" if accumulation else "; an amount of a period needs accumulation, such as '1 day'"
        raise EvalError(f"units '{units}'{period} do not convert to '{canonical}'{mend}") from None
    return Conversion((one - zero) / (1.0 if accumulation is None else _seconds(accumulation)), zero)


@functools.cache
def _registry() -> tuple[Any, Any]:
    # Imported here: it takes a second. cf_xarray's registry reads the spellings of CF files, such as "mm day-1".
    import pint
    from cf_xarray.units import units

    density = units.Quantity(WATER_DENSITY, "kg / m ** 3")

    def to_depth(ureg: Any, value: Any, **_: Any) -> Any:
        return value / density

    def to_mass(ureg: Any, value: Any, **_: Any) -> Any:
        return value * density

    context = pint.Context("water")
    for per_time in ("", " / [time]"):
        mass, depth = f"[mass] / [length] ** 2{per_time}", f"[length]{per_time}"
        context.add_transformation(mass, depth, to_depth)
        context.add_transformation(depth, mass, to_mass)
    return units, context


def _seconds(text: str) -> float:
    registry, _ = _registry()
    try:
        period = float(registry.Quantity(text).to("second").magnitude)
    except Exception:  # of several kinds, as above
        period = 0.0
    if not period > 0:
        raise EvalError(f"accumulation '{text}' is no period of time; write it like '1 day' or '6 hours'")
    return period


def _parsed(text: str) -> Any:
    registry, _ = _registry()
    try:
        return registry.parse_units(text)
    except Exception:  # of several kinds, as above
        raise EvalError(f"'{text}' is no unit that can be read; state it with the key units") from None
