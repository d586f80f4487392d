"""SAL by hand, its bounds and symmetries, and its version for ensembles."""

import numpy as np
import pytest
import scoringrules
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_eval.metrics import MetricError, ensemble_sal_from_features, sal, sal_features, sal_from_features


def array(values, *dims):
    return xr.DataArray(np.asarray(values, dtype=float), dims=[*dims, "y", "x"])


def two_objects():
    """On 6 x 8 pixels: three pixels 4 2 2 in a row and, apart, a single 8."""
    field = np.zeros((6, 8))
    field[1, 1:4] = 4.0, 2.0, 2.0
    field[4, 6] = 8.0
    return field


def test_features_by_hand():
    found = sal_features(array(two_objects()), spacing=(2.0, 2.0))
    assert float(found["amount"]) == pytest.approx(16 / 48)
    first = np.array([1.0, (4 * 1 + 2 * 2 + 2 * 3) / 8])
    second = np.array([4.0, 6.0])
    centre = (8 * first + 8 * second) / 16
    np.testing.assert_allclose([found["centre_y"], found["centre_x"]], 2.0 * centre)
    assert float(found["scatter"]) == pytest.approx(2.0 * np.linalg.norm(first - second) / 2)
    assert float(found["volume"]) == pytest.approx((8 * 8 / 4 + 8 * 8 / 8) / 16)
    assert found.attrs["diagonal"] == 20.0


def test_scores_by_hand():
    observed = two_objects()
    moved = np.roll(observed, 1, axis=0)
    found = sal(array(3.0 * moved), array(observed))
    assert float(found["amplitude"]) == pytest.approx(1.0)  # three times as much
    assert float(found["structure"]) == pytest.approx(0.0)
    assert float(found["location_1"]) == pytest.approx(0.1)  # one pixel of a diagonal of ten
    assert float(found["location_2"]) == pytest.approx(0.0)
    alone = observed.copy()
    alone[4, 6] = 0.0
    alone[1, 1:4] = 8.0  # one object, V = 3; observed V = 1.5
    found = sal(array(alone), array(observed))
    assert float(found["structure"]) == pytest.approx((3.0 - 1.5) / 2.25)
    scatter = sal_features(array(observed))["scatter"].item()
    assert float(found["location_2"]) == pytest.approx(2 * scatter / 10)


def test_thresholds():
    field = np.zeros((10, 10))
    field[2, 2:7] = 30.0, 1.9, 1.9, 1.9, 30.0
    # 30 / 15 = 2 parts the row into two pixels; above 0.1 there are five values, their 95th percentile is 30 too.
    assert float(sal_features(array(field))["volume"]) == pytest.approx(1.0)
    assert float(sal_features(array(field), factor=0.05)["volume"]) == pytest.approx(65.7 / 30)
    field[8, :] = 6.0
    field[9, :] = 6.0
    lower = sal_features(array(field), reference="percentile", floor=0.1)
    threshold = np.percentile(field[field > 0.1], 95) / 15
    assert threshold < 1.9
    volume = (65.7**2 / 30 + 120.0**2 / 6) / 185.7
    assert float(lower["volume"]) == pytest.approx(volume)
    assert np.isnan(sal_features(array(field), reference="percentile", floor=50.0)["volume"])


def test_dry_and_missing():
    wet, dry = two_objects(), np.zeros((6, 8))
    forecast = array([wet, dry, dry, wet], "time")
    observed = array([dry, wet, dry, np.full((6, 8), np.nan)], "time")
    found = sal(forecast, observed)
    np.testing.assert_array_equal(found["amplitude"], [2.0, -2.0, np.nan, np.nan])
    for name in ("structure", "location"):
        assert found[name].isnull().all()
    gap = wet.copy()
    gap[4, 6] = np.nan
    both = sal(array(wet), array(gap))  # the pixel counts in neither
    assert [float(both[name]) for name in ("structure", "amplitude", "location")] == pytest.approx([0.0] * 3)


