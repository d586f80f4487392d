import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from stride_eval.metrics import (
    exceedance,
    histogram,
    perkins_overlap,
    pooled_quantiles,
    wasserstein,
    wet_day_frequency,
    wet_day_intensity,
)
from stride_eval.metrics.errors import MetricError

CHUNKS = {"time": 4, "y": 7}
POOL = ("time", "member")


def test_wet_days_by_hand():
    field = xr.DataArray([0.0, 0.9, 1.0, 3.0, np.nan], dims="time")
    assert wet_day_frequency(field, threshold=1) == 0.5
    assert wet_day_intensity(field, threshold=1) == 2
    assert (
        wet_day_frequency(field, threshold=1, dim="time", weights=xr.DataArray([1.0, 1, 1, 5, 9], dims="time")) == 0.75
    )
    assert wet_day_intensity(field, threshold=1, weights=xr.DataArray([1.0, 1, 1, 3, 9], dims="time")) == 2.5
    assert np.isnan(wet_day_intensity(field, threshold=9))
    assert np.isnan(wet_day_frequency(field * np.nan, threshold=1))
    np.testing.assert_array_equal(wet_day_frequency(field, threshold=1, dim=None), [0, 0, 1, 1, np.nan])


def test_wet_day_maps(hard):
    forecast, observed = hard
    for metric in (wet_day_frequency, wet_day_intensity):
        maps = metric(forecast, threshold=1, dim=POOL)
        assert maps.dims == metric(observed, threshold=1, dim=POOL).dims == ("y", "x")
        chunked = metric(forecast.chunk(CHUNKS), threshold=1, dim=POOL)
        xr.testing.assert_allclose(chunked.compute(), maps, rtol=1e-12)
        equal = metric(forecast, threshold=1, dim=POOL, weights=xr.DataArray(np.ones(6), dims="time"))
        xr.testing.assert_allclose(equal, maps, rtol=1e-6)
        local = metric(forecast, threshold=xr.full_like(observed[0], 1.0), dim=POOL)
        xr.testing.assert_allclose(local, maps, rtol=1e-6)


@pytest.mark.parametrize("dim", [..., POOL, ("y", "x", "member")])
def test_quantiles_against_numpy(hard, dim):
    forecast, _ = hard
    wanted = [0, 0.1, 0.5, 0.999, 1]
    ours = pooled_quantiles(forecast, wanted, dim=dim)
    theirs = forecast.astype(float).quantile(wanted, dim=dim, skipna=True, method="inverted_cdf")
    np.testing.assert_array_equal(ours.transpose(*theirs.dims), theirs)
    xr.testing.assert_identical(pooled_quantiles(forecast.chunk(CHUNKS), wanted, dim=dim).compute(), ours)


def test_quantiles_by_hand():
    field = xr.DataArray(np.arange(1.0, 11), dims="x")
    assert pooled_quantiles(field, [0, 0.05, 0.1, 0.5, 0.7, 0.9, 0.95, 1]).values.tolist() == [1, 1, 1, 5, 7, 9, 10, 10]


def test_quantiles_of_copies_are_the_same(hard):
    wanted = np.linspace(0, 1, 41)
    copies = hard[1].expand_dims(member=7)
    np.testing.assert_array_equal(pooled_quantiles(copies, wanted), pooled_quantiles(hard[1], wanted))


def test_quantiles_of_nothing_and_wrong_ones(hard):
    assert np.isnan(pooled_quantiles(hard[1] * np.nan, 0.5)).all()
    assert pooled_quantiles(hard[1], 0.5).dims == ("quantile",)
    with pytest.raises(MetricError, match="quantiles must be numbers in"):
        pooled_quantiles(hard[1], [50, 99.9])
    with pytest.raises(MetricError, match="need a dimension"):
        pooled_quantiles(hard[1], 0.5, dim=None)


def test_histogram_by_hand():
    field = xr.DataArray([-1.0, 0, 0, 1, 2, 4, 5, np.nan], dims="x")
    result = histogram(field, [0, 1, 4])
    assert result["count"].values.tolist() == [2, 3]
    assert (result["n"], result["n_outside"]) == (7, 2)
    np.testing.assert_allclose(result["density"], [2 / 7, 1 / 7])
    assert result["bin"].values.tolist() == [0.5, 2.5]


