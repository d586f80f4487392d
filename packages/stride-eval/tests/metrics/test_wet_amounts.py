"""Sums over consecutive dates and amounts above wet-day percentiles, by hand and against loops."""

import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import amount_above, running_sum, rx_n_day, wet_day_quantile
from stride_eval.metrics.errors import MetricError


def series(values, dates):
    return xr.DataArray(np.asarray(values, float), dims="time", coords={"time": np.array(dates, "M8[ns]")})


def test_sums_stay_within_runs():
    dates = ["2014-01-01", "2014-01-02", "2014-01-03", "2014-01-05", "2014-01-06", "2014-01-07", "2014-01-08"]
    field = series([1, 2, 3, 9, 9, np.nan, 1], dates)
    found = running_sum(field, window=2)
    np.testing.assert_array_equal(found, [np.nan, 3, 5, np.nan, 18, np.nan, np.nan])
    np.testing.assert_array_equal(running_sum(field, window=1), field)
    assert rx_n_day(field, window=3).item() == 6
    assert rx_n_day(field, window=5).isnull()
    assert rx_n_day(series([1, 2, 3], ["2014-01-01", "2014-01-04", "2014-02-01"]), window=2).isnull()
    with pytest.raises(MetricError, match="window is 0"):
        running_sum(field, window=0)
    with pytest.raises(MetricError, match="no dimension 'day'"):
        running_sum(field, time_dim="day")


def test_sums_of_members_and_chunks(rng):
    time = xr.date_range("2001-02-25", periods=30, freq="D", calendar="noleap", use_cftime=True)
    field = xr.DataArray(rng.gamma(1, 2, (30, 3, 4)), dims=("time", "member", "x"), coords={"time": time})
    found = rx_n_day(field)
    for member in range(3):
        for x in range(4):
            one = field.values[:, member, x]
            assert found[member, x].item() == pytest.approx(max(one[t : t + 5].sum() for t in range(26)))
    xr.testing.assert_allclose(rx_n_day(field.chunk(time=4)).compute(), found)


def test_wet_day_quantile():
    field = xr.DataArray([[0.0, 0.5], [1.0, np.nan], [2.0, 3.0], [4.0, 0.0]], dims=("time", "x"))
    np.testing.assert_array_equal(wet_day_quantile(field, quantile=0.5, at_least=2), [2.0, np.nan])
    np.testing.assert_array_equal(wet_day_quantile(field, quantile=0.5), [2.0, np.nan])
    assert wet_day_quantile(field, quantile=0.95).isnull().all()
    assert wet_day_quantile(field, quantile=0.75, dim=...).item() == 3.0
    with pytest.raises(MetricError, match="quantile is 95"):
        wet_day_quantile(field, quantile=95)


def test_amount_above():
    field = xr.DataArray([[0.0, 5.0], [2.0, np.nan], [4.0, 9.0]], dims=("time", "x"))
    level = xr.DataArray([2.0, np.nan], dims="x")
    np.testing.assert_allclose(amount_above(field, threshold=level, dim="time"), [2, np.nan])
    assert amount_above(field, threshold=level).item() == pytest.approx(2)
    assert amount_above(field, threshold=2.0).item() == pytest.approx(20 / 5)
    assert amount_above(xr.full_like(field, np.nan), threshold=2.0).isnull()


def test_a_calibrated_system_has_the_observed_amount(rng):
    observed = xr.DataArray(rng.gamma(0.7, 6, (400, 50)), dims=("time", "x"))
    forecast = xr.DataArray(rng.gamma(0.7, 6, (4, 400, 50)), dims=("member", "time", "x"))
    level = wet_day_quantile(observed)
    seen = amount_above(observed, threshold=level).item()
    assert amount_above(forecast, threshold=level).item() == pytest.approx(seen, rel=0.05)
    assert amount_above(1.2 * forecast, threshold=level).item() > 1.4 * seen
    assert amount_above(forecast.mean("member"), threshold=level).item() < 0.5 * seen


def test_short_records_are_judged_fairly(rng):
    """Forty dates: the percentile is one of the values that it judges."""
    observed = xr.DataArray(rng.gamma(0.7, 6, (40, 5000)) + 1, dims=("time", "x"))
    forecast = xr.DataArray(rng.gamma(0.7, 6, (2, 40, 5000)) + 1, dims=("member", "time", "x"))
    level = wet_day_quantile(observed)
    ratio = amount_above(forecast, threshold=level).item() / amount_above(observed, threshold=level).item()
    assert ratio == pytest.approx(1.0, abs=0.04)
