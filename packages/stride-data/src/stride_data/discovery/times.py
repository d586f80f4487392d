"""Times as ISO texts in the file's own calendar."""

from __future__ import annotations

import functools
import re
from typing import Any

from numpy.typing import NDArray

from stride_data.errors import DataError

CALENDARS = (
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "noleap",
    "365_day",
    "360_day",
    "all_leap",
    "366_day",
    "julian",
)

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def decode_times(values: NDArray[Any], units: str, calendar: str, where: str) -> list[str]:
    """Numbers of a time coordinate as ISO texts, rounded to the second.

    Args:
        values: Shape [T].
        units: "days since ..." and the like.
        calendar: CF calendar.
        where: File, for the message.

    Raises:
        DataError: If units or calendar cannot be read.
    """
    import cftime
    import numpy as np

    if np.asarray(values).dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{where}: the time coordinate has missing values; repair the file.")
    try:
        dates = cftime.num2date(np.atleast_1d(values), units, calendar, only_use_cftime_datetimes=True)
    except (ValueError, TypeError) as exc:
        raise DataError(
            f"{where}: the time coordinate with units '{units}' and calendar '{calendar}' cannot be read ({exc}); "
            "state the source's calendar, or put the date into the file pattern."
        ) from exc
    return [_to_second(date).strftime("%Y-%m-%dT%H:%M:%S") for date in dates]


def _to_second(date: Any) -> Any:
    import datetime

    if date.microsecond == 0:
        return date
    return date + datetime.timedelta(microseconds=round(date.microsecond, -6) - date.microsecond)


def by_date(stamp: str) -> str:
    """The stamp of its day's start."""
    return f"{stamp[:10]}T00:00:00"


def matches(stamp: str, text: str) -> bool:
    """Whether a stamp is what a configuration's time text names: the same, or beginning with it."""
    return stamp == text or (len(text) < len(stamp) and stamp.startswith(text))


def is_stamp(text: str) -> bool:
    """Whether a text is a complete stamp."""
    return _STAMP.fullmatch(text) is not None


@functools.cache
def ordinal_days(stamp: str, calendar: str) -> float:
    """Days since an arbitrary origin in the calendar, to tell neighbours in time."""
    import cftime

    year, month, day, hour, minute, second = (int(part) for part in re.split("[-T:]", stamp))
    date = cftime.datetime(year, month, day, hour, minute, second, calendar=calendar)
    return float(cftime.date2num(date, "days since 1900-01-01", calendar=calendar))
