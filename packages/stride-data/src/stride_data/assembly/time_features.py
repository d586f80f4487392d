"""Where in the year and in the day a time lies, as numbers that run in circles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stride_data.discovery.times import day_of_year, seconds_of_day

FEATURES = ("day_of_year", "time_of_day")
"""What ``data.time_features`` may name."""

_SECONDS = 86400.0


def feature_names(features: Sequence[str]) -> tuple[str, ...]:
    """Names of the numbers, two for each feature: its sine and its cosine."""
    return tuple(f"{part}_{feature}" for feature in features for part in ("sin", "cos"))


def encode_time(time: str, features: Sequence[str], calendar: str) -> NDArray[np.float32]:
    """The features of a time, float32 [2 x number of features].

    ``day_of_year``: sine and cosine of 2 pi times the fraction of the year that has passed at the time, of a year as
    long as the calendar makes it (360 days in ``360_day``, 366 in leap years). ``time_of_day``: of the fraction of the
    day. Both are continuous from the last day of a year to the first and across midnight.

    Args:
        time: ISO time.
        features: Names out of ``FEATURES``.
        calendar: CF calendar of the time.
    """
    day = seconds_of_day(time) / _SECONDS
    values: list[float] = []
    for feature in features:
        if feature == "day_of_year":
            number, length = day_of_year(time, calendar)
            fraction = (number - 1 + day) / length
        else:
            fraction = day
        values.extend((math.sin(2 * math.pi * fraction), math.cos(2 * math.pi * fraction)))
    return np.array(values, np.float32)
