import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import block_maximum, exceedance_ratio, quantile_ratio
from stride_eval.metrics.errors import MetricError


def test_block_maximum():
    time = xr.date_range("2000-12-30", periods=4, freq="D")
    field = xr.DataArray([[1.0, 7], [5, np.nan], [2, np.nan], [3, np.nan]], dims=("time", "x"), coords={"time": time})
    assert block_maximum(field).values.tolist() == [5, 7]
    yearly = block_maximum(field, freq="YS")
    np.testing.assert_array_equal(yearly, [[5, 7], [3, np.nan]])
    with pytest.raises(MetricError, match="no dimension 'day'"):
        block_maximum(field, time_dim="day")


def test_block_maximum_of_other_calendars():
    time = xr.date_range("2000-02-28", periods=4, freq="D", calendar="noleap", use_cftime=True)
    field = xr.DataArray([1.0, 2, 3, 4], dims="time", coords={"time": time})
    assert block_maximum(field, freq="MS").values.tolist() == [1, 4]


def test_exceedance_ratio(rng):
    """Twice the standard deviation: P(|2z| >= q) against P(|z| >= q)."""
    observed = xr.DataArray(abs(rng.normal(size=100_000)), dims="x")
    forecast = xr.DataArray(abs(2 * rng.normal(size=(3, 100_000))), dims=("member", "x"))
    result = exceedance_ratio(forecast, observed, quantiles=[0.9, 0.99])
    np.testing.assert_allclose(result["observed_frequency"], [0.1, 0.01], rtol=0.01)
    np.testing.assert_allclose(result["threshold"], [1.645, 2.576], rtol=0.02)
    np.testing.assert_allclose(result["forecast_frequency"], [0.411, 0.198], rtol=0.03)
    np.testing.assert_allclose(result["ratio"], result["forecast_frequency"] / result["observed_frequency"])


def test_of_itself(hard):
    _, observed = hard
    same = observed.expand_dims(member=4)
    for metric in (exceedance_ratio, quantile_ratio):
        for dim in (..., "time"):
            ratio = metric(same, observed, quantiles=(0.5, 0.999), dim=dim)["ratio"]
            np.testing.assert_allclose(ratio.values[np.isfinite(ratio.values)], 1)
    dry = exceedance_ratio(same, 0 * observed, quantiles=0.9)
    assert dry["observed_frequency"].item() == dry["forecast_frequency"].item() == 1


def test_quantile_ratio(rng):
    observed = xr.DataArray(rng.gamma(0.5, 4, 50_000), dims="x")
    forecast = 1.3 * observed.expand_dims(member=2)
    result = quantile_ratio(forecast, observed, quantiles=(0.5, 0.999))
    np.testing.assert_allclose(result["ratio"], 1.3)
    np.testing.assert_array_equal(result["observed"], np.quantile(observed, [0.5, 0.999], method="inverted_cdf"))
    assert np.isnan(quantile_ratio(forecast, 0 * observed)["ratio"]).all()


def test_same_points_and_chunks(hard, gaps):
    forecast, observed = hard
    expected = quantile_ratio(forecast, observed, quantiles=0.9)
    members = np.moveaxis(forecast.values, 1, 0)[:, ~gaps]
    assert expected["forecast"].item() == np.quantile(members, 0.9, method="inverted_cdf")
    for metric in (exceedance_ratio, quantile_ratio):
        chunked = metric(forecast.chunk(time=3, member=4), observed.chunk(y=7), dim="time")
        xr.testing.assert_allclose(chunked.compute(), metric(forecast, observed, dim="time"))
