import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_train.baselines.quantile_mapping import map_quantiles


def test_values_take_the_observed_value_of_their_rank():
    source, observed = np.array([0.0, 1.0, 2.0]), np.array([0.0, 10.0, 40.0])
    mapped = map_quantiles(np.array([0.0, 1.0, 1.5, 2.0]), source, observed, ratio_beyond=True)
    np.testing.assert_allclose(mapped, [0.0, 10.0, 25.0, 40.0])


@pytest.mark.parametrize(("ratio_beyond", "expected"), [(True, 80.0), (False, 42.0)])
def test_beyond_the_last_quantile_ratio_or_difference_is_kept(ratio_beyond, expected):
    mapped = map_quantiles(np.array([4.0]), np.array([1.0, 2.0]), np.array([10.0, 40.0]), ratio_beyond=ratio_beyond)
    np.testing.assert_allclose(mapped, expected)


def test_dry_pixels_that_share_a_rank_take_its_middle():
    source = np.array([0.0, 0.0, 0.0, 1.0])
    observed = np.array([0.0, 0.0, 0.4, 2.0])
    np.testing.assert_allclose(map_quantiles(np.zeros(2), source, observed, ratio_beyond=True), 0.2)


def test_a_gaussian_is_shifted_and_scaled():
    ranks = (np.arange(2000) + 0.5) / 2000
    rng = np.random.default_rng(0)
    source, observed = (
        np.quantile(rng.normal(size=200_000), ranks),
        np.quantile(3 + 2 * rng.normal(size=200_000), ranks),
    )
    values = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(map_quantiles(values, source, observed, ratio_beyond=False), 3 + 2 * values, atol=0.06)


# Fields are float32; float64 also knows differences so small that a quotient by them is infinite.
quantiles = arrays(np.float64, 12, elements=st.floats(0, 50, width=32)).map(np.sort)


@given(quantiles, quantiles, arrays(np.float64, 9, elements=st.floats(0, 60, width=32)).map(np.sort))
def test_order_is_kept_within_the_learnt_range_and_nothing_turns_negative(source, observed, values):
    inside = values[(values >= source[0]) & (values <= source[-1])]
    mapped = map_quantiles(inside, source, observed, ratio_beyond=True)
    assert np.all(np.diff(mapped) >= -1e-9)
    assert np.all(map_quantiles(values, source, observed, ratio_beyond=True) >= 0)
