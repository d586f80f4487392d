"""Scores of the ensemble mean: bias, relative bias, MAE, RMSE, correlation; and the skill score."""

import numpy as np
import pytest
import scores.continuous
import xarray as xr
from stride_eval.metrics import bias, correlation, mae, relative_bias, rmse, skill_score
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    """Means 1, 3 and 5 against 2, 2, 2: errors -1, 1, 3."""
    forecast = xr.DataArray([[0.0, 2], [2, 4], [5, 5]], dims=("x", "member"))
    observed = xr.DataArray([2.0, 2, 2], dims="x")
    assert bias(forecast, observed).values.tolist() == [-1, 1, 3]
    assert bias(forecast, observed, dim=...) == 1
    assert relative_bias(forecast, observed) == 50
    assert mae(forecast, observed, dim=...).item() == pytest.approx(5 / 3)
    assert rmse(forecast, observed).item() == pytest.approx(np.sqrt(11 / 3))
    assert np.isnan(correlation(forecast, observed))
    assert correlation(forecast, observed + xr.DataArray([0.0, 2, 4], dims="x")).item() == pytest.approx(1)


@pytest.mark.parametrize("dim", [("time", "y", "x"), ("time",), ("y", "x")])
def test_against_scores(hard, dim):
    forecast, observed = (array.astype(float) for array in hard)
    product = forecast.mean("member", skipna=False)
    keep = {"reduce_dims": dim}
    theirs = {
        bias: scores.continuous.mean_error(product, observed, **keep),
        mae: scores.continuous.mae(product, observed, **keep),
        rmse: scores.continuous.rmse(product, observed, **keep),
        correlation: scores.continuous.correlation.pearsonr(product, observed, **keep),
        relative_bias: scores.continuous.pbias(product, observed, **keep),
    }
    for metric, expected in theirs.items():
        ours = metric(forecast, observed, dim=dim)
        expected = expected.where(np.isfinite(expected)).transpose(*ours.dims)
        both = ours.notnull() & expected.notnull()
        np.testing.assert_allclose(ours.where(both), expected.where(both), rtol=1e-9, atol=1e-12)
        assert (ours.notnull() <= expected.notnull()).all()


def test_weighted_correlation(rng):
    a, b, w = (xr.DataArray(rng.random(50), dims="x") for _ in range(3))
    ours = correlation(a.expand_dims("member"), b, weights=w)
    covariance = np.cov(a, b, aweights=w)
    assert ours.item() == pytest.approx(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def test_correlation_of_a_constant_field_is_missing(rng):
    forecast = xr.DataArray(np.full((3, 7), 0.1), dims=("member", "x"))
    assert np.isnan(correlation(forecast, xr.DataArray(rng.normal(size=7), dims="x")))


def test_relative_bias_of_a_dry_observation_is_missing():
    forecast = xr.DataArray([[1.0, 2]], dims=("x", "member"))
    assert np.isnan(relative_bias(forecast, xr.DataArray([0.0], dims="x")))


def test_units(hard):
    assert {metric(*hard).attrs["units"] for metric in (bias, mae, rmse)} == {"mm day-1"}
    assert relative_bias(*hard).attrs["units"] == "%"


def test_skill_is_a_ratio_of_means():
    score = xr.DataArray([1.0, 1.0, np.nan, 4.0], dims="time")
    reference = xr.DataArray([2.0, 8.0, 5.0, np.nan], dims="time")
    assert skill_score(score, reference).item() == pytest.approx(1 - 2 / 10)
    np.testing.assert_allclose(skill_score(score, reference, dim=None), [0.5, 7 / 8, np.nan, np.nan])
    weights = xr.DataArray([3.0, 1, 1, 1], dims="time")
    assert skill_score(score, reference, weights=weights).item() == pytest.approx(1 - 4 / 14)
    assert skill_score(score, score).item() == 0
    assert skill_score(1 - score, 1 - reference, perfect=1).item() == pytest.approx(0.8)


def test_skill_raises():
    score = xr.DataArray([1.0, 2], dims="time", coords={"time": [0, 1]})
    assert np.isnan(skill_score(score, 0 * score))
    with pytest.raises(MetricError, match="other labels"):
        skill_score(score, score.assign_coords(time=[1, 2]))
    with pytest.raises(MetricError, match="score has dimensions time and reference day"):
        skill_score(score, score.rename(time="day"))
