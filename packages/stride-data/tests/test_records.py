"""Gaps and times without a partner, as `stride-data check` notes them."""

import datetime

import pytest
from stride_data.discovery.records import find_gaps, without_partner


def stamps(*days: str) -> list[str]:
    return [f"{day}T00:00:00" for day in days]


def test_gaps_of_a_daily_record():
    days = stamps("2001-01-01", "2001-01-02", "2001-01-03", "2001-01-04", "2001-01-06", "2001-01-09")
    gaps = find_gaps(days, "standard")
    assert (gaps.step, gaps.runs, gaps.missing) == (datetime.timedelta(days=1), 2, 3)
    assert gaps.first == ("2001-01-05T00:00:00", "2001-01-07T00:00:00", "2001-01-08T00:00:00")


def test_gaps_follow_the_calendar():
    days = stamps("2004-02-26", "2004-02-27", "2004-02-28", "2004-03-01", "2004-03-02")
    assert find_gaps(days, "noleap") is None
    assert find_gaps(days, "standard").first == ("2004-02-29T00:00:00",)
    assert find_gaps(days, "360_day").first == ("2004-02-29T00:00:00", "2004-02-30T00:00:00")


def test_six_hourly_gaps():
    times = [f"2001-01-01T{hour:02d}:00:00" for hour in (0, 6, 12)] + [
        f"2001-01-02T{hour:02d}:00:00" for hour in (0, 6)
    ]
    assert find_gaps(times, "standard").first == ("2001-01-01T18:00:00",)


@pytest.mark.parametrize(
    "days",
    [
        ["2001-01-01", "2001-01-02", "2001-01-03"],
        ["2001-01-01", "2001-02-01", "2001-03-01", "2001-04-01", "2001-05-01"],  # months
        ["2001-01-01", "2001-01-17", "2001-06-02", "2003-05-05"],  # single days
        ["2001-01-01", "2001-01-05"],
    ],
)
def test_records_without_gaps(days):
    assert find_gaps(stamps(*days), "standard") is None


def test_times_without_a_partner():
    assert without_partner({"a": ["1", "2", "3"], "b": ["2", "3", "4"]}) == {"a": ("1",), "b": ("4",)}
    assert without_partner({"a": ["1", "2"], "b": ["1", "2"]}) == {}
    assert without_partner({"a": ["1"]}) == {}
