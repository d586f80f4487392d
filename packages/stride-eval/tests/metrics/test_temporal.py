"""Runs of dates, autocorrelation, spells, transitions and temporal spectra, by hand and against numpy and scipy."""

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import periodogram
from stride_eval.metrics import (
    MetricError,
    autocorrelation,
    date_runs,
    spell_lengths,
    temporal_spectrum,
    transition_probabilities,
)
from stride_eval.metrics.spells import SpellCounter

START = np.datetime64("2014-06-01", "ns")


def days(*numbers):
    return START + np.array(numbers) * np.timedelta64(1, "D")


def series(values, times=None, dims=("time",)):
    values = np.asarray(values)
    return xr.DataArray(values, dims=dims, coords={"time": days(*range(len(values))) if times is None else times})


def test_runs_by_hand():
    runs = date_runs(days(0, 1, 2, 5, 9, 10))
    assert runs.step == 86400.0
    np.testing.assert_array_equal(runs.follows, [0, 1, 1, 0, 0, 1])
    np.testing.assert_array_equal(runs.run, [0, 0, 0, 1, 2, 2])
    np.testing.assert_array_equal(runs.lengths, [3, 1, 2])
    np.testing.assert_array_equal(runs.pairs(1), [1, 2, 5])
    np.testing.assert_array_equal(runs.pairs(2), [2])


def test_subdaily_and_isolated_dates():
    hours = START + np.array([0, 6, 12, 36]) * np.timedelta64(1, "h")
    assert date_runs(hours).step == 6 * 3600
    np.testing.assert_array_equal(date_runs(hours).lengths, [3, 1])
    assert date_runs(days(0, 3, 6)).isolated
    assert not date_runs(days(0, 3, 6), longest_step=3 * 86400).isolated
    assert date_runs(days(0)).isolated
    assert np.isnan(date_runs(days(0)).step)


@pytest.mark.parametrize(
    ("calendar", "before", "after"),
    [
        ("noleap", (2016, 2, 28), (2016, 3, 1)),
        ("360_day", (2015, 2, 30), (2015, 3, 1)),
        ("standard", (2016, 2, 29), (2016, 3, 1)),
    ],
)
def test_neighbours_by_the_calendar(calendar, before, after):
    times = np.array([cftime.datetime(*date, calendar=calendar) for date in (before, after)])
    assert date_runs(times).pairs(1).tolist() == [1]


def test_bad_dates():
    with pytest.raises(MetricError, match="increase"):
        date_runs(days(1, 0))
    with pytest.raises(MetricError, match="no times"):
        date_runs(np.array(["a", "b"], object))
    with pytest.raises(MetricError, match="lag is 0"):
        autocorrelation(series([1.0, 2.0]), lags=[0])
    with pytest.raises(MetricError, match="time_dim"):
        spell_lengths(xr.DataArray([True], dims="y"))


def test_autocorrelation_by_hand():
    # pairs (0, 1), (1, 0): mean 1/2, products -1/4 each, power 1/4
    assert float(autocorrelation(series([0.0, 1.0, 0.0])).item()) == pytest.approx(-1.0)
    assert np.isnan(autocorrelation(series([3.0, 3.0, 3.0])).item())
    assert np.isnan(autocorrelation(series([300.1] * 50)).item())
    assert np.isnan(autocorrelation(series([1.0, 2.0], days(0, 4))).item())


def test_autocorrelation_is_pearson_of_pairs_in_both_orders():
    rng = np.random.default_rng(3)
    field = series(
        280.0 + rng.normal(size=(9, 2, 3)).cumsum(0), days(0, 1, 2, 3, 6, 7, 8, 12, 13), ("time", "member", "x")
    )
    field[2, 0, 1] = np.nan
    pairs = {1: [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (7, 8)], 2: [(0, 2), (1, 3), (4, 6)]}
    found = autocorrelation(field, lags=[1, 2], dim="member")
    for lag, ends in pairs.items():
        for x in range(3):
            both = [(field.values[a, m, x], field.values[b, m, x]) for a, b in ends for m in range(2)]
            both = np.array([pair for pair in both if np.isfinite(pair).all()])
            expected = np.corrcoef(np.r_[both[:, 0], both[:, 1]], np.r_[both[:, 1], both[:, 0]])[0, 1]
            assert float(found.sel(lag=lag)[x]) == pytest.approx(expected, abs=1e-10)


