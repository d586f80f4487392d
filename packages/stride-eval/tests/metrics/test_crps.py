import numpy as np
import pytest
import scores.probability
import scoringrules
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stride_eval.metrics import crps_ensemble, mae
from stride_eval.metrics.errors import MetricError
from stride_vars.errors import StrideError

finite = st.floats(-50, 50, width=32).map(lambda value: round(value, 1))


def ensemble(values):
    return xr.DataArray(np.asarray(values, float), dims="member")


@pytest.mark.parametrize(
    ("members", "observed", "ecdf", "fair"),
    [
        ([0, 0, 1, 2], 0, 0.3125, 1 / 6),  # mean|x-y| = 3/4; sum|xi-xj| = 14: 3/4 - 14/32, 3/4 - 14/24
        ([1, 3], 2, 0.5, 0.0),  # 1 - 4/8, 1 - 4/4
        ([1, 3], 5, 2.5, 2.0),
        ([0, 0, 0], 0, 0.0, 0.0),
        ([0, 0, 0], 2, 2.0, 2.0),
    ],
)
def test_by_hand(members, observed, ecdf, fair):
    pair = ensemble(members), xr.DataArray(float(observed))
    assert crps_ensemble(*pair, estimator="ecdf").item() == pytest.approx(ecdf, abs=1e-15)
    assert crps_ensemble(*pair, estimator="fair").item() == pytest.approx(fair, abs=1e-15)
    assert crps_ensemble(*pair).item() == crps_ensemble(*pair, estimator="fair").item()


@pytest.mark.parametrize(("estimator", "oracle"), [("fair", "pwm"), ("ecdf", "nrg")])
def test_against_scoringrules(hard, gaps, estimator, oracle):
    forecast, observed = hard
    ours = crps_ensemble(forecast, observed, estimator=estimator)
    wide = forecast.values.astype(float)
    theirs = scoringrules.crps_ensemble(observed.values.astype(float), wide, m_axis=1, estimator=oracle)
    np.testing.assert_allclose(ours.values[~gaps], theirs[~gaps], rtol=1e-12, atol=1e-12)
    assert np.isnan(ours.values[gaps]).all()


@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_against_scores(hard, gaps, estimator):
    forecast, observed = (array.astype(float) for array in hard)
    theirs = scores.probability.crps_for_ensemble(forecast, observed, "member", method=estimator, preserve_dims="all")
    ours = crps_ensemble(forecast, observed, estimator=estimator)
    np.testing.assert_allclose(ours.values[~gaps], theirs.values[~gaps], rtol=1e-12, atol=1e-12)


def test_normal_law(rng):
    """CRPS of N(0, 1) at its own draws: expected value 1/sqrt(pi), for any number of members when fair."""
    observed = xr.DataArray(rng.normal(size=200_000), dims="x")
    for members in (2, 5):
        forecast = xr.DataArray(rng.normal(size=(members, 200_000)), dims=("member", "x"))
        assert crps_ensemble(forecast, observed, dim=...).item() == pytest.approx(1 / np.sqrt(np.pi), abs=0.005)
        expected = (1 + 1 / members) / np.sqrt(np.pi)
        assert crps_ensemble(forecast, observed, estimator="ecdf", dim=...).item() == pytest.approx(expected, abs=0.005)


def test_large_values_keep_their_digits(rng):
    """Temperatures in K with a spread of 0.1 K in float32: as exact as the input."""
    members = (285 + 0.1 * rng.normal(size=(50, 400))).astype(np.float32)
    observed = (285 + 0.1 * rng.normal(size=400)).astype(np.float32)
    ours = crps_ensemble(xr.DataArray(members, dims=("member", "x")), xr.DataArray(observed, dims="x"))
    theirs = scoringrules.crps_ensemble(observed.astype(float), members.astype(float), m_axis=0, estimator="nrg")
    ecdf = crps_ensemble(
        xr.DataArray(members, dims=("member", "x")), xr.DataArray(observed, dims="x"), estimator="ecdf"
    )
    np.testing.assert_allclose(ecdf, theirs, atol=1e-12)
    assert ours.dtype == np.float64


