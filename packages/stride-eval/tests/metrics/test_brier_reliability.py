import numpy as np
import pytest
import scores.probability
import xarray as xr
from stride_eval.metrics import brier_score, crps_ensemble, reliability_curve
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    """Three of four members reach 1, the observation does: (3/4 - 1)^2, less 3/4 * 1/4 / 3 when fair."""
    forecast, observed = xr.DataArray([0.0, 1, 1, 2], dims="member"), xr.DataArray(1.0)
    assert brier_score(forecast, observed, threshold=1, estimator="ecdf") == 1 / 16
    assert brier_score(forecast, observed, threshold=1).item() == pytest.approx(0, abs=1e-16)


@pytest.mark.parametrize("fair", [True, False])
def test_against_scores(hard, gaps, fair):
    forecast, observed = (array.astype(float) for array in hard)
    levels = [1.0, 4.2]
    theirs = scores.probability.brier_score_for_ensemble(
        forecast, observed, "member", levels, preserve_dims="all", fair_correction=fair
    ).transpose("time", "y", "x", "threshold")
    ours = brier_score(
        forecast, observed, threshold=xr.DataArray(levels, dims="threshold"), estimator="fair" if fair else "ecdf"
    )
    np.testing.assert_allclose(ours.values[~gaps], theirs.values[~gaps], rtol=1e-12, atol=1e-12)
    assert np.isnan(ours.values[gaps]).all()


@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_integrates_to_the_crps(rng, estimator):
    """CRPS is the integral of the Brier score over thresholds; with whole numbers it is a sum."""
    forecast = xr.DataArray(rng.integers(0, 6, (40, 5)).astype(float), dims=("x", "member"))
    observed = xr.DataArray(rng.integers(0, 6, 40).astype(float), dims="x")
    levels = xr.DataArray(np.arange(1.0, 6), dims="threshold")
    total = brier_score(forecast, observed, threshold=levels, estimator=estimator).sum("threshold")
    xr.testing.assert_allclose(total, crps_ensemble(forecast, observed, estimator=estimator), atol=1e-12)


def test_fair_does_not_depend_on_the_number_of_members(calibrated):
    values = [brier_score(*calibrated(members), threshold=1, dim=...).item() for members in (2, 5, 20)]
    np.testing.assert_allclose(values, np.mean(values), rtol=0.03)


def test_one_member(hard):
    forecast, observed = hard[0].isel(member=[0]), hard[1]
    with pytest.raises(MetricError, match="undefined for one member"):
        brier_score(forecast, observed, threshold=1)
    misses = ((forecast.isel(member=0) >= 1) != (observed >= 1)).where(observed.notnull() & forecast[:, 0].notnull())
    xr.testing.assert_allclose(brier_score(forecast, observed, threshold=1, estimator="auto"), misses.astype(float))


def test_reliability_by_hand():
    """Two members: probabilities 0, 1/2, 1/2, 1; events 0, 1, 0, 1."""
    forecast = xr.DataArray([[0.0, 0], [0, 2], [2, 0], [2, 2]], dims=("x", "member"))
    result = reliability_curve(forecast, xr.DataArray([0.0, 2, 0, 2], dims="x"), threshold=1)
    assert result["n"].values.tolist() == [1, 2, 1]
    assert result["forecast_probability"].values.tolist() == [0, 0.5, 1]
    assert result["observed_frequency"].values.tolist() == [0, 0.5, 1]
    assert result["base_rate"] == 0.5


def test_reliability_on_the_diagonal(dry):
    """The ensemble leaves a member out as observation: given k of M members, (k + something) — reliable up to 1/M."""
    result = reliability_curve(*dry(9, (10, 60, 80)), threshold=0.5)
    assert result.sizes["probability_bin"] == 10
    # For exchangeable members and observation the frequency in bin k is pulled towards the base rate, a little.
    gap = abs(result["observed_frequency"] - result["forecast_probability"]).where(result["n"] > 200)
    assert gap.max() < 0.12


def test_reliability_of_overconfidence(calibrated):
    result = reliability_curve(*calibrated(9, 0.3), threshold=0)
    assert result["observed_frequency"][0] > 0.05
    assert result["observed_frequency"][-1] < 0.95


def test_reliability_counts_add_up(hard, gaps):
    for bins, size in ((None, 8), (3, 3), (1, 1), (50, 50)):
        result = reliability_curve(*hard, threshold=1, bins=bins)
        assert result.sizes["probability_bin"] == size
        assert result["n"].sum() == (~gaps).sum()
        daily = reliability_curve(*hard, threshold=1, bins=bins, dim=("y", "x"))
        xr.testing.assert_allclose(
            daily[["n", "n_observed", "sum_probability"]].sum("time"), result[["n", "n_observed", "sum_probability"]]
        )
    scored = (hard[1].values >= 1)[~gaps]
    assert result["base_rate"].item() == pytest.approx(scored.mean())


def test_reliability_of_many_members_takes_ten_bins(calibrated):
    result = reliability_curve(*calibrated(30, shape=(2, 10, 10)), threshold=0)
    assert result.sizes["probability_bin"] == 10
    with pytest.raises(MetricError, match="bins is 0"):
        reliability_curve(*calibrated(3, shape=(1, 4, 4)), threshold=0, bins=0)
