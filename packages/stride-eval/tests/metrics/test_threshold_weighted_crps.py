import numpy as np
import pytest
import scores.probability
import scoringrules
import xarray as xr
from stride_eval.metrics import crps_ensemble, threshold_weighted_crps
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    """Above 1: members (1, 1, 1, 2), observation 1: 1/4 - 6/32."""
    forecast, observed = xr.DataArray([0.0, 0, 1, 2], dims="member"), xr.DataArray(0.0)
    score = threshold_weighted_crps(forecast, observed, threshold=1, estimator="ecdf")
    assert score.item() == pytest.approx(1 / 16, abs=1e-15)


@pytest.mark.parametrize("tail", ["upper", "lower"])
@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_against_scores(hard, gaps, tail, estimator):
    forecast, observed = (array.astype(float) for array in hard)
    ours = threshold_weighted_crps(forecast, observed, threshold=2.5, tail=tail, estimator=estimator)
    theirs = scores.probability.tail_tw_crps_for_ensemble(
        forecast, observed, "member", 2.5, tail=tail, method=estimator, preserve_dims="all"
    )
    np.testing.assert_allclose(ours.values[~gaps], theirs.values[~gaps], rtol=1e-12, atol=1e-12)
    assert np.isnan(ours.values[gaps]).all()


def test_against_scoringrules(hard, gaps):
    forecast, observed = (array.astype(float) for array in hard)
    ours = threshold_weighted_crps(forecast, observed, threshold=2.5, estimator="ecdf")
    theirs = scoringrules.twcrps_ensemble(observed.values, forecast.values, a=2.5, m_axis=1, estimator="nrg")
    np.testing.assert_allclose(ours.values[~gaps], theirs[~gaps], rtol=1e-12, atol=1e-12)


def test_both_tails_make_the_whole(hard):
    """max(x, t) + min(x, t) = x + t, and both keep the order: the two tails add up to the CRPS."""
    parts = [threshold_weighted_crps(*hard, threshold=3, tail=tail) for tail in ("upper", "lower")]
    xr.testing.assert_allclose(sum(parts), crps_ensemble(*hard), atol=1e-6)


def test_several_thresholds_and_maps(hard):
    forecast, observed = hard
    levels = xr.DataArray([0.5, 4.0], dims="threshold")
    together = threshold_weighted_crps(forecast, observed, threshold=levels, dim=("time", "y", "x"))
    for index, level in enumerate(levels.values):
        alone = threshold_weighted_crps(forecast, observed, threshold=level, dim=...)
        assert together[index].item() == pytest.approx(alone.item(), rel=1e-12)
    local = xr.full_like(observed[0], 4.0)
    xr.testing.assert_allclose(
        threshold_weighted_crps(forecast, observed, threshold=local),
        threshold_weighted_crps(forecast, observed, threshold=4.0),
    )
    local[0, 0] = np.nan
    assert np.isnan(threshold_weighted_crps(forecast, observed, threshold=local)[:, 0, 0]).all()


def test_raises(hard):
    with pytest.raises(MetricError, match="no tail 'right'"):
        threshold_weighted_crps(*hard, threshold=1, tail="right")
    with pytest.raises(MetricError, match="undefined for one member"):
        threshold_weighted_crps(hard[0].isel(member=[0]), hard[1], threshold=1)
