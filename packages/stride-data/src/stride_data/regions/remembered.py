"""Boxes worked out once: exact fractions take as long as reading a crop, and crops begin at few places."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from stride_vars.regions import Box

P = ParamSpec("P")
R = TypeVar("R")

_MOST = 50_000
"""Answers kept per method and object; when there are more they are forgotten all at once."""


def remembered(method: Callable[P, R]) -> Callable[P, R]:
    """Let a method of a frozen dataclass keep its answers; its arguments are texts and boxes.

    Errors are not kept.
    """
    name = f"_remembered_{method.__name__}"

    @functools.wraps(method)
    def answer(*arguments: Any) -> Any:
        known = arguments[0].__dict__.get(name)
        if known is None:
            known = arguments[0].__dict__.setdefault(name, {})
        box: Box = arguments[-1]
        key = (*arguments[1:-1], box.y, box.x, box.height, box.width)
        found = known.get(key)
        if found is None:
            found = method(*arguments)  # type: ignore[call-arg]
            if len(known) >= _MOST:
                known.clear()
            known[key] = found
        return found

    return answer  # type: ignore[return-value]