def test_one_member(rng):
    forecast = xr.DataArray(rng.normal(size=(1, 30)), dims=("member", "x"))
    observed = xr.DataArray(rng.normal(size=30), dims="x")
    with pytest.raises(StrideError, match="undefined for one member; choose estimator='auto'"):
        crps_ensemble(forecast, observed)
    for estimator in ("auto", "ecdf"):
        xr.testing.assert_allclose(crps_ensemble(forecast, observed, estimator=estimator), mae(forecast, observed))


def test_auto_is_fair_for_an_ensemble(hard):
    xr.testing.assert_identical(crps_ensemble(*hard, estimator="auto"), crps_ensemble(*hard, estimator="fair"))


def test_chunks_do_not_matter(hard):
    forecast, observed = hard
    chunked = crps_ensemble(forecast.chunk(time=3, member=3, y=7), observed.chunk(time=3, x=8))
    assert chunked.chunks is not None
    xr.testing.assert_allclose(chunked.compute(), crps_ensemble(forecast, observed), rtol=1e-12)


def test_mean_weights_and_units(hard):
    forecast, observed = hard
    points = crps_ensemble(forecast, observed)
    assert points.dims == ("time", "y", "x")
    assert points.attrs["units"] == "mm day-1"
    np.testing.assert_allclose(crps_ensemble(forecast, observed, dim=...), np.nanmean(points))
    daily = crps_ensemble(forecast, observed, dim=("y", "x"))
    np.testing.assert_allclose(daily[[0, 1, 3]], np.nanmean(points[[0, 1, 3]], axis=(1, 2)))
    assert np.isnan(daily[2])
    weights = xr.DataArray(np.arange(12.0), dims="y")
    expected = np.nansum(points * weights) / np.nansum(weights * points.notnull())
    np.testing.assert_allclose(crps_ensemble(forecast, observed, dim=..., weights=weights), expected)


def test_blocks_of_any_shape(rng, monkeypatch):
    from stride_eval.metrics import blocks

    forecast = xr.DataArray(rng.normal(size=(3, 5, 4, 7)), dims=("time", "member", "y", "x"))
    observed = xr.DataArray(rng.normal(size=(4, 7, 3)), dims=("y", "x", "time"))
    whole = crps_ensemble(forecast, observed)
    for size in (1, 5, 11, 40, 150):
        monkeypatch.setattr(blocks, "BLOCK_VALUES", size)
        xr.testing.assert_allclose(crps_ensemble(forecast, observed), whole, rtol=1e-12)


def test_no_points():
    forecast = xr.DataArray(np.zeros((0, 3)), dims=("x", "member"))
    observed = xr.DataArray(np.zeros(0), dims="x")
    assert crps_ensemble(forecast, observed).shape == (0,)
    assert np.isnan(crps_ensemble(forecast, observed, dim=...))


def test_an_unknown_estimator(hard):
    with pytest.raises(MetricError, match="there is no estimator 'pwm'"):
        crps_ensemble(*hard, estimator="pwm")


members_and_observed = hnp.arrays(float, st.integers(2, 9), elements=finite).flatmap(
    lambda members: st.tuples(st.just(members), finite)
)


@given(members_and_observed, st.floats(-10, 10), st.floats(0.1, 10), st.randoms())
@settings(max_examples=30, deadline=None)
def test_properties(case, shift, scale, random):
    members, observed = case
    order = list(range(len(members)))
    random.shuffle(order)
    pairs = np.abs(members[:, None] - members[None, :]).sum()
    for estimator, divisor in (("fair", len(members) * (len(members) - 1)), ("ecdf", len(members) ** 2)):
        score = crps_ensemble(ensemble(members), xr.DataArray(observed), estimator=estimator).item()
        direct = np.abs(members - observed).mean() - pairs / (2 * divisor)
        assert score == pytest.approx(direct, abs=1e-9)
        shuffled = crps_ensemble(ensemble(members[order]), xr.DataArray(observed), estimator=estimator).item()
        assert shuffled == score
        moved = crps_ensemble(
            ensemble(scale * members + shift), xr.DataArray(scale * observed + shift), estimator=estimator
        )
        assert moved.item() == pytest.approx(scale * score, abs=1e-9)
        if estimator == "ecdf":
            assert score >= -1e-12
