import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import (
    bias,
    brier_score,
    correlation,
    count_valid,
    crps_ensemble,
    fss,
    mae,
    mask_to_common,
    mean,
    rank_histogram,
    reliability_curve,
    rmse,
    spread_skill,
    valid_points,
    wasserstein,
)
from stride_eval.metrics.arguments import increasing, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_vars.errors import StrideError

PAIRED = {
    "crps": crps_ensemble,
    "brier": lambda f, o, **k: brier_score(f, o, threshold=1, **k),
    "reliability": lambda f, o, **k: reliability_curve(f, o, threshold=1, **k),
    "rank": rank_histogram,
    "spread_skill": spread_skill,
    "bias": bias,
    "mae": mae,
    "rmse": rmse,
    "correlation": correlation,
    "wasserstein": wasserstein,
}


@pytest.mark.parametrize("metric", PAIRED.values(), ids=PAIRED)
def test_fields_that_do_not_fit(hard, metric):
    forecast, observed = hard
    with pytest.raises(StrideError, match="no dimension 'member'"):
        metric(forecast.rename(member="realization"), observed)
    with pytest.raises(MetricError, match="observed has the member dimension"):
        metric(forecast, forecast)
    with pytest.raises(MetricError, match="12 points along 'y' and observed 11"):
        metric(forecast, observed.isel(y=slice(1, None)))
    with pytest.raises(MetricError, match=r"observed has dimensions time, lat, x but forecast has time, y, x"):
        metric(forecast, observed.rename(y="lat"))
    with pytest.raises(MetricError, match="other labels along 'time'"):
        metric(forecast.assign_coords(time=range(6)), observed.assign_coords(time=range(1, 7)))
    with pytest.raises(MetricError, match="observed is a ndarray; give"):
        metric(forecast, observed.values)
    with pytest.raises(MetricError, match="there is no dimension 'lat' to reduce; choose among time, y, x"):
        metric(forecast, observed, dim="lat")


@pytest.mark.parametrize("metric", PAIRED.values(), ids=PAIRED)
def test_other_name_of_the_ensemble_and_other_order(hard, metric):
    forecast, observed = hard
    expected = metric(forecast, observed, dim=...)
    renamed = metric(
        forecast.rename(member="realization").transpose("x", "realization", ...),
        observed.transpose("y", ...),
        member_dim="realization",
        dim=...,
    )
    xr.testing.assert_allclose(renamed, expected, rtol=1e-12)


@pytest.mark.parametrize("metric", PAIRED.values(), ids=PAIRED)
def test_chunked_equals_unchunked_and_members_may_be_shuffled(hard, rng, metric):
    forecast, observed = hard
    shuffled = forecast.isel(member=rng.permutation(forecast.sizes["member"]))
    for dim in (..., "time", ("y", "x")):
        expected = metric(forecast, observed, dim=dim)
        chunked = metric(forecast.chunk(time=4, member=4), observed.chunk(time=4, x=8), dim=dim)
        xr.testing.assert_allclose(chunked.compute(scheduler="synchronous"), expected, rtol=1e-12)
        xr.testing.assert_allclose(metric(shuffled, observed, dim=dim), expected, rtol=1e-12)


@pytest.mark.parametrize("metric", PAIRED.values(), ids=PAIRED)
def test_all_missing_is_missing_without_a_warning(hard, metric):
    forecast, observed = hard
    with np.errstate(all="raise"):
        result = metric(forecast, observed * np.nan, dim=...)
    if isinstance(result, xr.Dataset):
        assert result["n"].sum() == 0
    else:
        assert np.isnan(result)


@pytest.mark.parametrize("metric", PAIRED.values(), ids=PAIRED)
def test_a_gap_equals_a_point_left_out(hard, gaps, metric):
    """The value of a point that cannot be scored, elsewhere than where it is missing, has no influence."""
    forecast, observed = hard
    expected = metric(forecast, observed, dim=...)
    valid = xr.DataArray(~gaps, dims=observed.dims)
    stacked = valid.stack(point=valid.dims)
    compact = [
        array.stack(point=valid.dims).isel(point=stacked.values).drop_vars(("point", *valid.dims)) for array in hard
    ]
    xr.testing.assert_allclose(metric(*compact, dim=...), expected, rtol=1e-12)
    xr.testing.assert_identical(metric(forecast.where(valid, 1e6), observed.where(valid), dim=...), expected)


def test_valid_points(hard, gaps):
    forecast, observed = hard
    np.testing.assert_array_equal(valid_points(forecast, observed), ~gaps)
    assert count_valid(forecast, observed) == (~gaps).sum()
    np.testing.assert_array_equal(count_valid(forecast, observed, dim=("y", "x")), (~gaps).sum(axis=(1, 2)))
    for masked in mask_to_common(forecast, observed):
        missing = masked.isnull() if "member" not in masked.dims else masked.isnull().any("member")
        np.testing.assert_array_equal(missing, gaps)


def test_mean_in_double_precision():
    values = xr.DataArray(np.full(2_000_000, 0.1, np.float32), dims="x")
    assert mean(values).item() == pytest.approx(np.float64(np.float32(0.1)), rel=1e-12)


def test_mean_weights():
    values = xr.DataArray([1.0, 3.0, np.nan], dims="x")
    assert mean(values, weights=xr.DataArray([1.0, 3.0, 5.0], dims="x")) == 2.5
    assert np.isnan(mean(values, weights=xr.DataArray([0.0, 0.0, 5.0], dims="x")))
    xr.testing.assert_identical(mean(values, dim=None), values)


def test_dims():
    values = xr.DataArray(np.zeros((2, 3)), dims=("y", "x"))
    assert reduced_dims(values, None) == []
    assert reduced_dims(values, ...) == ["y", "x"]
    assert reduced_dims(values, ("x", "y")) == ["y", "x"]
    assert reduced_dims(values, ("x", "member"), member_dim="member") == ["x"]
    with pytest.raises(MetricError, match="no dimension 'member'"):
        reduced_dims(values, ("x", "member"))


@pytest.mark.parametrize("values", [[], [1, 1], [2, 1], [np.nan, 1], [0, np.inf], [[1, 2]]])
def test_increasing(values):
    with pytest.raises(MetricError, match="edges must be at least 1 finite, strictly increasing"):
        increasing(values, "edges", at_least=1)


def test_bad_thresholds(hard):
    with pytest.raises(MetricError, match="threshold is nan"):
        brier_score(*hard, threshold=np.nan)
    with pytest.raises(MetricError, match="threshold must be"):
        fss(*hard, threshold=[np.nan], window=3)


def test_an_ensemble_without_members(hard):
    forecast, observed = hard
    with pytest.raises(MetricError, match="holds no member"):
        crps_ensemble(forecast.isel(member=slice(0)), observed)
