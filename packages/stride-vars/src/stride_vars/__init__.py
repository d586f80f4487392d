"""What a variable, a region and a saved ensemble are: names, units, colours, ranges, schemas.

The names below are imported when they are first used, so that a command that only prints its help pays for none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stride_vars.catalogue import Catalogue
    from stride_vars.errors import StrideError
    from stride_vars.pmm import probability_matched_mean
    from stride_vars.regions import Box, Region
    from stride_vars.spec import VariableSpec

__all__ = ["Box", "Catalogue", "Region", "StrideError", "VariableSpec", "probability_matched_mean"]

_HOMES = {
    "Box": "regions",
    "Catalogue": "catalogue",
    "Region": "regions",
    "StrideError": "errors",
    "VariableSpec": "spec",
    "probability_matched_mean": "pmm",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stride_vars' has no attribute '{name}'")
    return getattr(import_module(f"stride_vars.{_HOMES[name]}"), name)
