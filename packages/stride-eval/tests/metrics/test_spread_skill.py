import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import ensemble_mean, ensemble_moments, spread_skill, spread_skill_binned
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    """Members (0, 2) and (1, 5), observed 4 and 3: variances 2 and 8, errors -3 and 0."""
    forecast = xr.DataArray([[0.0, 2], [1, 5]], dims=("x", "member"))
    result = spread_skill(forecast, xr.DataArray([4.0, 3], dims="x"))
    assert result["spread"].item() == pytest.approx(np.sqrt(5))
    assert result["rmse"].item() == pytest.approx(np.sqrt(4.5))
    assert result["skill"].item() == pytest.approx(np.sqrt(4.5 - 5 / 2))
    assert result["ratio"].item() == pytest.approx(np.sqrt(5 / 2))
    assert result["n"] == 2


@pytest.mark.parametrize("members", [2, 5, 20])
@pytest.mark.parametrize("spread", [1.0, 0.5, 2.0])
def test_verdict(calibrated, members, spread):
    """The ratio is the true one for any number of members, reliable or not."""
    result = spread_skill(*calibrated(members, spread))
    assert result["ratio"].item() == pytest.approx(spread, rel=0.04)


def test_moments_against_numpy(hard, gaps):
    forecast, _ = hard
    moments = ensemble_moments(forecast)
    wide = forecast.values.astype(float)
    np.testing.assert_allclose(moments["mean"], wide.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(moments["variance"], wide.var(axis=1, ddof=1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ensemble_mean(forecast), wide.mean(axis=1), rtol=1e-12)


def test_variance_of_large_values():
    forecast = xr.DataArray(np.array([[1e6, 1e6 + 1]], np.float32), dims=("x", "member"))
    assert ensemble_moments(forecast)["variance"].item() == 0.5


def test_one_member(hard):
    forecast, observed = hard
    result = spread_skill(forecast.isel(member=[0]), observed)
    assert np.isnan([result[name].item() for name in ("spread", "skill", "ratio")]).all()
    assert result["rmse"] > 0


def test_no_skill_left_and_no_spread():
    forecast = xr.DataArray([[0.0, 2], [3, 3]], dims=("x", "member"))
    result = spread_skill(forecast, xr.DataArray([1.0, 3], dims="x"), dim=None)
    assert result["skill"].values.tolist() == [0, 0]
    assert result["ratio"][0] == np.inf
    assert np.isnan(result["ratio"][1])


def test_missing_counts(hard, gaps):
    daily = spread_skill(*hard, dim=("y", "x"))
    np.testing.assert_array_equal(daily["n"], (~gaps).sum(axis=(1, 2)))
    assert np.isnan(daily["spread"][2])


def test_binned(calibrated, rng):
    """Spread that differs from place to place: each bin lies on the diagonal."""
    scale = rng.uniform(0.2, 3, (20, 40, 50))
    forecast = xr.DataArray(scale[:, None] * rng.normal(size=(20, 30, 40, 50)), dims=("time", "member", "y", "x"))
    observed = xr.DataArray(scale * rng.normal(size=scale.shape), dims=("time", "y", "x"))
    result = spread_skill_binned(forecast, observed, bins=5)
    assert result.sizes["bin"] == 5
    assert (abs(result["n"] - 8000) <= 1).all()
    assert (result["spread"].diff("bin") > 0).all()
    np.testing.assert_allclose(result["ratio"], 1, atol=0.1)
    whole = spread_skill(forecast, observed)
    assert np.average(result["spread"] ** 2, weights=result["n"]) == pytest.approx(whole["spread"].item() ** 2)
    assert np.average(result["rmse"] ** 2, weights=result["n"]) == pytest.approx(whole["rmse"].item() ** 2)


def test_binned_dry_ties_merge(dry):
    forecast, observed = dry()
    result = spread_skill_binned(forecast, observed, bins=10)
    assert 1 < result.sizes["bin"] < 10
    assert result["n"].sum() == observed.size
    assert (result["n"] > 0).all()
    order = forecast.transpose("x", "member", "y", "time")
    xr.testing.assert_allclose(spread_skill_binned(order, observed), result)


def test_binned_raises(hard):
    with pytest.raises(MetricError, match="one member has no spread"):
        spread_skill_binned(hard[0].isel(member=[0]), hard[1])
    with pytest.raises(MetricError, match="bins is 0"):
        spread_skill_binned(*hard, bins=0)


def test_binned_without_a_valid_point(hard):
    assert spread_skill_binned(hard[0], hard[1] * np.nan)["n"].sum() == 0
