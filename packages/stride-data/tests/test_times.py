import numpy as np
import pytest
from stride_data.discovery.times import by_date, decode_times, matches, ordinal_days
from stride_data.errors import DataError


@pytest.mark.parametrize(
    ("values", "units", "calendar", "expected"),
    [
        ([0, 1], "days since 2003-02-28", "noleap", ["2003-02-28T00:00:00", "2003-03-01T00:00:00"]),
        ([0, 1], "days since 2004-02-28", "standard", ["2004-02-28T00:00:00", "2004-02-29T00:00:00"]),
        ([0, 1], "days since 2004-02-29", "360_day", ["2004-02-29T00:00:00", "2004-02-30T00:00:00"]),
        ([7.0], "hours since 2026-03-25", "proleptic_gregorian", ["2026-03-25T07:00:00"]),
        ([0.1], "days since 2001-01-01", "standard", ["2001-01-01T02:24:00"]),
    ],
)
def test_times_in_their_calendar(values, units, calendar, expected):
    assert decode_times(np.array(values), units, calendar, "file") == expected


def test_rounding_to_the_second():
    third = np.array([1 / 3], np.float32)  # 8 hours, not quite
    assert decode_times(third, "days since 2001-01-01", "standard", "file") == ["2001-01-01T08:00:00"]


@pytest.mark.parametrize(("values", "units"), [([1.0], "fortnights since then"), ([np.nan], "days since 2001-01-01")])
def test_times_that_cannot_be_read(values, units):
    with pytest.raises(DataError, match=r"a\.nc: the time coordinate"):
        decode_times(np.array(values), units, "standard", "a.nc")


def test_matching():
    assert matches("2001-02-03T06:00:00", "2001-02-03")
    assert matches("2001-02-03T06:00:00", "2001")
    assert not matches("2001-02-03T06:00:00", "2001-02-04")
    assert by_date("2001-02-03T06:00:00") == "2001-02-03T00:00:00"
    assert ordinal_days("2001-03-01T00:00:00", "360_day") - ordinal_days("2001-02-30T00:00:00", "360_day") == 1.0
