import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import MetricError, cross_correlation


def test_by_hand():
    first = xr.DataArray([1.0, 2.0, 3.0, np.nan], dims="x")
    second = xr.DataArray([2.0, 4.0, 9.0, 5.0], dims="x")
    # Deviations (-1, 0, 1) and (-3, -1, 4): 7 over the root of 2 * 26.
    assert cross_correlation(first, second, dim="x").item() == pytest.approx(7 / np.sqrt(52))
    assert cross_correlation(first, -first, dim="x").item() == pytest.approx(-1.0)


def test_against_numpy(hard, gaps):
    forecast, _ = hard
    other = forecast**2 + forecast.isel(x=slice(None, None, -1)).values
    found = cross_correlation(forecast, other)
    assert found.dims == ("time", "member")
    for day in (0, 3, 4, 5):
        for member in range(7):
            one, two = (field.values[day, member].ravel().astype(float) for field in (forecast, other))
            kept = np.isfinite(one) & np.isfinite(two)
            assert found[day, member].item() == pytest.approx(np.corrcoef(one[kept], two[kept])[0, 1], abs=1e-6)


def test_constant_fields_have_none():
    """The mean of 0.1 added up is not exactly 0.1."""
    field = xr.DataArray(np.random.default_rng(0).normal(size=(10, 10)), dims=("y", "x"))
    assert cross_correlation(xr.full_like(field, 0.1), field).isnull()
    assert cross_correlation(field * np.nan, field).isnull()


def test_raises():
    with pytest.raises(MetricError, match="on the same points"):
        cross_correlation(xr.DataArray([1.0, 2.0], dims="x"), xr.DataArray([1.0], dims="x"), dim="x")
