"""Variables that are amounts: zero means nothing, and twice is twice as much."""

from __future__ import annotations

from stride_vars.spec import VariableSpec


def is_amount(spec: VariableSpec) -> bool:
    """Whether percentages, square roots and logarithms of the values tell something.

    They do for precipitation or wind speed. They do not for temperature in kelvin or surface pressure, which are
    positive too but whose zero lies far below anything that occurs: the plotting range says so.
    """
    return spec.is_positive_definite and (spec.plot_range is None or spec.plot_range[0] <= 0.0)
