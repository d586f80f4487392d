from importlib import import_module

import numpy as np
import pytest
import scoringrules
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_eval.metrics import MetricError, PointPairs, point_pairs, variogram_score


def every_pair(rows, columns):
    return point_pairs((rows, columns), max_distance=1e3, limit=10**9)


def test_by_hand():
    """Members (0, 4) and (0, 0), observation (0, 1): 1 against the mean of 2 and 0; variance of (2, 0) over M is 1."""
    forecast = xr.DataArray([[[0.0, 4.0]], [[0.0, 0.0]]], dims=("member", "y", "x"))
    observed = xr.DataArray([[0.0, 1.0]], dims=("y", "x"))
    pairs = point_pairs((1, 2))
    assert variogram_score(forecast, observed, pairs=pairs, estimator="ecdf").item() == pytest.approx(0.0)
    assert variogram_score(forecast, observed, pairs=pairs).item() == pytest.approx(-1.0)
    assert variogram_score(forecast[:1], observed, pairs=pairs, estimator="auto").item() == pytest.approx(1.0)
    assert variogram_score(forecast[:1], observed, pairs=pairs, estimator="auto", order=1).item() == pytest.approx(9.0)


@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_against_scoringrules(hard, gaps, estimator):
    forecast, observed = (array.isel(y=slice(0, 6), x=slice(0, 7)) for array in hard)
    gaps = gaps[:, :6, :7]
    pairs = every_pair(6, 7)
    ours = variogram_score(forecast, observed, pairs=pairs, estimator=estimator)
    assert np.isnan(ours[2]) and ours[1] == 0.0
    weights = np.zeros((42, 42))
    weights[pairs.first, pairs.second] = weights[pairs.second, pairs.first] = pairs.weight
    for day in (0, 3, 4, 5):
        kept = ~gaps[day].ravel()
        w = weights[np.ix_(kept, kept)]
        theirs = scoringrules.vs_ensemble(
            observed.values[day].ravel()[kept].astype(float),
            forecast.values[day].reshape(7, -1)[:, kept].astype(float),
            w=w,
            estimator={"ecdf": "nrg"}.get(estimator, estimator),
        )
        assert ours[day].item() == pytest.approx(theirs / w.sum(), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 6), columns=st.integers(2, 7), reach=st.floats(1.0, 5.0), limit=st.integers(1, 60))
def test_pairs(rows, columns, reach, limit):
    """Different pairs within the distance; all of them where they are few enough."""
    step = (1.0, 0.5)
    pairs = point_pairs((rows, columns), spacing=step, max_distance=reach, limit=limit)
    y, x = np.divmod(np.arange(rows * columns), columns)
    distance = np.hypot((y[:, None] - y) * step[0], (x[:, None] - x) * step[1])
    possible = np.count_nonzero(np.triu(distance <= reach * (1 + 1e-9), 1))
    assert pairs.first.size == min(possible, limit)
    assert len({frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)}) == pairs.first.size
    np.testing.assert_allclose(1.0 / pairs.weight, distance[pairs.first, pairs.second])
    again = point_pairs((rows, columns), spacing=step, max_distance=reach, limit=limit)
    np.testing.assert_array_equal(pairs.first, again.first)


def test_pairs_of_a_large_grid():
    """Distances are drawn as often as they occur: a quarter of them below half of the largest."""
    pairs = point_pairs((512, 512), max_distance=16.0, limit=20_000)
    assert pairs.first.size == 20_000
    assert np.mean(1.0 / pairs.weight <= 8.0) == pytest.approx(0.245, abs=0.02)
    assert pairs.second.max() < 512 * 512


def test_known_truth(rng):
    """Members that look right at each pixel but forget that neighbours go together are found out."""

    def draw(count, together):
        shared, own = rng.normal(size=(300, count, 1, 1)), rng.normal(size=(300, count, 4, 4))
        return xr.DataArray(np.sqrt(together) * shared + np.sqrt(1 - together) * own, dims=("time", "member", "y", "x"))

    observed, pairs = draw(1, 0.8).isel(member=0), every_pair(4, 4)
    right = variogram_score(draw(10, 0.8), observed, pairs=pairs, dim="time").item()
    assert right < 0.8 * variogram_score(draw(10, 0.0), observed, pairs=pairs, dim="time").item()
    few, many = (variogram_score(draw(m, 0.8), observed, pairs=pairs, dim="time").item() for m in (2, 20))
    assert few == pytest.approx(many, abs=0.1 * right)
    assert variogram_score(draw(2, 0.8), observed, pairs=pairs, dim="time", estimator="ecdf").item() > 1.2 * right


def test_chunked_and_in_blocks(hard, monkeypatch):
    pairs = point_pairs((12, 15), max_distance=4.0, limit=300)
    expected = variogram_score(*hard, pairs=pairs)
    lazy = variogram_score(hard[0].chunk(member=2, time=1, y=5), hard[1].chunk(x=4), pairs=pairs)
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)
    monkeypatch.setattr(import_module("stride_eval.metrics.variogram_score"), "BLOCK_VALUES", 50)
    xr.testing.assert_allclose(variogram_score(*hard, pairs=pairs), expected, rtol=1e-12)


def test_raises(hard):
    pairs = point_pairs((12, 15))
    with pytest.raises(MetricError, match="undefined for one member"):
        variogram_score(hard[0].isel(member=[0]), hard[1], pairs=pairs)
    with pytest.raises(MetricError, match="order is 0"):
        variogram_score(*hard, pairs=pairs, order=0)
    with pytest.raises(MetricError, match="pairs are of a grid of"):
        variogram_score(*hard, pairs=PointPairs(pairs.first, pairs.second, pairs.weight, (15, 12)))
    with pytest.raises(MetricError, match="no two points"):
        point_pairs((3, 3), max_distance=0.5)
    with pytest.raises(MetricError, match="limit is 0"):
        point_pairs((3, 3), limit=0)
