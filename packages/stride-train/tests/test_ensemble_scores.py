import math

import numpy as np
import pytest
from stride_train.training.ensemble_scores import EnsembleScores, fair_crps, spread_skill
from stride_vars.catalogue import Catalogue

PRCP, T2M = (Catalogue.load().get(key) for key in ("prcp", "t2m"))
SQUARE = (1.0, 1.0)


def read(variable, *cases):
    scores = EnsembleScores(variable, SQUARE)
    for members, observed in cases:
        scores.add(np.asarray(members, np.float32), np.asarray(observed, np.float32))
    return scores.reading()


def test_fair_crps_by_hand():
    # mean |x - y| = (1 + 0 + 2) / 3; sum over ordered pairs |xi - xj| = 2 (1 + 3 + 2) = 12, over 2 M (M - 1) = 12
    assert fair_crps(np.array([0.0, 1.0, 3.0]), np.array(1.0)) == pytest.approx(1.0 - 1.0)


def test_fair_crps_is_independent_of_ensemble_size_for_a_perfect_ensemble():
    rng = np.random.default_rng(0)
    observed = rng.normal(size=40_000)
    small, large = (fair_crps(rng.normal(size=(size, observed.size)), observed).mean() for size in (2, 12))
    assert small == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)
    assert large == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


def test_two_pixels_by_hand():
    # Pixel 1: members 0 and 2, observed 3: mean 1, variance 2, squared error 4, CRPS (3 + 1) / 2 - 2 / 2 = 1.
    # Pixel 2: members 4 and 4, observed 1: mean 4, variance 0, squared error 9, CRPS 3.
    reading = read(PRCP, ([[[0.0, 4.0]], [[2.0, 4.0]]], [[3.0, 1.0]]))
    assert reading.crps == pytest.approx((1 + 3) / 2)
    # Mean variance 1 over (6.5 - 1 / 2); the mean of the two spreads, (sqrt 2 + 0) / 2, is not what counts.
    assert reading.spread_skill == pytest.approx(math.sqrt(1.0 / 6.0))
    assert reading.bias == pytest.approx(2.5 - 2.0)
    assert reading.bias_percent == pytest.approx(25.0)
    # The catalogue's wet threshold is 1 mm a day.
    assert (reading.wet_fraction, reading.wet_fraction_observed) == (0.75, 1.0)


def test_what_is_not_observed_counts_nowhere():
    whole = read(PRCP, ([[[0.0, 4.0]], [[2.0, 4.0]]], [[3.0, 1.0]]))
    nan = np.nan
    part = read(PRCP, ([[[0.0, 4.0, 99.0]], [[2.0, 4.0, 0.0]]], [[3.0, 1.0, nan]]))
    nothing = ([[[7.0, 7.0]], [[7.0, 7.0]]], [[nan, nan]])
    also = read(PRCP, nothing, ([[[0.0, 4.0]], [[2.0, 4.0]]], [[3.0, 1.0]]))
    for reading in (part, also):
        assert reading.crps == whole.crps and reading.spread_skill == whole.spread_skill
        assert reading.bias == whole.bias and reading.wet_fraction == whole.wet_fraction
    assert read(PRCP, nothing) is None


def test_a_field_with_a_hole_has_no_spectrum():
    rng = np.random.default_rng(3)
    whole = rng.normal(size=(3, 8, 8)), rng.normal(size=(8, 8))
    hole = whole[0], np.where(np.eye(8) > 0, np.nan, whole[1])
    assert read(T2M, hole).spectrum_ratio is None
    assert read(T2M, whole, hole).spectrum_ratio == read(T2M, whole).spectrum_ratio


def test_a_reliable_ensemble_has_as_much_spread_as_error_whatever_its_size():
    rng = np.random.default_rng(1)
    for size in (2, 3, 12):
        forecast = rng.normal(size=(200, 200))
        members = forecast + rng.normal(size=(size, 200, 200))
        reading = read(T2M, (members, forecast + rng.normal(size=(200, 200))))
        assert reading.spread_skill == pytest.approx(1.0, abs=0.02)
        assert reading.spectrum_ratio == pytest.approx(1.0, abs=0.05)


def test_the_mean_of_the_members_has_no_say_in_the_spectrum():
    rng = np.random.default_rng(2)
    observed = rng.normal(size=(64, 64))
    reading = read(T2M, (rng.normal(size=(8, 64, 64)), observed))
    assert reading.spectrum_ratio == pytest.approx(1.0, abs=0.1)  # that of their mean would be 1 / 8


def test_an_error_within_its_sampling_noise_has_no_ratio():
    assert spread_skill(4.0, 3.0, 2) == pytest.approx(2.0)
    assert spread_skill(4.0, 2.0, 2) is None
    assert spread_skill(0.0, 1.0, 2) == 0.0


def test_percent_are_of_amounts_alone():
    members, observed = np.full((2, 4, 4), 281.0), np.full((4, 4), 280.0)
    reading = read(T2M, (members, observed))
    assert reading.bias == pytest.approx(1.0)
    assert (reading.bias_percent, reading.wet_fraction, reading.wet_fraction_observed) == (None, None, None)
    dry = read(PRCP, (np.ones((2, 4, 4)), np.zeros((4, 4))))
    assert (dry.bias, dry.bias_percent, dry.spectrum_ratio) == (1.0, None, None)
