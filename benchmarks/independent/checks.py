"""The checks by the name of their metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from independent.case import Case

Check = Callable[[Case], Iterator[tuple[str, float]]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Enters the oracles of a metric."""

    def enter(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return enter
