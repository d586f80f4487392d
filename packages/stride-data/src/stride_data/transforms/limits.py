"""The limits that an inverse may state: nothing is cut off that the transform's metadata does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_vars.spec import VariableSpec

from stride_data.transforms.arrays import array_namespace

HEADROOM = 10.0
"""How many times the largest training value an exponential inverse may give, unless the configuration says otherwise.

An exponential turns a slip of the network of a few standard deviations into a value that ruins every mean.
"""


def stated_floor(options: Mapping[str, Any], spec: VariableSpec) -> float | None:
    """The ``inverse_floor`` to use: the configuration's, otherwise 0 for positive definite variables, else none."""
    if "inverse_floor" in options:
        floor = options["inverse_floor"]
        return None if floor is None else float(floor)
    return 0.0 if spec.is_positive_definite else None


def stated_ceiling(options: Mapping[str, Any], largest: float) -> float | None:
    """The ``inverse_ceiling`` to use: the configuration's, otherwise ten times the largest training value."""
    if "inverse_ceiling" in options:
        ceiling = options["inverse_ceiling"]
        return None if ceiling is None else float(ceiling)
    return HEADROOM * largest if largest > 0 else None


def apply_limits(x: Any, floor: float | None, ceiling: float | None = None) -> Any:
    """Bring values outside the limits to them; without limits nothing is touched."""
    return x if floor is None and ceiling is None else array_namespace(x).clip(x, floor, ceiling)
