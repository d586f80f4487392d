"""Times of foreign files as ISO texts of their calendar, and back as a CF coordinate."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from stride_eval.errors import EvalError

_STANDARD = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap", "none": "standard"}
_YEAR_MONTH_DAY = "day as %y%m%d"
"""How CDO and older archives write days as numbers: 20140601.5."""


def calendar_of(coordinate: xr.DataArray | None, stated: str | None) -> str:
    """CF calendar of a time coordinate, under one name where CF knows two."""
    found = stated or ("standard" if coordinate is None else str(coordinate.attrs.get("calendar", "standard")))
    return _STANDARD.get(found.lower(), found.lower())


def time_coordinate_of(array: xr.DataArray, dim: str | None, stated: str | None) -> xr.DataArray | None:
    """The coordinate that holds a variable's times: along ``dim``, or a single one; None where there is none."""
    names = [stated] if stated in array.coords else []
    names += [dim] if dim in array.coords else []
    names += [
        str(name)
        for name, coordinate in array.coords.items()
        if " since " in str(coordinate.attrs.get("units", ""))
        # A forecast's valid time goes before the time at which it began.
        and str(coordinate.attrs.get("standard_name", "time")) == "time"
    ]
    wanted = () if dim is None else (dim,)
    return next((array[name] for name in names if name is not None and array[name].dims in (wanted, ())), None)


def labels(coordinate: xr.DataArray, calendar: str, where: str) -> tuple[str, ...]:
    """ISO texts ``YYYY-MM-DDTHH:MM:SS``, rounded to the second.

    Args:
        coordinate: numbers with CF units, as read without decoding.
        calendar: CF calendar.
        where: the file, for errors.

    Raises:
        EvalError: missing times, or units or a calendar that cannot be read.
    """
    import cftime

    values = np.atleast_1d(coordinate.values)
    units = str(coordinate.attrs.get("units", ""))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise EvalError(f"{where}: the time coordinate '{coordinate.name}' has missing values; repair the file")
    if units.lower().startswith(_YEAR_MONTH_DAY):
        values, units = _days(values, calendar), "days since 1-1-1"
    try:
        moments = cftime.num2date(values, units, calendar, only_use_cftime_datetimes=True)
    except (ValueError, TypeError) as error:
        raise EvalError(
            f"{where}: the time coordinate '{coordinate.name}' with units '{units}' and calendar '{calendar}' cannot "
            f"be read ({' '.join(str(error).split())}); state the calendar, or put the date into the pattern of the "
            "files as {date:%Y%m%d}"
        ) from error
    return tuple(_rounded(moment).strftime("%Y-%m-%dT%H:%M:%S") for moment in moments)


def numbers(stamps: Sequence[str], calendar: str) -> tuple[np.ndarray, str]:
    """Hours since the first of some times, and the CF units that say so."""
    import cftime

    moments = [cftime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S", calendar=calendar) for stamp in stamps]
    units = f"hours since {stamps[0].replace('T', ' ')}"
    return np.asarray(cftime.date2num(moments, units, calendar=calendar), dtype=np.float64), units


def day_of(stamp: str) -> str:
    """The stamp of its day's start."""
    return f"{stamp[:10]}T00:00:00"


def _days(values: np.ndarray, calendar: str) -> np.ndarray:
    import cftime

    whole = np.floor(values).astype(int)
    dates = [cftime.datetime(n // 10000, n // 100 % 100, n % 100, calendar=calendar) for n in whole.tolist()]
    return np.asarray(cftime.date2num(dates, "days since 1-1-1", calendar=calendar), np.float64) + (values - whole)


def _rounded(moment: Any) -> Any:
    if moment.microsecond == 0:
        return moment
    return moment + datetime.timedelta(microseconds=round(moment.microsecond, -6) - moment.microsecond)
