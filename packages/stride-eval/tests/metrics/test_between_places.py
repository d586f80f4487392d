"""Tail dependence, correlograms and the pairs they are taken of."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from stride_eval.metrics import (
    correlogram,
    distance_pairs,
    joint_exceedance,
    tail_dependence,
    tail_dependence_from_shares,
)
from stride_eval.metrics.errors import MetricError


def series(values):
    return xr.DataArray(np.asarray(values, float), dims="time")


def test_tail_dependence_by_hand():
    first, second = series([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), series([1, 2, 3, 4, 5, 6, 7, 10, 9, 8])
    found = tail_dependence(first, second, level=0.8)
    # above the 0.8 quantile: 9 and 10 in both; together on one date of ten, neither on seven
    assert found["marginal"].item() == pytest.approx(0.2) and found["joint"].item() == pytest.approx(0.1)
    assert found["chi"].item() == pytest.approx(2 - np.log(0.7) / np.log(0.8))
    assert found["chi_bar"].item() == pytest.approx(2 * np.log(0.2) / np.log(0.1) - 1)
    same = tail_dependence(first, first, level=0.8)
    assert same["chi"].item() == pytest.approx(1.0) and same["chi_bar"].item() == pytest.approx(1.0)
    apart = tail_dependence(first, -first, level=0.8)
    assert apart["chi"].item() < 0 and apart["chi_bar"].item() == -1.0
    dry = tail_dependence(0 * first, second, level=0.8)
    assert dry["joint"].item() == 0.0
    assert tail_dependence(0 * first, 0 * first, level=0.8)["chi"].isnull()
    with pytest.raises(MetricError, match="level is 90"):
        joint_exceedance(first, second, level=90)


def test_independence_and_complete_dependence_of_shares():
    m = xr.DataArray([0.1, 0.01])
    free = tail_dependence_from_shares(m**2, m)
    np.testing.assert_allclose(free["chi"], 0.0, atol=1e-12)
    np.testing.assert_allclose(free["chi_bar"], 0.0, atol=1e-12)
    bound = tail_dependence_from_shares(m, m)
    np.testing.assert_allclose(bound["chi"], 1.0)
    np.testing.assert_allclose(bound["chi_bar"], 1.0)
    assert tail_dependence_from_shares(0 * m, m)["chi_bar"].values.tolist() == [-1.0, -1.0]


def test_chi_of_a_known_law(rng):
    """max(Z1, Z0), max(Z2, Z0) of unit Fréchet variables: chi = 1/2 at every level; a Gaussian pair."""
    z = -1 / np.log(rng.random((3, 400_000)))
    found = tail_dependence(series(np.maximum(z[0], z[2])), series(np.maximum(z[1], z[2])), level=0.98)
    assert found["chi"].item() == pytest.approx(0.5, abs=0.02)
    g = rng.normal(size=(2, 400_000))
    found = tail_dependence(series(g[0]), series(0.6 * g[0] + 0.8 * g[1]), level=0.98)
    joint = stats.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]]).cdf([stats.norm.ppf(0.02)] * 2)
    assert found["chi_bar"].item() == pytest.approx(2 * np.log(0.02) / np.log(joint) - 1, abs=0.02)
    assert found["chi"].item() == pytest.approx(2 - np.log(0.96 + joint) / np.log(0.98), abs=0.02)


def test_missing_dates_and_pooled_pairs(rng):
    first = xr.DataArray(rng.normal(size=(200, 30)), dims=("time", "pair"))
    second = first + rng.normal(size=first.shape)
    gap = first.copy()
    gap[3] = np.nan
    short = [one.isel(time=[t for t in range(200) if t != 3]) for one in (first, second)]
    xr.testing.assert_allclose(tail_dependence(gap, second, pool="pair"), tail_dependence(*short, pool="pair"))
    assert correlogram(gap, second).item() == pytest.approx(correlogram(*short).item())


def test_correlogram(rng):
    first = xr.DataArray(rng.normal(size=(4000, 5)), dims=("time", "pair"))
    offset = xr.DataArray(np.arange(5.0) * 100, dims="pair")
    second = 0.7 * first + np.sqrt(1 - 0.49) * xr.DataArray(rng.normal(size=(4000, 5)), dims=("time", "pair"))
    found = correlogram(first + offset, second - offset).item()
    assert found == pytest.approx(0.7, abs=0.02)
    assert correlogram(first, first).item() == pytest.approx(1.0)
    assert correlogram(first, -first).item() == pytest.approx(-1.0)
    assert correlogram(0 * first, 0 * first).isnull()
    both = xr.concat([first.isel(pair=0), second.isel(pair=0)], "order", coords="minimal")
    pooled = np.corrcoef(both.values.ravel(), both.values[::-1].ravel())[0, 1]
    alone = correlogram(first[:, :1], second[:, :1]).item()
    assert alone == pytest.approx(pooled, abs=2e-3)  # up to the difference of the two means


def test_distance_pairs():
    valid = np.ones((20, 30), bool)
    valid[:, :3] = False
    pairs = distance_pairs(valid, spacing=(2.5, 2.5), limit=40)
    assert pairs.first.shape == (4, 40)  # 2.5, 5, 10, 20 km; half the shorter side is 25 km
    np.testing.assert_allclose(pairs.distance, [2.5, 5, 10, 20], rtol=0.25)
    for first, second, distance in zip(pairs.first, pairs.second, pairs.distance, strict=True):
        assert valid.ravel()[first].all() and valid.ravel()[second].all()
        apart = 2.5 * np.hypot(first // 30 - second // 30, first % 30 - second % 30)
        assert apart.mean() == pytest.approx(distance) and np.ptp(apart) < 0.5 * distance
    again = distance_pairs(valid, spacing=(2.5, 2.5), limit=40)
    assert (again.first == pairs.first).all() and (again.second == pairs.second).all()
    assert distance_pairs(np.zeros((4, 4), bool)).distance.size == 0
    assert distance_pairs(np.ones((1, 1), bool)).distance.size == 0
    assert distance_pairs(np.ones((1, 9), bool), limit=5).distance.tolist() == [1.0]
    with pytest.raises(MetricError, match="limit is 0"):
        distance_pairs(valid, limit=0)
