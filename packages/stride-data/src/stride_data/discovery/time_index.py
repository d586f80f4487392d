"""Which file holds which time, and where in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stride_data.discovery.open_files import open_dataset, unreadable
from stride_data.discovery.patterns import FoundFile
from stride_data.discovery.times import by_date, decode_times
from stride_data.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

    from stride_data.discovery.remote import Location


@dataclass(frozen=True)
class TimeIndex:
    """Where the times of a source are.

    Attributes:
        places: Number of the file and position in it, by ISO time in order.
        dropped: How many places were left out because their time came again.
    """

    places: dict[str, tuple[int, int]]
    dropped: int = 0


def time_name(dataset: xr.Dataset, dimensions: Sequence[str]) -> str | None:
    """Name of a file's time coordinate: the first of the variables' time dimensions, otherwise a scalar one."""
    if dimensions:
        return dimensions[0]
    scalars = [str(name) for name in dataset.coords if dataset[name].ndim == 0]
    return next((name for name in scalars if " since " in str(dataset[name].attrs.get("units", ""))), None)


def calendar_of(dataset: xr.Dataset, dimensions: Sequence[str]) -> str:
    """CF calendar of a file's times; "standard" where it states none."""
    time = time_name(dataset, dimensions)
    return str(dataset[time].attrs.get("calendar", "standard")) if time is not None and time in dataset else "standard"


def build_index(
    files: Sequence[FoundFile],
    dimensions: Sequence[str],
    *,
    read: bool,
    calendar: str,
    npz_key: str | None,
    time_match: str,
    duplicates: Literal["refuse", "first", "last"],
    where: str,
) -> TimeIndex:
    """Find the times of a source's files.

    Args:
        files: In the order in which duplicates count.
        dimensions: Names of the variables' time dimensions.
        read: Whether times are read from the files; otherwise the files' names date them.
        calendar: CF calendar.
        npz_key: Array of ``.npz`` files.
        time_match: "date" cuts times to their day.
        duplicates: What to do about times that come again.
        where: Key of the source's configuration, for messages.

    Raises:
        DataError: If a file cannot be read, or a time comes again and that is refused.
    """
    places: dict[str, tuple[int, int]] = {}
    dropped = 0
    for number, file in enumerate(files):
        if read:
            stamps = _times_of(file.path, dimensions, calendar, npz_key)
        else:
            stamps = [file.stamp] if file.stamp is not None else []
        for position, stamp in enumerate(stamps):
            time = by_date(stamp) if time_match == "date" else stamp
            if time in places:
                if duplicates == "refuse":
                    raise _repeated(files[places[time][0]].path, file.path, time, where, same=time == stamp)
                dropped += 1
                if duplicates == "first":
                    continue
            places[time] = (number, position)
    return TimeIndex(dict(sorted(places.items())), dropped)


def _repeated(first: Location, second: Location, time: str, where: str, *, same: bool) -> DataError:
    both = (
        f"{first}: holds the time {time} twice"
        if first == second
        else f"{first} and {second} both hold the time {time}"
    )
    hint = "" if same else "; several times a day need data.time_match: exact"
    return DataError(f"{both}; remove one, narrow {where}.files, or set {where}.duplicates to first or last{hint}.")


def must_read(dataset: xr.Dataset, timed: Mapping[str, str], files: Sequence[FoundFile]) -> bool:
    """Whether times must be read from the files: their names have no date, or they hold several times each.

    Args:
        dataset: The first file.
        timed: Time dimension by variable name, of the variables that have one.
        files: All files.
    """
    if files[0].stamp is not None:
        return max((dataset[name].sizes[dimension] for name, dimension in timed.items()), default=1) > 1
    return time_name(dataset, list(timed.values())) is not None


def _times_of(path: Location, dimensions: Sequence[str], calendar: str, npz_key: str | None) -> list[str]:
    with open_dataset(path, npz_key) as dataset:
        time = time_name(dataset, dimensions)
        if time is None:
            return []
        if time not in dataset:
            raise DataError(f"{path}: dimension '{time}' has no coordinate; put the date into the file pattern.")
        units: Any = dataset[time].attrs.get("units")
        if units is None:
            raise DataError(f"{path}: the coordinate '{time}' has no units such as 'days since 1970-01-01'; add them.")
        try:
            values = np.atleast_1d(dataset[time].values)
        except Exception as exc:
            raise unreadable(path, exc) from exc
        return decode_times(values, str(units), calendar, str(path))
