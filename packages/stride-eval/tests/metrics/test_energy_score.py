from importlib import import_module

import numpy as np
import pytest
import scoringrules
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_eval.metrics import MetricError, crps_ensemble, energy_score


def test_by_hand():
    """Members (3, 4) and (0, 0), observation (0, 0): lengths 5 and 0, one distance of 5; the norm is over sqrt(2)."""
    forecast = xr.DataArray([[3.0, 4.0], [0.0, 0.0]], dims=("member", "x"))
    observed = xr.DataArray([0.0, 0.0], dims="x")
    assert energy_score(forecast, observed, dims="x", estimator="ecdf").item() == pytest.approx(1.25 / np.sqrt(2))
    assert energy_score(forecast, observed, dims="x").item() == pytest.approx(0.0)
    one = energy_score(forecast[:1], observed, dims="x", estimator="auto")
    assert one.item() == pytest.approx(5 / np.sqrt(2))
    weights = xr.DataArray([1.0, 0.0], dims="x")
    assert energy_score(forecast, observed, dims="x", estimator="ecdf", weights=weights).item() == pytest.approx(0.75)


@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_against_scoringrules(hard, gaps, estimator):
    forecast, observed = hard
    ours = energy_score(forecast, observed, estimator=estimator)
    assert np.isnan(ours[2]) and ours[1] == 0.0
    for day in (0, 3, 4, 5):
        kept = ~gaps[day]
        theirs = scoringrules.es_ensemble(
            observed.values[day][kept].astype(float),
            forecast.values[day][:, kept].astype(float),
            estimator={"ecdf": "nrg"}.get(estimator, estimator),
        )
        assert ours[day].item() == pytest.approx(theirs / np.sqrt(kept.sum()), rel=1e-10)


def test_one_value_gives_the_crps(hard):
    forecast, observed = (array.isel(x=[3], y=[4]) for array in hard)
    expected = crps_ensemble(forecast, observed).squeeze(("y", "x"))
    np.testing.assert_allclose(energy_score(forecast, observed), expected, atol=1e-7)


def test_members_alike_far_from_the_observation():
    """Ten digits of the distance between two fields of temperature that differ by a thousandth."""
    forecast = xr.DataArray(np.full((2, 400), 300.0), dims=("member", "x"))
    forecast[1] += 1e-3
    found = energy_score(forecast, xr.DataArray(np.zeros(400), dims="x"), dims="x")
    assert found.item() == pytest.approx(300.0 + 0.5e-3 - 0.5e-3, abs=1e-10)
    same = xr.concat([forecast[0]] * 5, "member")
    assert energy_score(same, xr.DataArray(np.zeros(400), dims="x"), dims="x").item() == 300.0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), members=st.integers(2, 6), scale=st.floats(0.1, 100.0))
def test_properties(seed, members, scale):
    """The score scales with the field, forgets a shift and the members' order."""
    rng = np.random.default_rng(seed)
    forecast = xr.DataArray(rng.normal(size=(members, 3, 4)), dims=("member", "y", "x"))
    observed = xr.DataArray(rng.normal(size=(3, 4)), dims=("y", "x"))
    once = energy_score(forecast, observed).item()
    again = energy_score(scale * forecast[::-1] + 7.0, scale * observed + 7.0).item()
    assert again == pytest.approx(scale * once, rel=1e-9, abs=1e-9 * scale)
    assert energy_score(forecast, observed, estimator="ecdf").item() >= -1e-12


def test_known_truth(rng):
    """Lowest in the mean for members of the observed law; the fair form does not depend on M, the other one does."""
    base = rng.normal(size=(400, 1, 1, 6))

    def draw(count, spread=1.0):
        return xr.DataArray(base + spread * rng.normal(size=(400, count, 5, 6)), dims=("time", "member", "y", "x"))

    observed = draw(1).isel(member=0)
    right = energy_score(draw(8), observed, dim="time").item()
    assert right < energy_score(draw(8, 0.5), observed, dim="time").item() - 0.01
    assert right < energy_score(draw(8, 2.0), observed, dim="time").item() - 0.01
    assert energy_score(draw(2), observed, dim="time").item() == pytest.approx(right, abs=0.03)
    assert energy_score(draw(2), observed, dim="time", estimator="ecdf").item() > right + 0.2


def test_chunked_and_transposed(hard):
    forecast, observed = hard
    expected = energy_score(forecast, observed)
    lazy = energy_score(forecast.chunk(member=2, time=1, y=5), observed.chunk(x=4))
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)
    turned = energy_score(forecast.transpose("x", "member", "time", "y"), observed.transpose("y", "time", "x"))
    xr.testing.assert_allclose(turned, expected, rtol=1e-12)
    assert expected.attrs["units"] == "mm day-1"


def test_in_blocks(hard, monkeypatch):
    expected = energy_score(*hard)
    monkeypatch.setattr(import_module("stride_eval.metrics.energy_score"), "BLOCK_VALUES", 50)
    xr.testing.assert_allclose(energy_score(*hard), expected, rtol=1e-12)


def test_raises(hard):
    with pytest.raises(MetricError, match="undefined for one member"):
        energy_score(hard[0].isel(member=[0]), hard[1])
    with pytest.raises(MetricError, match="weights must be 0 or more"):
        energy_score(*hard, weights=-xr.ones_like(hard[1][0]))
    with pytest.raises(MetricError, match="weights must be 0 or more"):
        energy_score(*hard, weights=xr.ones_like(hard[1]))
    with pytest.raises(MetricError, match="names no dimension"):
        energy_score(*hard, dims=())