def test_histogram_against_numpy(hard):
    forecast, _ = hard
    edges = np.array([0, 0.5, 1, 3, 10, 100])
    whole = histogram(forecast, edges)
    values = forecast.values[np.isfinite(forecast.values)]
    np.testing.assert_array_equal(whole["count"], np.histogram(values, edges)[0])
    np.testing.assert_allclose(whole["density"], np.histogram(values, edges, density=True)[0])
    daily = histogram(forecast.chunk(CHUNKS), edges, dim=("member", "y", "x"))
    np.testing.assert_array_equal(daily["count"].sum("time"), whole["count"])


def test_exceedance_by_hand(hard):
    field = xr.DataArray([0.0, 1, 1, 2, np.nan], dims="x")
    assert exceedance(field, [0, 1, 1.5, 3]).values.tolist() == [1, 0.75, 0.25, 0]
    forecast, _ = hard
    for level, share in zip([1, 4], exceedance(forecast, [1, 4], dim=POOL).transpose("threshold", ...), strict=True):
        expected = wet_day_frequency(forecast, threshold=level, dim=POOL)
        xr.testing.assert_allclose(share.drop_vars("threshold"), expected, atol=1e-15)
    xr.testing.assert_identical(exceedance(forecast.chunk(CHUNKS), [1, 4]).compute(), exceedance(forecast, [1, 4]))
    assert np.isnan(exceedance(field * np.nan, [0, 1])).all()


def test_wasserstein_by_hand(hard):
    _, observed = hard
    for shift in (0.0, 2.0):
        moved = (observed + shift).expand_dims(member=3)
        assert wasserstein(moved, observed).item() == pytest.approx(shift, abs=1e-6)
    pair = xr.DataArray([[0.0, 4], [1, 5]], dims=("x", "member")), xr.DataArray([0.0, 4], dims="x")
    assert wasserstein(*pair).item() == 0.5  # sorted 0 1 4 5 against 0 0 4 4


def test_wasserstein_against_scipy(hard, gaps):
    forecast, observed = hard
    members = np.moveaxis(forecast.values, 1, 0)[:, ~gaps].ravel()
    theirs = stats.wasserstein_distance(members, observed.values[~gaps])
    assert wasserstein(forecast, observed).item() == pytest.approx(theirs, rel=1e-6)
    maps = wasserstein(forecast, observed, dim="time")
    assert maps.dims == ("y", "x")
    keep = ~gaps[:, 3, 4]
    theirs = stats.wasserstein_distance(forecast.values[keep, :, 3, 4].ravel(), observed.values[keep, 3, 4])
    assert maps[3, 4].item() == pytest.approx(theirs, rel=1e-6)
    with pytest.raises(MetricError, match="needs a dimension to pool"):
        wasserstein(forecast, observed, dim=None)


def test_perkins_by_hand(hard):
    pair = xr.DataArray([[0.0, 2], [2, 2]], dims=("x", "member")), xr.DataArray([0.0, 2], dims="x")
    assert perkins_overlap(*pair, edges=[1]).item() == 0.75
    forecast, observed = hard
    assert perkins_overlap(observed.expand_dims(member=2), observed, edges=[0.5, 2]).item() == pytest.approx(1)
    assert perkins_overlap((observed + 50).expand_dims("member"), observed, edges=[0.5, 49]).item() == 0
    chunked = perkins_overlap(forecast.chunk(CHUNKS), observed.chunk(x=4), edges=[0.5, 2], dim="time")
    xr.testing.assert_allclose(chunked.compute(), perkins_overlap(forecast, observed, edges=[0.5, 2], dim="time"))
    assert np.isnan(perkins_overlap(forecast, observed * np.nan, edges=[1]))


values = hnp.arrays(float, st.tuples(st.integers(1, 8), st.integers(2, 5)), elements=st.integers(0, 6).map(float))


@given(values, st.floats(0, 5))
@settings(max_examples=25, deadline=None)
def test_properties(table, shift):
    """Against scipy; symmetric for one member; a shift of both changes nothing; overlap and distance of equals."""
    observed, members = xr.DataArray(table[:, 0], dims="x"), xr.DataArray(table[:, 1:], dims=("x", "member"))
    distance = wasserstein(members, observed).item()
    assert distance == pytest.approx(stats.wasserstein_distance(table[:, 1:].ravel(), table[:, 0]), abs=1e-12)
    assert wasserstein(members + shift, observed + shift).item() == pytest.approx(distance, abs=1e-9)
    overlap = perkins_overlap(members, observed, edges=[1, 2, 4]).item()
    assert 0 <= overlap <= 1 + 1e-12
    survival = exceedance(members, [0, 1, 3])
    assert (survival.diff("threshold") <= 0).all()
