from itertools import product

import numpy as np
import pytest
from stride_eval.metrics.sorting import NETWORK_LIMIT, sort_members


@pytest.mark.parametrize("count", range(1, 11))
def test_zeros_and_ones(count):
    """The zero-one principle: a network that sorts all sequences of zeros and ones sorts everything."""
    table = np.array(list(product([0.0, 1.0], repeat=count))).T
    np.testing.assert_array_equal(sort_members(table), np.sort(table, axis=0))


@pytest.mark.parametrize("count", [11, 16, 23, 31, NETWORK_LIMIT, NETWORK_LIMIT + 1, 70])
def test_against_numpy(rng, count):
    for values in (rng.normal(size=(count, 500)).astype(np.float32), rng.integers(0, 3, (count, 500)).astype(float)):
        before = values.copy()
        np.testing.assert_array_equal(sort_members(values), np.sort(values, axis=0))
        np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("count", [5, 40])
def test_a_missing_member_shows(rng, count):
    values = rng.normal(size=(count, 3))
    values[2, 1] = np.nan
    assert np.isnan(sort_members(values).sum(axis=0)).tolist() == [False, True, False]
