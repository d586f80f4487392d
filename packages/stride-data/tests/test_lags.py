import datetime

import numpy as np
import pytest
from stride_data.assembly.lags import Lags, check_gaps
from stride_data.errors import DataError
from stride_data.periods import parse_offset

DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "hours"), [("-1 day", -24), ("-6 hours", -6), ("0 days", 0), ("90 min", 1.5), ("-1.5 days", -36)]
)
def test_offsets_are_read_with_their_units(text, hours):
    assert parse_offset(text) == datetime.timedelta(hours=hours)


@pytest.mark.parametrize("text", ["yesterday", "3", "-2 m", ""])
def test_what_is_no_time_is_no_offset(text):
    with pytest.raises(ValueError, match="is no offset in time such as"):
        parse_offset(text)


@pytest.mark.parametrize(
    ("calendar", "before"),
    [("standard", "2000-02-29"), ("noleap", "2000-02-28"), ("360_day", "2000-02-30")],
)
def test_lags_count_in_the_calendar_of_the_data(calendar, before):
    lags = Lags((-DAY, datetime.timedelta(0)), calendar)
    assert lags.times("2000-03-01T00:00:00") == (f"{before}T00:00:00", "2000-03-01T00:00:00")


def test_gaps_are_refused_or_dropped_and_counted():
    lags = Lags((-DAY, datetime.timedelta(0)), "standard")
    days = [f"2001-01-0{day}T00:00:00" for day in (1, 2, 3, 5, 6)]
    splits = {"train": days[:4], "val": days[4:]}
    with pytest.raises(DataError, match=r"2 of 4 times of the split train .*the first is 2001-01-01.*2000-12-31"):
        check_gaps(splits, lags, set(days), gaps="refuse")
    kept, dropped = check_gaps(splits, lags, set(days), gaps="drop")
    assert kept == {"train": (days[1], days[2]), "val": (days[4],)}
    assert dropped == {"train": 2, "val": 0}
    with pytest.raises(DataError, match="none of the 1 times of the split val"):
        check_gaps({"val": days[3:4]}, lags, set(days), gaps="drop")


def test_a_stack_holds_the_fields_of_its_times(build, small_config, known_field):
    small_config |= {"lags": ["-1 day", "0 days"], "lag_gaps": "drop"}
    adapter = build(small_config)
    assert adapter.temporal_steps == 2 and adapter.lag_hours == (-24.0, 0.0)
    assert adapter.dropped_times == {"train": 1, "val": 1, "test": 1}
    assert adapter.times("train") == [f"2001-01-0{day}T00:00:00" for day in (2, 3, 4)]
    fields = adapter.fields("2001-01-03T00:00:00")
    assert fields.dynamic.shape == (2, 1, 2, 3)
    np.testing.assert_allclose(fields.dynamic[1] - fields.dynamic[0], 3.0, rtol=1e-5)  # 3 mm more every day
    assert fields.target is not None
    np.testing.assert_allclose(fields.target.mean(), fields.dynamic[1].mean(), rtol=1e-5)
    sample = adapter.sample("2001-01-03T00:00:00")
    np.testing.assert_allclose(adapter.inverse_conditioning(sample["cond_dynamic"]), fields.dynamic, rtol=1e-5)
    assert sample["meta"]["lag_hours"] == [-24.0, 0.0]


def test_gaps_are_refused_by_default(build, small_config):
    small_config["lags"] = ["-1 day", "0 days"]
    with pytest.raises(DataError, match=r"set data.lag_gaps: drop"):
        build(small_config, scaled=False)


def test_a_forecast_needs_no_conditioning_at_the_targets_time(build, small_config, small_root):
    """One earlier step has no axis of its own, and the target's own time may be missing in the archive."""
    small_config |= {"lags": ["-1 day"], "lag_gaps": "drop"}
    small_config["sources"]["coarse"]["files"] = "lr/tp_2001010[123].nc"
    small_config["splits"] = {"train": {"years": [2001, 2001]}}
    adapter = build(small_config)
    assert adapter.times("train") == [f"2001-01-0{day}T00:00:00" for day in (2, 3, 4)]
    assert adapter.sample("2001-01-04T00:00:00")["cond_dynamic"].shape == (1, 2, 3)


def test_an_offset_stands_there_once(build, small_config):
    small_config["lags"] = ["-1 day", "-24 hours"]
    with pytest.raises(DataError, match="names an offset twice"):
        build(small_config)
