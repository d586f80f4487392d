"""The lower limit that an inverse may state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_vars.spec import VariableSpec

from stride_data.transforms.arrays import array_namespace


def stated_floor(options: Mapping[str, Any], spec: VariableSpec) -> float | None:
    """The ``inverse_floor`` to use: the configuration's, otherwise 0 for positive definite variables, else none."""
    if "inverse_floor" in options:
        floor = options["inverse_floor"]
        return None if floor is None else float(floor)
    return 0.0 if spec.is_positive_definite else None


def apply_floor(x: Any, floor: float | None) -> Any:
    """Raise values below ``floor`` to it; without a floor nothing is touched."""
    return x if floor is None else array_namespace(x).clip(x, floor, None)
