import numpy as np
import pytest
import scores.probability
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from stride_eval.metrics import rank_histogram, rank_uniformity
from stride_eval.metrics.errors import MetricError


def test_by_hand():
    """Observed 1 among (0, 1, 1, 2): one below, two equal: ranks 1, 2, 3 get a third each; 5 above all; 0 = all dry."""
    forecast = xr.DataArray([[0.0, 1, 1, 2], [0, 1, 2, 3], [0, 0, 0, 0]], dims=("x", "member"))
    result = rank_histogram(forecast, xr.DataArray([1.0, 5, 0], dims="x"))
    np.testing.assert_allclose(result["counts"], [1 / 5, 1 / 3 + 1 / 5, 1 / 3 + 1 / 5, 1 / 3 + 1 / 5, 1 + 1 / 5])
    assert (result["n"], result["n_tied"], result["n_all_tied"]) == (3, 2, 1)
    assert result["rank"].values.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:Encountered a NaN")
def test_against_scores(hard, gaps):
    forecast, observed = (array.astype(float) for array in hard)
    theirs = scores.probability.rank_histogram(forecast, observed.where(~gaps), "member")
    ours = rank_histogram(forecast, observed)
    np.testing.assert_allclose(ours["counts"] / ours["n"], theirs.values, rtol=1e-12)


def test_flat_for_a_reliable_dry_ensemble(dry):
    """Counting members below the observation would put most of these points into rank 0."""
    forecast, observed = dry(9)
    assert ((forecast < observed).sum("member") == 0).mean() > 0.8
    result = rank_histogram(forecast, observed)
    np.testing.assert_allclose(result["counts"] / result["n"], 0.1, atol=0.005)
    assert result["n_all_tied"] > 0.5 * result["n"]
    assert rank_uniformity(result["counts"])["p_value"] > 0.01


@pytest.mark.parametrize(("spread", "shape"), [(0.5, "U"), (2.0, "dome")])
def test_verdict_on_dispersion(calibrated, spread, shape):
    counts = rank_histogram(*calibrated(9, spread))["counts"]
    outer, inner = counts[[0, -1]].mean(), counts[4:6].mean()
    assert outer > 2 * inner if shape == "U" else outer < 0.5 * inner
    verdict = rank_uniformity(counts)
    assert verdict["p_value"] < 1e-6
    assert verdict["flatness"] > 50


def test_verdict_on_bias(calibrated):
    forecast, observed = calibrated(9)
    counts = rank_histogram(forecast + 1, observed)["counts"]
    assert (counts.diff("rank") < 0).all()


def test_days_add_up(hard, gaps):
    daily = rank_histogram(*hard, dim=("y", "x"))
    whole = rank_histogram(*hard)
    xr.testing.assert_allclose(daily.sum("time"), whole)
    np.testing.assert_array_equal(daily["n"], (~gaps).sum(axis=(1, 2)))
    np.testing.assert_allclose(daily["counts"].sum("rank"), daily["n"])
    maps = rank_histogram(*hard, dim="time")
    assert maps["counts"].dims == ("y", "x", "rank")
    xr.testing.assert_allclose(maps.sum(("y", "x")), whole)


def test_one_member(hard):
    counts = rank_histogram(hard[0].isel(member=[0]), hard[1])["counts"]
    assert counts.sizes["rank"] == 2


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 20), st.integers(2, 6)), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0]))
)
@settings(max_examples=25, deadline=None)
def test_equals_the_expectation_of_random_ties(values):
    """The exact expected counts, rank by rank, from the two kinds of comparison."""
    observed, members = values[:, 0], values[:, 1:]
    expected = np.zeros(members.shape[1] + 1)
    for row, truth in zip(members, observed, strict=True):
        low, high = (row < truth).sum(), (row <= truth).sum()
        expected[low : high + 1] += 1 / (high - low + 1)
    result = rank_histogram(xr.DataArray(members, dims=("x", "member")), xr.DataArray(observed, dims="x"))
    np.testing.assert_allclose(result["counts"], expected, atol=1e-12)


def test_chi_square_against_scipy():
    counts = xr.DataArray([12.0, 8, 15, 5], dims="rank")
    theirs = stats.chisquare(counts)
    ours = rank_uniformity(counts)
    assert ours["chi_square"].item() == pytest.approx(theirs.statistic)
    assert ours["p_value"].item() == pytest.approx(theirs.pvalue)
    assert ours["flatness"].item() == pytest.approx(theirs.statistic / 3)
    assert ours["reliability_index"].item() == pytest.approx((2 + 2 + 5 + 5) / 40)


def test_effective_n_scales_the_test_and_keeps_the_shape():
    counts = xr.DataArray([1200.0, 800, 1500, 500], dims="rank")
    small = rank_uniformity(counts, effective_n=40)
    xr.testing.assert_allclose(small, rank_uniformity(counts / 100))
    assert small["reliability_index"] == rank_uniformity(counts)["reliability_index"]


def test_p_values_of_reliable_cases_are_uniform(rng):
    counts = xr.DataArray(rng.multinomial(500, [0.1] * 10, size=2000), dims=("case", "rank"))
    assert stats.kstest(rank_uniformity(counts)["p_value"], "uniform").pvalue > 0.01
    assert rank_uniformity(counts)["flatness"].mean().item() == pytest.approx(1, abs=0.05)


def test_empty_and_wrong():
    assert np.isnan(rank_uniformity(xr.DataArray([0.0, 0, 0], dims="rank"))["p_value"])
    with pytest.raises(MetricError, match="effective_n must be positive"):
        rank_uniformity(xr.DataArray([1.0, 2], dims="rank"), effective_n=0)
    with pytest.raises(MetricError, match="dimension 'rank' of two ranks"):
        rank_uniformity(xr.DataArray([1.0, 2], dims="k"))
