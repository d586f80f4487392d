"""Variables that are amounts: zero means nothing, and twice is twice as much."""

from __future__ import annotations

from stride_vars.spec import VariableSpec


def is_amount(spec: VariableSpec) -> bool:
    """Whether percentages, square roots and logarithms of the values tell something; see `VariableSpec.is_amount`."""
    return spec.is_amount
