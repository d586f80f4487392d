import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_data.assembly.time_features import encode_time, feature_names
from stride_data.errors import DataError


@pytest.mark.parametrize(
    ("time", "calendar", "expected"),
    [
        ("2001-01-01T00:00:00", "standard", (0.0, 1.0)),
        ("2001-07-02T12:00:00", "standard", (0.0, -1.0)),  # half of 365 days
        ("2000-07-02T00:00:00", "standard", (0.0, -1.0)),  # half of 366 days
        ("2000-07-02T12:00:00", "noleap", (0.0, -1.0)),
        ("2000-04-01T00:00:00", "360_day", (1.0, 0.0)),  # a quarter of 360 days
        ("2000-10-01T00:00:00", "360_day", (-1.0, 0.0)),
    ],
)
def test_day_of_year_runs_once_round_a_year_of_the_calendar(time, calendar, expected):
    np.testing.assert_allclose(encode_time(time, ["day_of_year"], calendar), expected, atol=1e-6)


@pytest.mark.parametrize(("hour", "expected"), [(0, (0, 1)), (6, (1, 0)), (12, (0, -1)), (18, (-1, 0))])
def test_time_of_day_runs_once_round_the_day(hour, expected):
    np.testing.assert_allclose(
        encode_time(f"2001-05-06T{hour:02d}:00:00", ["time_of_day"], "standard"), expected, atol=1e-6
    )


@settings(max_examples=30, deadline=None)
@given(st.datetimes().filter(lambda t: t.year > 1000), st.sampled_from(["standard", "noleap", "all_leap"]))
def test_features_lie_on_circles(moment, calendar):
    if calendar == "noleap" and (moment.month, moment.day) == (2, 29):
        return
    values = encode_time(moment.strftime("%Y-%m-%dT%H:%M:%S"), ["day_of_year", "time_of_day"], calendar)
    assert values.dtype == np.float32
    np.testing.assert_allclose(np.square(values.reshape(2, 2)).sum(axis=1), 1.0, rtol=1e-6)


def test_samples_carry_them_by_name(build, small_config):
    small_config["time_features"] = ["day_of_year", "time_of_day"]
    adapter = build(small_config)
    sample = adapter.sample("2001-01-03T00:00:00")
    names = ("sin_day_of_year", "cos_day_of_year", "sin_time_of_day", "cos_time_of_day")
    assert adapter.time_feature_names == tuple(sample["meta"]["time_features"]) == names
    assert names == feature_names(small_config["time_features"])
    angle = 2 * np.pi * 2 / 365
    np.testing.assert_allclose(sample["cond_time"], [np.sin(angle), np.cos(angle), 0.0, 1.0], rtol=1e-6)


def test_without_them_there_are_none(build, small_config):
    adapter = build(small_config)
    assert adapter.sample(adapter.times("train")[0])["cond_time"] is None


def test_an_unknown_feature_is_named(build, small_config):
    small_config["time_features"] = ["moon"]
    with pytest.raises(DataError, match="time_features"):
        build(small_config)