@settings(max_examples=40, deadline=None)
@given(*[arrays(float, (5, 6), elements=st.sampled_from([0.0, 0.0, 0.5, 3.0, 20.0, np.nan])) for _ in range(2)])
def test_bounds_and_symmetry(forecast, observed):
    there, back = sal(array(forecast), array(observed)), sal(array(observed), array(forecast))
    for name, most in (("structure", 2.0), ("amplitude", 2.0), ("location_1", 1.0), ("location_2", 1.0)):
        value = float(there[name])
        assert np.isnan(value) or abs(value) <= most + 1e-12
        sign = -1.0 if name in ("structure", "amplitude") else 1.0
        np.testing.assert_allclose(float(back[name]), sign * value, atol=1e-12)
    doubled = sal(2.0 * array(forecast), 2.0 * array(observed))
    xr.testing.assert_allclose(doubled, there, atol=1e-12)


def test_known_truth(rng):
    """A smoothed field is too wide, noise of the same amount too peaked."""
    from scipy.ndimage import gaussian_filter

    base = gaussian_filter(rng.normal(size=(64, 64)), 3.0, mode="wrap")
    observed = np.maximum(base / base.std(), 0.0) ** 2
    smooth = gaussian_filter(observed, 4.0, mode="wrap")
    noise = rng.permutation(observed.ravel()).reshape(observed.shape) * (rng.random(observed.shape) < 0.2) * 5.0
    found = sal(array([smooth, noise], "member"), array(observed))
    assert found["structure"].values[0] > 0.3 and found["structure"].values[1] < -0.3
    assert abs(found["amplitude"].values[0]) < 1e-6


def test_ensemble(rng):
    members = rng.gamma(0.3, 5.0, (3, 7, 12, 14)) * (rng.random((3, 7, 12, 14)) < 0.4)
    members[1, 2] = 0.0
    forecast, observed = (
        sal_features(one)
        for one in (
            array(members, "time", "member"),
            array(rng.gamma(0.3, 5.0, (3, 12, 14)) * (rng.random((3, 12, 14)) < 0.4), "time"),
        )
    )
    found = ensemble_sal_from_features(forecast, observed)
    amount, seen = members.mean(axis=(1, 2, 3)), observed["amount"].values
    np.testing.assert_allclose(found["amplitude"], 2 * (amount - seen) / (amount + seen))
    scatter, d = forecast["scatter"].values, np.hypot(12, 14)
    for time in range(3):
        wet = scatter[time][np.isfinite(scatter[time])]
        crps = scoringrules.crps_ensemble(float(observed["scatter"][time]), wet, estimator="nrg")
        assert float(found["location_2"][time]) == pytest.approx(2 * crps / d, abs=1e-12)
    one = forecast.isel(member=[0])
    xr.testing.assert_allclose(
        ensemble_sal_from_features(one, observed), sal_from_features(one.isel(member=0), observed)
    )
    with pytest.raises(MetricError, match="no dimension 'member'"):
        ensemble_sal_from_features(observed, observed)


def test_dask(rng):
    forecast, observed = array(rng.random((4, 3, 8, 9)), "time", "member"), array(rng.random((4, 8, 9)), "time")
    lazy = sal(forecast.chunk(time=1, y=4), observed.chunk(time=2))
    assert lazy["structure"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), sal(forecast, observed))


def test_mistakes():
    field = array(two_objects())
    with pytest.raises(MetricError, match=r"a value is -1.*clip"):
        sal(field - 1.0, field)
    with pytest.raises(MetricError, match="no reference 'median'"):
        sal_features(field, reference="median")
    with pytest.raises(MetricError, match="factor is 2"):
        sal_features(field, factor=2.0)
    with pytest.raises(MetricError, match="floor is -1"):
        sal_features(field, floor=-1.0)
    with pytest.raises(MetricError, match="one domain"):
        sal_from_features(sal_features(field), sal_features(field.isel(x=slice(0, 4))))
