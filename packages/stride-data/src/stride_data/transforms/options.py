"""Options that a configuration may set for a transform, and what their values must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number_or_null(value: Any) -> str | None:
    return None if value is None or _is_number(value) else "a number"


def _positive_or_null(value: Any) -> str | None:
    return None if value is None or (_is_number(value) and value > 0) else "a number above 0"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _ascending_pair(value: Any) -> str | None:
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(item) for item in value)
    return None if pair and value[0] < value[1] else "two ascending numbers, such as [-1, 1]"


OPTIONS: dict[str, Callable[[Any], str | None]] = {
    "offset": _number_or_null,
    "lambda": _number_or_null,
    "exponent": _positive_or_null,
    "scale": _positive_or_null,
    "zscore": _flag,
    "min": _number_or_null,
    "max": _number_or_null,
    "range": _ascending_pair,
    "dry_below": _positive_or_null,
    "inverse_floor": _number_or_null,
    "inverse_ceiling": _number_or_null,
}
"""For each option, a function that says what a value must be; None where the value is right.

An option means the same wherever it may be set. ``null`` takes a limit away and leaves any other number to its default.
"""
