import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import MetricError, spread_skill, spread_skill_sums


def test_by_hand():
    """Spreads 0, sqrt(2) and sqrt(8): below 1, from 1 to below 2, from 2 on."""
    forecast = xr.DataArray([[1.0, 0.0, 0.0, np.nan], [1.0, 2.0, 4.0, 1.0]], dims=("member", "x"))
    observed = xr.DataArray([3.0, 1.0, 0.0, 0.0], dims="x")
    sums = spread_skill_sums(forecast, observed, edges=[1.0, 2.0])
    np.testing.assert_array_equal(sums["n"], [1, 1, 1])
    np.testing.assert_allclose(sums["variance"], [0.0, 2.0, 8.0])
    np.testing.assert_allclose(sums["squared_error"], [4.0, 0.0, 4.0])


def test_classes_add_up_to_the_whole(hard):
    forecast, observed = hard
    sums = spread_skill_sums(forecast, observed, edges=np.logspace(-2, 2, 20), dim=("y", "x"))
    whole = spread_skill(forecast, observed)
    total = sums.sum()
    assert total["n"] == whole["n"]
    assert np.sqrt(total["variance"] / total["n"]).item() == pytest.approx(whole["spread"].item())
    assert np.sqrt(total["squared_error"] / total["n"]).item() == pytest.approx(whole["rmse"].item())
    lazy = spread_skill_sums(
        forecast.chunk(time=2, y=5), observed.chunk(time=2), edges=np.logspace(-2, 2, 20), dim=("y", "x")
    )
    xr.testing.assert_allclose(lazy.compute(), sums)


def test_raises(hard):
    with pytest.raises(MetricError, match="one member has no spread"):
        spread_skill_sums(hard[0].isel(member=[0]), hard[1], edges=[1.0])
    with pytest.raises(MetricError, match="edges must be"):
        spread_skill_sums(*hard, edges=[2.0, 1.0])
