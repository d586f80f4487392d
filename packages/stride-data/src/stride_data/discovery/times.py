"""Times as ISO texts in the file's own calendar."""

from __future__ import annotations

import datetime
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

    return float(cftime.date2num(_moment(stamp, calendar), "days since 1900-01-01", calendar=calendar))


@functools.lru_cache(maxsize=2**17)
def shifted(stamp: str, offset: datetime.timedelta, calendar: str) -> str:
    """The stamp of the time that lies an offset away in the calendar."""
    return (_moment(stamp, calendar) + offset).strftime("%Y-%m-%dT%H:%M:%S")


def day_of_year(stamp: str, calendar: str) -> tuple[int, int]:
    """Number of the day in its year, from 1, and the year's number of days."""
    last = _moment(f"{stamp[:4]}-12-{'30' if calendar == '360_day' else '31'}T00:00:00", calendar)
    return int(_moment(stamp, calendar).dayofyr), int(last.dayofyr)


def seconds_of_day(stamp: str) -> int:
    """Seconds since midnight."""
    hour, minute, second = (int(part) for part in stamp[11:].split(":"))
    return 3600 * hour + 60 * minute + second


def _moment(stamp: str, calendar: str) -> Any:
    import cftime

    return cftime.datetime(*(int(part) for part in re.split("[-T:]", stamp)), calendar=calendar)
