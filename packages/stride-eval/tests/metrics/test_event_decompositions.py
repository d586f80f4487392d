"""Brier score in parts, isotonic and by classes; ROC; consistency bars."""

import numpy as np
import pytest
import scores.probability
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import isotonic_regression
from scipy.stats import mannwhitneyu
from stride_eval.metrics import (
    MetricError,
    brier_decomposition,
    brier_score,
    brier_score_from_counts,
    consistency_bars,
    corp_decomposition,
    isotonic_frequency,
    member_counts,
    roc_area,
    roc_curve,
)


def table(*rows):
    """Counts with outcome 0 in the first row and 1 in the second, k along it."""
    return xr.DataArray(np.array(rows, dtype=float), dims=("outcome", "k"))


def cases(counts):
    """Members and outcome of each point."""
    size = counts.shape[1]
    return np.repeat(np.tile(np.arange(size), 2), counts.ravel()), np.repeat([0, 1], counts.sum(axis=1))


COUNTS = hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 7)), elements=st.integers(0, 9))


def test_brier_by_hand():
    """Two members; p = 0, 1/2, 1 on 4, 2, 4 points with 1, 1, 3 events."""
    found = brier_decomposition(table([3, 1, 1], [1, 1, 3]))
    assert found["brier"].item() == pytest.approx((1 + 0.5 + 1) / 10)
    assert found["reliability"].item() == pytest.approx((4 * 0.25**2 + 0 + 4 * 0.25**2) / 10)
    assert found["resolution"].item() == pytest.approx((4 * 0.25**2 + 0 + 4 * 0.25**2) / 10)
    assert found["uncertainty"].item() == pytest.approx(0.25)


def test_corp_by_hand():
    """Frequencies 1/2, 0, 1 are made 1/3, 1/3, 1 by pooling the first two."""
    counts = table([1, 1, 0], [1, 0, 1])
    np.testing.assert_allclose(isotonic_frequency(counts), [1 / 3, 1 / 3, 1.0])
    found = corp_decomposition(counts)
    brier, recalibrated, uncertainty = (1 + 0.25) / 4, (2 * (1 / 9) + 4 / 9) / 4, 0.25
    assert found["brier"].item() == pytest.approx(brier)
    assert found["miscalibration"].item() == pytest.approx(brier - recalibrated)
    assert found["discrimination"].item() == pytest.approx(uncertainty - recalibrated)


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_against_scipy_and_mann_whitney(counts):
    k, outcome = cases(counts)
    found, parts = corp_decomposition(table(*counts)), brier_decomposition(table(*counts))
    area = roc_area(table(*counts)).item()
    if not len(k):
        assert found.to_dataarray().isnull().all() and parts.to_dataarray().isnull().all()
        return
    p = k / (counts.shape[1] - 1)
    n, used = counts.sum(axis=0), counts.sum(axis=0) > 0
    fitted = isotonic_regression(counts[1][used] / n[used], weights=n[used]).x
    np.testing.assert_allclose(isotonic_frequency(table(*counts))[used], fitted, atol=1e-12)
    brier = np.mean((p - outcome) ** 2)
    assert found["brier"].item() == pytest.approx(brier)
    assert parts["brier"].item() == pytest.approx(brier)
    total = found["miscalibration"] - found["discrimination"] + found["uncertainty"]
    assert total.item() == pytest.approx(brier)
    # Monotony can only make the parts smaller.
    assert found["miscalibration"] <= parts["reliability"] + 1e-12
    assert found["discrimination"] <= parts["resolution"] + 1e-12
    if 0 < outcome.sum() < len(outcome):
        pairs = outcome.sum() * (len(outcome) - outcome.sum())
        assert area == pytest.approx(mannwhitneyu(k[outcome == 1], k[outcome == 0]).statistic / pairs)
        curve = roc_curve(table(*counts))
        assert area == pytest.approx(np.trapezoid(curve["hit_rate"], curve["false_alarm_rate"]))
    else:
        assert np.isnan(area)


