"""What captions of figures of objects have in common."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.plots.style import pretty_units


def object_words(results: xr.Dataset) -> str:
    """What an object is."""
    return (
        f"Objects: {int(results.attrs['smallest_object'])} or more touching pixels (corners included) at or above the "
        "threshold, cut by the domain's edge and by missing pixels"
    )


def area_unit(results: xr.Dataset) -> str:
    """Of areas: ``km²`` or ``pixels``."""
    return "km²" if results.attrs["length_unit"] == "km" else "pixels"


def event(level: float, spec: VariableSpec) -> str:
    """``≥ 1 mm day⁻¹``."""
    return f"≥ {level:g} {pretty_units(spec.units)}".strip()


def no_sal(spec: VariableSpec) -> str:
    """Says why a variable has no SAL; empty for one that has."""
    if is_amount(spec):
        return ""
    return f" SAL is defined for amounts that are never negative, so there is none for {spec.display_name.lower()}."
