"""Offsets in time as configurations write them."""

from __future__ import annotations

import datetime
import functools

from stride_data.errors import DataError
from stride_data.units import seconds_in


@functools.cache
def parse_offset(text: str) -> datetime.timedelta:
    """An offset such as "-1 day", "-6 h" or "0 days".

    Raises:
        ValueError: If the text is no time; a validation error of the configuration says where.
    """
    try:
        return datetime.timedelta(seconds=round(seconds_in(text), 6))
    except DataError as exc:
        raise ValueError(f"'{text}' is no offset in time such as '-6 hours' or '-1 day'") from exc
