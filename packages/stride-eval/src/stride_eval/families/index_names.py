"""Which of the ETCCDI's indices a largest or smallest value is: a name only where its definition holds."""

from __future__ import annotations

from collections.abc import Sequence

from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount


def maximum_label(spec: VariableSpec, dates: Sequence[str]) -> str:
    """``Maximum``, with the index where it is one.

    Rx1day is of precipitation by day; of hours it would be of daily sums, which are not made. TXx is of the day's
    maximum temperature, or of all values of a day that are at hand; of daily means it is neither.

    Args:
        spec: of the variable.
        dates: ISO, as the results hold them.
    """
    if is_amount(spec) and spec.wet_threshold is not None and spec.units.endswith(" day-1") and not sub_daily(dates):
        return "Maximum (Rx1day)"
    return "Maximum (TXx)" if _temperature_by(spec, "maximum", dates) else "Maximum"


def minimum_label(spec: VariableSpec, dates: Sequence[str]) -> str:
    """``Minimum``, with TNn for the day's minimum temperature, or for all values of a day that are at hand."""
    return "Minimum (TNn)" if _temperature_by(spec, "minimum", dates) else "Minimum"


def sub_daily(dates: Sequence[str]) -> bool:
    """Whether a day has more than one of the dates."""
    return len({date.partition("T")[0] for date in dates}) < len(dates)


def _temperature_by(spec: VariableSpec, method: str, dates: Sequence[str]) -> bool:
    if spec.standard_name != "air_temperature":
        return False
    return method in spec.cell_methods if spec.cell_methods is not None else sub_daily(dates)