def test_many_cases_at_once(rng):
    """Several dimensions, labels, and more cases than fit a block."""
    values = rng.integers(0, 5, (300, 2, 30)).astype(float)
    counts = xr.DataArray(values, dims=("case", "outcome", "k"), coords={"k": np.arange(30), "outcome": [0, 1]})
    found = isotonic_frequency(counts)
    for case in (0, 150, 299):
        xr.testing.assert_allclose(found[case], isotonic_frequency(counts[case].drop_vars(["k", "outcome"])))
    assert (found.diff("k") >= -1e-12).where(found.diff("k").notnull(), True).all()


def test_against_scores(hard):
    forecast, observed = hard
    counts = member_counts(forecast, observed, threshold=1.0)
    expected = brier_score(forecast, observed, threshold=1.0, estimator="ecdf", dim=...).item()
    assert brier_decomposition(counts)["brier"].item() == pytest.approx(expected, rel=1e-12)
    assert corp_decomposition(counts)["brier"].item() == pytest.approx(expected, rel=1e-12)
    valid = forecast.notnull().all("member") & observed.notnull()
    probability = (forecast >= 1.0).mean("member").where(valid)
    outcome = (observed >= 1.0).where(valid).astype(float)
    theirs = scores.probability.roc_curve_data(probability, outcome)
    assert roc_area(counts).item() == pytest.approx(theirs["AUC"].item(), rel=1e-9)


