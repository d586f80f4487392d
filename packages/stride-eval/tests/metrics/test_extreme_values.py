"""L-moments, extreme value laws and their return levels, against scipy and known truth."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from stride_eval.metrics import (
    gev_from_l_moments,
    gev_return_level,
    gpd_from_l_moments,
    gpd_return_level,
    l_moments,
    l_moments_of_counts,
)
from stride_eval.metrics.errors import MetricError


def sample(values):
    return xr.DataArray(np.asarray(values, float), dims="x")


def exact(l1, l2, t3):
    return xr.Dataset({"l1": l1, "l2": l2, "t3": t3})


def test_l_moments_by_hand():
    found = l_moments(sample([4.0, 1.0, 2.0, np.nan]))
    # b0 = 7/3, b1 = (2 + 2 * 4) / 6 = 5/3, b2 = 4 / 3
    assert found["l1"].item() == pytest.approx(7 / 3)
    assert found["l2"].item() == pytest.approx(1.0)
    assert found["t3"].item() == pytest.approx(8 - 10 + 7 / 3)
    assert found["n"].item() == 3
    assert l_moments(sample([1.0, 2.0]))["l1"].isnull() and l_moments(sample([np.nan]))["l2"].isnull()
    same = l_moments(sample([0.1] * 7))
    assert same["l2"].item() == 0 and same["t3"].isnull()
    with pytest.raises(MetricError, match="need a dimension"):
        l_moments(sample([1.0]), dim=None)


def test_l_scale_is_half_the_mean_difference(rng):
    values = np.round(rng.gamma(0.5, 3, (3, 60)), 1)
    found = l_moments(xr.DataArray(values, dims=("place", "x")), dim="x")
    for row, l2 in zip(values, found["l2"].values, strict=True):
        assert l2 == pytest.approx(abs(row[:, None] - row).sum() / (2 * 60 * 59))
    chunked = l_moments(xr.DataArray(values, dims=("place", "x")).chunk(x=7), dim="x")
    xr.testing.assert_allclose(chunked.compute(), found)


def test_counts_are_the_values_they_count(rng):
    values = np.sort(rng.gumbel(size=20_000)).round(2)
    distinct, counts = np.unique(values, return_counts=True)
    binned = l_moments_of_counts(xr.DataArray(counts / 7.0, dims="bin"), xr.DataArray(distinct, dims="bin"))
    single = l_moments(sample(values))
    for name in ("l1", "l2", "t3"):
        assert binned[name].item() == pytest.approx(single[name].item(), rel=2e-4)
    nothing = l_moments_of_counts(xr.zeros_like(binned["n"]).expand_dims(bin=3), xr.DataArray([1.0, 2, 3], dims="bin"))
    assert nothing["l1"].isnull()
    with pytest.raises(MetricError, match="must increase"):
        l_moments_of_counts(xr.DataArray([1.0, 1], dims="bin"), xr.DataArray([2.0, 1], dims="bin"))


@pytest.mark.parametrize("shape", [-0.6, -0.2, 1e-5, 0.2, 0.5])
def test_gev_gives_the_law_back(shape):
    """L-moments by integration of scipy's quantile function."""
    law = stats.genextreme(-shape, 30.0, 8.0)
    b0, b1, b2 = (quad(lambda f, r=r: law.ppf(f) * f**r, 0, 1, limit=500)[0] for r in range(3))
    l2 = 2 * b1 - b0
    found = gev_from_l_moments(exact(b0, l2, (6 * b2 - 6 * b1 + b0) / l2))
    assert found["shape"].item() == pytest.approx(shape, abs=1e-5)
    assert found["scale"].item() == pytest.approx(8.0, rel=1e-5)
    assert found["location"].item() == pytest.approx(30.0, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(t3=st.floats(-0.7, 0.95), scale=st.floats(0.01, 100), shift=st.floats(-300, 300))
def test_fits_move_and_stretch_with_the_data(t3, scale, shift):
    found, moved = gev_from_l_moments(exact(1.0, 2.0, t3)), gev_from_l_moments(exact(scale + shift, 2 * scale, t3))
    assert moved["shape"].item() == found["shape"].item()
    assert moved["scale"].item() == pytest.approx(scale * found["scale"].item())
    assert moved["location"].item() == pytest.approx(scale * found["location"].item() + shift, abs=1e-6 * scale)
    k = -found["shape"].item()
    if abs(k) > 1e-4:
        assert 2 * (1 - 3**-k) / (1 - 2**-k) - 3 == pytest.approx(t3, abs=1e-8)


def test_gev_of_gumbel_and_of_nothing():
    found = gev_from_l_moments(exact(0.5772156649 * 2, 2 * np.log(2), np.log(9 / 8) / np.log(2)))
    assert found["shape"].item() == pytest.approx(0.0, abs=1e-6)
    assert (found["scale"].item(), found["location"].item()) == pytest.approx((2.0, 0.0), abs=1e-5)
    for moments in (exact(1.0, 0.0, np.nan), exact(np.nan, np.nan, np.nan), exact(1.0, 1.0, 1.0)):
        assert gev_from_l_moments(moments).to_dataarray().isnull().all()
    with pytest.raises(MetricError, match="lack l1, t3"):
        gev_from_l_moments(xr.Dataset({"l2": 1.0}))


@pytest.mark.parametrize("shape", [-0.3, 0.0, 1e-8, 0.25])
def test_return_levels_are_quantiles(shape):
    periods = [2, 10, 500]
    law = xr.Dataset({"location": 3.0, "scale": 2.0, "shape": shape})
    levels = gev_return_level(law, periods)
    np.testing.assert_allclose(levels, stats.genextreme(-shape, 3, 2).isf(1 / np.array(periods)), rtol=1e-6)
    above = gpd_return_level(law, periods, threshold=3.0, rate=0.1)
    assert above[0].isnull() and above[1].item() == pytest.approx(3.0)
    assert above[2].item() == pytest.approx(stats.genpareto(shape, 3, 2).isf(1 / 50), rel=1e-6)
    with pytest.raises(MetricError, match="more than 1"):
        gev_return_level(law, [1.0, 2.0])
    with pytest.raises(MetricError, match="increasing"):
        gpd_return_level(law, [5.0, 2.0], threshold=0.0, rate=1.0)


def test_fits_find_the_law_of_samples(rng):
    maxima = stats.genextreme(-0.15, 30, 8).rvs((40, 400), random_state=1)
    fits = gev_from_l_moments(l_moments(xr.DataArray(maxima, dims=("sample", "x")), dim="x"))
    level = gev_return_level(fits, [100])
    assert level.mean().item() == pytest.approx(stats.genextreme(-0.15, 30, 8).isf(0.01), rel=0.02)
    # As near to the truth as maximum likelihood.
    assert fits["shape"].mean().item() == pytest.approx(0.15, abs=0.02)
    by_likelihood = stats.genextreme(-0.15, 30, 8).isf(0.01)
    assert level.std().item() < 0.1 * by_likelihood
    excesses = stats.genpareto(0.1, scale=5).rvs((40, 400), random_state=2)
    pareto = gpd_from_l_moments(l_moments(xr.DataArray(excesses, dims=("sample", "x")), dim="x"))
    assert pareto["shape"].mean().item() == pytest.approx(0.1, abs=0.02)
    assert pareto["scale"].mean().item() == pytest.approx(5.0, rel=0.03)
    exponential = gpd_from_l_moments(exact(4.0, 2.0, 1 / 3))
    assert (exponential["shape"].item(), exponential["scale"].item()) == (0.0, 4.0)
    assert gpd_from_l_moments(exact(1.0, 0.0, np.nan))["scale"].isnull()
    with pytest.raises(MetricError, match="lack l1"):
        gpd_from_l_moments(xr.Dataset({"l2": 1.0}))


def test_near_the_likelihood_of_scipy(rng):
    maxima = stats.genextreme(-0.1, 20, 5).rvs(600, random_state=3)
    level = gev_return_level(gev_from_l_moments(l_moments(sample(maxima))), [50]).item()
    assert level == pytest.approx(
        stats.genextreme(*stats.genextreme.fit(maxima, 0.0, loc=20, scale=5)).isf(0.02), rel=0.03
    )
