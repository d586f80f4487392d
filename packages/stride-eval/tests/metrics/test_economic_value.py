import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_eval.metrics import (
    MetricError,
    brier_score,
    largest_economic_value,
    member_counts,
    potential_economic_value,
    relative_economic_value,
)


def table(*rows):
    """Counts with outcome 0 in the first row and 1 in the second, k along it."""
    return xr.DataArray(np.array(rows, dtype=float), dims=("outcome", "k"))


def test_counts_by_hand():
    forecast = xr.DataArray([[0.0, 2, 2, 2], [0, 0, 1, np.nan]], dims=("member", "x"))
    observed = xr.DataArray([0.0, 1, 0, 5], dims="x")
    counts = member_counts(forecast, observed, threshold=1.0)
    np.testing.assert_array_equal(counts.transpose("outcome", "k"), [[1, 0, 1], [0, 1, 0]])


def test_value_by_hand():
    """One member, 100 points: 20 events of which 15 are hit, 80 others of which 8 are false alarms; a = 0.2."""
    counts = table([72, 8], [5, 15])
    value = relative_economic_value(counts, cost_loss=0.2)
    # Expenses: (23 * 0.2 + 5) / 100 = 0.096; climate 0.2; perfect 0.04.
    assert value.item() == pytest.approx((0.2 - 0.096) / (0.2 - 0.04))
    assert value.item() == pytest.approx(largest_economic_value(counts).item())  # a is the base rate: 0.75 - 0.1
    assert largest_economic_value(counts).item() == pytest.approx(0.65)
    wide = relative_economic_value(counts, cost_loss=[0.1, 0.5])
    # a = 0.1: climate acts always, 0.1; forecast 0.073; perfect 0.02. a = 0.5: climate never, 0.2; 0.165; 0.1.
    np.testing.assert_allclose(wide.squeeze("k"), [0.027 / 0.08, 0.035 / 0.1])


def expenses(counts, a, k):
    """Mean expense by its definition: cost of each action, loss of each miss."""
    hits, alarms, misses = counts[1, k:].sum(), counts[0, k:].sum(), counts[1, :k].sum()
    return (a * (hits + alarms) + misses) / counts.sum()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=10, max_size=10), st.floats(0.02, 0.98))
def test_against_expenses(numbers, a):
    counts = np.array(numbers, dtype=float).reshape(2, 5)
    base = counts[1].sum() / max(counts.sum(), 1)
    value = relative_economic_value(table(*counts), cost_loss=a)
    if not 0 < base < 1:
        assert value.isnull().all()
        return
    climate, perfect = min(a, base), a * base
    for k in range(1, 5):
        expected = (climate - expenses(counts, a, k)) / (climate - perfect)
        assert value.isel(k=k - 1).item() == pytest.approx(expected, abs=1e-9)
    best = potential_economic_value(table(*counts), cost_loss=a).item()
    assert best == pytest.approx(value.max().item())
    assert best <= largest_economic_value(table(*counts)).item() + 1e-9


def test_counts_give_the_brier_score(hard):
    """(k / M - o)² over the counts is the Brier score: gaps and ties are dealt with alike."""
    forecast, observed = hard
    levels = xr.DataArray([1.0, 4.0], dims="threshold")
    counts = member_counts(forecast, observed, threshold=levels, dim=("y", "x"))
    error = ((counts["k"] / 7 - counts["outcome"]) ** 2 * counts).sum(("k", "outcome"))
    total = counts.sum(("k", "outcome"))
    expected = brier_score(forecast, observed, threshold=levels, estimator="ecdf", dim=("y", "x"))
    xr.testing.assert_allclose(error / total.where(total > 0), expected)
    lazy = member_counts(forecast.chunk(time=2, y=5), observed.chunk(time=2, y=5), threshold=levels, dim=("y", "x"))
    xr.testing.assert_identical(lazy.compute(), counts)


def test_known_truth(calibrated):
    """Perfect members are worth all, noise nothing; in a calibrated ensemble k / M is best near the cost-loss ratio."""
    forecast, observed = calibrated(members=9)
    perfect = observed.expand_dims(member=3)
    assert largest_economic_value(member_counts(perfect, observed, threshold=1.0)).item() == 1.0
    noise = forecast.isel(time=slice(None, None, -1))
    assert abs(largest_economic_value(member_counts(noise, observed, threshold=1.0)).item()) < 0.03
    value = relative_economic_value(member_counts(forecast, observed, threshold=1.0), cost_loss=[0.2, 0.5, 0.8])
    np.testing.assert_allclose(value["k"][value.argmax("k")] / 9, [0.2, 0.5, 0.8], atol=0.12)


def test_missing_counts_are_none():
    """A system of fewer members has no counts at larger k."""
    counts = table([72, 8, np.nan], [5, 15, np.nan])
    assert largest_economic_value(counts).item() == pytest.approx(0.65)


def test_raises():
    with pytest.raises(MetricError, match="above 0 and below 1"):
        relative_economic_value(table([1, 1], [1, 1]), cost_loss=1.0)
    with pytest.raises(MetricError, match="make them by member_counts"):
        largest_economic_value(xr.DataArray([1.0, 2.0], dims="k"))