def test_roc_by_hand():
    curve = roc_curve(table([6, 3, 1], [1, 1, 2]))
    np.testing.assert_allclose(curve["hit_rate"], [0, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve["false_alarm_rate"], [0, 0.1, 0.4, 1])
    assert curve["k"].values.tolist() == [3, 2, 1, 0]
    assert roc_area(table([6, 3, 1], [1, 1, 2])).item() == pytest.approx(0.5 * 0.95 + 0.25 * 0.75 + 0.25 * 0.3)


@pytest.mark.parametrize("estimator", ["fair", "ecdf"])
def test_the_brier_score_of_counts_is_that_of_fields(calibrated, estimator):
    forecast, observed = calibrated(4)
    forecast = forecast.where(forecast > 0.5, 0.0)
    counts = member_counts(forecast, observed, threshold=2.0)
    expected = brier_score(forecast, observed, threshold=2.0, estimator=estimator, dim=...).item()
    assert brier_score_from_counts(counts, estimator=estimator).item() == pytest.approx(expected, rel=1e-12)


def test_the_brier_score_of_counts_by_hand():
    # p = 1/2 once with and once without the event: 1/4 each; fair less 1/4 / 1 each. No point: nothing.
    counts = table([0, 1, 0], [0, 1, 0])
    assert brier_score_from_counts(counts, estimator="ecdf") == 0.25
    assert brier_score_from_counts(counts) == 0.0
    assert np.isnan(brier_score_from_counts(0 * counts))
    one = table([3, 1], [1, 3])
    assert brier_score_from_counts(one, estimator="auto") == 0.25
    with pytest.raises(MetricError, match="undefined for one member"):
        brier_score_from_counts(one)


def test_known_truth(calibrated):
    """Recalibration finds little to mend in a calibrated ensemble, much in one that is too sure."""
    forecast, observed = calibrated(19)
    good = corp_decomposition(member_counts(forecast, observed, threshold=2.0))
    narrow = corp_decomposition(member_counts(*calibrated(19, 0.2), threshold=2.0))
    assert good["miscalibration"] < 0.02 * good["brier"]
    assert narrow["miscalibration"] > 5 * good["miscalibration"]
    shifted = member_counts(forecast + 1.0, observed, threshold=2.0)
    kept = roc_area(member_counts(forecast, observed, threshold=2.0))
    assert roc_area(shifted).item() == pytest.approx(kept.item(), abs=0.02)
    perfect = member_counts(observed.expand_dims(member=3), observed, threshold=2.0)
    assert roc_area(perfect) == 1.0
    assert corp_decomposition(perfect)["brier"] == 0.0


def daily(rng, days, members, points, shared):
    """Counts of a reliable ensemble; ``shared``: the outcome of a class is the same over a whole day."""
    counts = np.zeros((days, 2, members + 1))
    for day in range(days):
        n = rng.multinomial(points, np.ones(members + 1) / (members + 1))
        p = np.arange(members + 1) / members
        events = n * (rng.random(members + 1) < p) if shared else rng.binomial(n, p)
        counts[day] = n - events, events
    return xr.DataArray(counts, dims=("time", "outcome", "k"))


@pytest.mark.parametrize("shared", [False, True])
def test_consistency_bars_hold_a_reliable_ensemble(rng, shared):
    """Also where all pixels of a day go together; and the bars are then much wider."""
    inside, width = [], []
    for _ in range(15):
        bars = consistency_bars(daily(rng, 60, 8, 90, shared), centre="diagonal", level=0.9, n_resamples=200, seed=1)
        middle = bars.isel(probability_bin=slice(1, -1))
        inside.append(
            (
                (middle["observed_frequency"] >= middle["lower"]) & (middle["observed_frequency"] <= middle["upper"])
            ).values
        )
        width.append((middle["upper"] - middle["lower"]).mean().item())
    assert 0.8 <= np.mean(inside) <= 1.0
    assert np.mean(width) > 0.18 if shared else np.mean(width) < 0.12


def test_consistency_bars_of_few_members(calibrated):
    """Three members of a calibrated ensemble: on the bars' own centres, which the diagonal is not."""
    forecast, observed = calibrated(3)
    counts = member_counts(forecast, observed, threshold=2.0).expand_dims(time=2)
    bars = consistency_bars(counts, n_resamples=100, seed=0)
    np.testing.assert_allclose(bars["observed_frequency"], bars["expected_frequency"], atol=0.03)
    straight = consistency_bars(counts, centre="diagonal", n_resamples=100, seed=0)["expected_frequency"]
    np.testing.assert_allclose(straight, [0.0, 1 / 3, 2 / 3, 1.0])
    assert bars["expected_frequency"][0] > 0.03 and bars["expected_frequency"][-1] < 0.97


def test_consistency_bars_of_few_events():
    """No event among 50 points forecast with 1/2: the dates do not scatter, the binomial bar remains."""
    counts = xr.DataArray(np.tile([[20.0, 5.0, 0.0], [0.0, 0.0, 5.0]], (10, 1, 1)), dims=("time", "outcome", "k"))
    bars = consistency_bars(counts, centre="diagonal", n_resamples=100, seed=0).isel(probability_bin=1)
    assert (bars["observed_frequency"], bars["n"]) == (0.0, 50)
    assert 0.3 < bars["lower"] < 0.45 and 0.55 < bars["upper"] < 0.7
    many = xr.DataArray(np.ones((10, 2, 33)), dims=("time", "outcome", "k"))
    pooled = consistency_bars(many, n_resamples=100, seed=0)
    assert pooled.sizes["probability_bin"] == 11
    np.testing.assert_allclose(pooled["forecast_probability"], (np.arange(33).reshape(11, 3) / 32).mean(axis=1))


def test_wrong():
    for metric in (brier_decomposition, corp_decomposition, isotonic_frequency, roc_area, roc_curve):
        with pytest.raises(MetricError, match=r"'outcome' .* and 'k'"):
            metric(xr.DataArray([1.0, 2.0], dims="k"))
    with pytest.raises(MetricError, match="'outcome' and 'k' alone"):
        consistency_bars(table([1, 2], [1, 2]), seed=0)
    with pytest.raises(MetricError, match="bins is 0"):
        consistency_bars(table([1, 2], [1, 2]).expand_dims(time=2), bins=0, seed=0)