def test_autocorrelation_of_a_known_process():
    rng = np.random.default_rng(0)
    values = np.zeros((4000, 3))
    for t in range(1, 4000):
        values[t] = 0.6 * values[t - 1] + rng.normal(size=3)
    found = autocorrelation(series(values, dims=("time", "x")), lags=[1, 2, 3], dim="x")
    np.testing.assert_allclose(found, [0.6, 0.36, 0.216], atol=0.03)


def test_spells_by_hand():
    event = series([1, 1, 0, 1, 1, 1, 0, 0], days(0, 1, 2, 3, 4, 7, 8, 9)).astype(bool)
    # dates 0-1; 3-4, cut by the gap; 7
    np.testing.assert_array_equal(spell_lengths(event), [1, 2])
    assert spell_lengths(event)["length"].values.tolist() == [1, 2]
    np.testing.assert_array_equal(spell_lengths(event & False), [0])


def brute(event, follows):
    lengths = []
    for column in event.T:
        length = 0
        for now, goes_on in zip(column, follows, strict=True):
            if length and not (now and goes_on):
                lengths.append(length)
                length = 0
            length += now
        lengths += [length] if length else []
    return np.bincount(np.array(lengths, int), minlength=2)[1:]


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (12, 3)), arrays(bool, 11), st.integers(0, 12))
def test_spells_in_parts_are_the_whole(event, gaps, cut):
    times = days(*np.cumsum(np.r_[0, 1 + gaps]))
    field = series(event, times, ("time", "x"))
    follows = date_runs(times).follows
    whole = spell_lengths(field)
    np.testing.assert_array_equal(whole, brute(event, follows))
    assert int((whole * whole["length"]).sum()) == event.sum()
    counter = SpellCounter()
    for part in (slice(None, cut), slice(cut, None)):
        counter.add(event[part][:, None], follows[part])
    np.testing.assert_array_equal(counter.finish()[0], whole)


def test_transitions_by_hand():
    wet = series([5.0, 5.0, 0.0, 5.0, np.nan, 5.0, 5.0, 0.0], days(0, 1, 2, 3, 4, 5, 8, 9))
    # pairs: wet wet, wet dry, dry wet, then missing, missing, gap, wet dry
    found = transition_probabilities(wet, threshold=1.0)
    assert float(found["after_event"]) == pytest.approx(1.0 / 3.0)
    assert float(found["after_none"]) == 1.0
    assert np.isnan(transition_probabilities(wet, threshold=0.0)["after_none"]).item() is True


def test_transitions_of_a_known_chain():
    rng = np.random.default_rng(1)
    state = np.zeros((3000, 4), bool)
    for t in range(1, 3000):
        state[t] = rng.random(4) < np.where(state[t - 1], 0.7, 0.2)
    field = series(state * 3.0, dims=("time", "x"))
    found = transition_probabilities(field, threshold=1.0)
    assert float(found["after_event"]) == pytest.approx(0.7, abs=0.02)
    assert float(found["after_none"]) == pytest.approx(0.2, abs=0.02)
    lengths = spell_lengths(field >= 1.0)
    mean = float((lengths * lengths["length"]).sum() / lengths.sum())
    assert mean == pytest.approx(1.0 / 0.3, abs=0.12)  # geometric


def test_spectrum_is_scipys_over_segments():
    rng = np.random.default_rng(2)
    values = rng.normal(280.0, 2.0, (25, 3))
    values[18, 2] = np.nan
    field = series(values, days(*range(17), *range(20, 28)), ("time", "x"))  # runs of 17 and 8
    found = temporal_spectrum(field, segment=8)
    parts = [values[0:8], values[8:16], values[17:25][:, :2]]
    power = np.concatenate([periodogram(part, window="hann", axis=0)[1][1:] for part in parts], axis=1)
    np.testing.assert_allclose(found, power.mean(1), rtol=1e-12)
    assert found.attrs["n"] == 3
    np.testing.assert_allclose(found["frequency"], [0.125, 0.25, 0.375, 0.5])
    assert np.isnan(temporal_spectrum(field, segment=20)).all()


def test_spectrum_of_white_noise_is_flat_and_holds_the_variance():
    field = series(np.random.default_rng(5).normal(size=(640, 20)), dims=("time", "x"))
    found = temporal_spectrum(field, segment=32)
    np.testing.assert_allclose(found.isel(frequency=slice(1, -1)), 2.0, rtol=0.25)
