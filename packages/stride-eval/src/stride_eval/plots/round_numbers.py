"""Numbers as text on axes and in captions, never with a computer's exponent."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def round_number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits: 0.05, 12.3, 1670, 2·10⁵.

    Args:
        value: finite.
        digits: significant.
    """
    if value == 0.0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - power)
    if -5 < power < 5:
        decimals = max(0, digits - 1 - power)
        text = f"{rounded:.{decimals}f}"
        return (text.rstrip("0").rstrip(".") if decimals else text).replace("-", "−")
    front = round_number(rounded / 10.0**power, digits)
    return ("" if front == "1" else f"{front}·") + "10" + str(power).translate(_SUPERSCRIPTS)
