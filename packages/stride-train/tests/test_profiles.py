import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_train.averages.profiles import (
    LONGEST,
    Profile,
    exponent_of,
    fit_profiles,
    inner_products,
    new_share,
    relative_width,
)

TIMES = (np.arange(400_000) + 0.5) / 400_000


def curve(profile: Profile, times: np.ndarray) -> np.ndarray:
    """The profile over time, zero after its own."""
    inside = times < profile.images
    return (
        (profile.exponent + 1)
        / profile.images
        * np.where(inside, times / profile.images, 0) ** profile.exponent
        * inside
    )


def test_the_widths_of_the_paper_have_these_exponents():
    # Section 3.1: sigma_rel 0.05 and 0.10 correspond to gamma 16.97 and 6.94.
    assert exponent_of(0.05) == pytest.approx(16.97, abs=0.005)
    assert exponent_of(0.10) == pytest.approx(6.94, abs=0.005)
    assert exponent_of(LONGEST) == pytest.approx(0.0, abs=1e-9)


@given(st.floats(0.003, LONGEST))
def test_an_exponent_has_the_width_that_was_asked_for(length):
    assert relative_width(exponent_of(length)) == pytest.approx(length, rel=1e-8)


@pytest.mark.parametrize("length", [0.05, 0.1, 0.2])
def test_the_width_is_the_standard_deviation_of_the_profile(length):
    density = curve(Profile(exponent_of(length), 1.0), TIMES) / TIMES.size
    mean = np.sum(density * TIMES)
    assert np.sum(density) == pytest.approx(1.0, rel=1e-5)
    assert math.sqrt(np.sum(density * (TIMES - mean) ** 2)) == pytest.approx(length, rel=1e-4)


@pytest.mark.parametrize("length", [0.0, -0.1, 0.3, float("nan")])
def test_a_width_that_no_profile_has_is_refused(length):
    with pytest.raises(ValueError, match=r"above 0 and at most 1/sqrt\(12\)"):
        exponent_of(length)


def test_a_share_by_hand():
    # gamma 1, 8 images seen before, 2 new ones: beta = (1 - 2/10)^2 = 0.64.
    assert new_share(1.0, 2, 10) == pytest.approx(0.36)
    assert new_share(16.97, 4, 4) == 1.0


def test_inner_products_equal_integrals():
    profiles = [Profile(16.97, 0.4), Profile(6.94, 0.4), Profile(2.0, 0.7), Profile(6.94, 1.0)]
    curves = np.array([curve(profile, TIMES) for profile in profiles])
    np.testing.assert_allclose(inner_products(profiles, profiles), curves @ curves.T / TIMES.size, rtol=2e-4)


def stored(count: int) -> list[Profile]:
    return [Profile(exponent_of(length), t) for t in np.arange(1, count + 1) / count for length in (0.05, 0.1)]


def test_a_stored_profile_is_fitted_by_itself():
    profiles = stored(16)
    [fit] = fit_profiles([profiles[21]], profiles)
    np.testing.assert_allclose(fit.weights, np.eye(32)[21], atol=1e-8)
    assert fit.residual < 1e-6


@pytest.mark.parametrize("length", [0.04, 0.08, 0.15, 0.25])
def test_a_fit_is_the_nearest_combination_whose_factors_add_up_to_one(length):
    """An independent oracle: least squares of the profiles on a fine grid of times, by elimination of one factor."""
    times = TIMES[::20]
    profiles, wanted = stored(8), Profile(exponent_of(length), 1.0)
    [fit] = fit_profiles([wanted], profiles)
    curves = np.array([curve(profile, times) for profile in profiles])
    target = curve(wanted, times)
    others = np.linalg.lstsq((curves[:-1] - curves[-1]).T, target - curves[-1], rcond=None)[0]
    oracle = np.append(others, 1 - others.sum())
    missed = np.linalg.norm(target - oracle @ curves) / np.linalg.norm(target)
    assert fit.weights.sum() == pytest.approx(1.0, abs=1e-10)
    assert fit.residual == pytest.approx(missed, rel=0.02)
    np.testing.assert_allclose(fit.weights @ curves, oracle @ curves, atol=0.02 * target.max())


def test_sixteen_snapshots_of_two_lengths_reach_from_three_to_twenty_five_percent():
    lengths = (0.01, 0.03, 0.08, 0.25)
    fits = fit_profiles([Profile(exponent_of(length), 1.0) for length in lengths], stored(16))
    too_short, short, middle, long = (fit.residual for fit in fits)
    assert middle < 0.004 and short < 0.05 and long < 0.1 and too_short > 0.3


@given(st.floats(0.01, 0.28), st.lists(st.integers(1, 64), min_size=1, max_size=30))
def test_shares_of_past_weights_add_up_to_one_and_are_the_integrals_of_the_profile(length, batches):
    exponent, ends = exponent_of(length), np.cumsum(batches)
    shares = np.zeros(len(batches))
    for step, (batch, end) in enumerate(zip(batches, ends, strict=True)):
        share = new_share(exponent, batch, int(end))
        shares *= 1 - share
        shares[step] = share
    integrals = np.diff((np.append(0, ends) / ends[-1]) ** (exponent + 1))
    np.testing.assert_allclose(shares, integrals, rtol=1e-9, atol=1e-12)
    assert shares.sum() == pytest.approx(1.0)
