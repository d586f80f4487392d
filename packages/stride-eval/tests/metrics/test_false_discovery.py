"""Benjamini and Hochberg's procedure against scipy, by hand and under a true hypothesis."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from stride_eval.metrics import false_discovery
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    p = xr.DataArray([0.03, 0.5, 0.001, 0.04, np.nan], dims="x")
    found = false_discovery(p, alpha=0.1)
    # limits 0.025, 0.05, 0.075, 0.1
    assert found["rejected"].values.tolist() == [True, False, True, True, False]
    assert found["threshold"].item() == 0.04 and found["n"].item() == 4
    none = false_discovery(xr.full_like(p, np.nan))
    assert not none["rejected"].any() and none["n"].item() == 0
    assert false_discovery(0 * p)["rejected"].values.tolist() == [True, True, True, True, False]
    with pytest.raises(MetricError, match="alpha is 10"):
        false_discovery(p, alpha=10)
    with pytest.raises(MetricError, match="between 0 and 1"):
        false_discovery(100 * p)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from([0.05, 0.1, 0.3]))
def test_as_scipy(values, alpha):
    found = false_discovery(xr.DataArray(values, dims="x"), alpha=alpha)["rejected"].values
    adjusted = false_discovery_control(values)
    clear = abs(adjusted - alpha) > 1e-12
    np.testing.assert_array_equal(found[clear], (adjusted <= alpha)[clear])


def test_each_map_by_itself(rng):
    p = xr.DataArray(rng.random((2000, 50)), dims=("map", "x"))
    p[:, 0] = np.where(np.arange(2000) < 1000, 1e-9, p[:, 0])
    found = false_discovery(p, alpha=0.1, dim="x")
    some = found["rejected"].any("x")
    assert some[:1000].all()
    assert 0.07 < some[1000:].mean().item() < 0.13  # the field significance where no hypothesis is false
