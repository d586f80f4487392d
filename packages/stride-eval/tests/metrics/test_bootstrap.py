import numpy as np
import pytest
import xarray as xr
from scipy import stats
from stride_eval.metrics import block_bootstrap
from stride_eval.metrics.bootstrap import _resample_counts
from stride_eval.metrics.errors import MetricError


def days(values):
    return xr.DataArray(np.asarray(values, float), dims="time")


def test_mean_of_independent_days(rng):
    """The interval of a mean is that of the normal law: 1.96 s / sqrt(n)."""
    values = days(rng.normal(5, 2, 400))
    result = block_bootstrap(values, seed=1, n_resamples=4000)
    half = stats.norm.ppf(0.975) * values.std().item() / 20
    assert result["estimate"].item() == pytest.approx(values.mean().item())
    assert result["lower"].item() == pytest.approx(values.mean().item() - half, abs=0.1 * half)
    assert result["upper"].item() == pytest.approx(values.mean().item() + half, abs=0.1 * half)
    assert result["n"] == 400


def test_coverage(rng):
    """Over many samples, 90 % intervals hold the truth about nine times in ten."""
    samples = xr.DataArray(rng.gamma(2, 1, (60, 200)), dims=("time", "case"))
    result = block_bootstrap(samples, seed=2, level=0.9, n_resamples=400)
    assert ((result["lower"] <= 2) & (result["upper"] >= 2)).mean().item() == pytest.approx(0.9, abs=0.06)


def test_blocks_widen_the_interval_of_correlated_days(rng):
    noise = rng.normal(size=2000)
    for index in range(1, noise.size):
        noise[index] += 0.8 * noise[index - 1]
    width = {
        length: np.ptp(block_bootstrap(days(noise), seed=3, block_length=length).to_dataarray().values[1:3])
        for length in (1, 40)
    }
    assert width[40] / width[1] == pytest.approx(3, rel=0.25)  # sqrt((1 + 0.8) / (1 - 0.8))


def test_differences_are_paired(rng):
    """Two systems whose scores vary together: their difference is far surer than either."""
    common = rng.gamma(2, 2, 100)
    both = xr.Dataset({"a": days(common + rng.normal(0, 0.1, 100)), "b": days(common + 0.2)})
    result = block_bootstrap(both, lambda means: means["a"] - means["b"], seed=4)
    assert result["upper"] < 0
    assert result["upper"] - result["lower"] < 0.06


def test_ratio_of_means_not_mean_of_ratios():
    both = xr.Dataset({"numerator": days([1, 4]), "denominator": days([2, 16])})
    result = block_bootstrap(both, lambda m: 1 - m["numerator"] / m["denominator"], seed=5)
    assert result["estimate"].item() == pytest.approx(1 - 5 / 18)
    assert result["lower"].item() == pytest.approx(0.5)  # the first day twice
    assert result["upper"].item() == pytest.approx(0.75)  # the second day twice


def test_a_missing_day_is_left_out_of_all():
    both = xr.Dataset({"a": days([1, 2, np.nan, 3]), "b": days([2, 2, 9, np.nan])})
    result = block_bootstrap(both, lambda m: m["a"] / m["b"], seed=6)
    assert result["estimate"].item() == pytest.approx(3 / 4)
    assert result["n"] == 2


def test_maps_keep_their_dimensions(rng):
    field = xr.DataArray(rng.normal(size=(30, 4, 5)), dims=("time", "y", "x"))
    result = block_bootstrap(field, seed=7, n_resamples=50)
    assert result["lower"].dims == ("y", "x")
    alone = block_bootstrap(field[:, 1, 2], seed=7, n_resamples=50)
    assert result["upper"][1, 2].item() == pytest.approx(alone["upper"].item())
    assert (result["lower"] < result["upper"]).all()


def test_seeds(rng):
    values = days(rng.normal(size=20))
    first, again, other = (block_bootstrap(values, seed=seed, n_resamples=50) for seed in (1, 1, 2))
    xr.testing.assert_identical(first, again)
    assert first["lower"] != other["lower"]
    assert block_bootstrap(values.chunk(time=5), seed=1, n_resamples=50)["lower"] == first["lower"]


def test_resamples_are_whole_blocks():
    counts = _resample_counts(10, 5, 200, 8)
    assert (counts.sum(axis=1) == 10).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.2)  # circular: no day is rarer
    assert (_resample_counts(10, 10, 20, 8) == 1).all()
    assert (_resample_counts(10, 4, 20, 8).sum(axis=1) == 10).all()


def test_one_day_has_no_interval():
    result = block_bootstrap(days([3]), seed=1)
    assert result["estimate"] == 3
    assert np.isnan(result["lower"]) and np.isnan(result["upper"])


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (days([]), {}, "nothing along 'time'"),
        (days([1, 2]).rename(time="day"), {}, "no dimension 'time'"),
        (days([1, 2]), {"block_length": 3}, "block_length is 3 for 2"),
        (days([1, 2]), {"level": 95}, "level is 95"),
        (days([1, 2]), {"n_resamples": 0}, "n_resamples is 0"),
        (days([1, 2]), {"statistic": lambda m: m}, "takes a Dataset of named components"),
    ],
)
def test_raises(values, arguments, message):
    with pytest.raises(MetricError, match=message):
        block_bootstrap(values, seed=1, **arguments)


def distance(means):
    """Of two histograms: sampling alone makes it positive."""
    return abs(means["a"] - means["b"]).sum("bin")


@pytest.fixture
def histograms(rng):
    """Shares of bins per date, of the same distribution."""
    return lambda bins: xr.Dataset(
        {name: (("time", "bin"), rng.multinomial(bins, np.full(bins, 1 / bins), 25) / bins) for name in "ab"}
    )


def test_pushed_statistics_hold_their_estimate(histograms):
    for _ in range(5):
        counts = histograms(100)
        plain = block_bootstrap(counts, distance, seed=1, n_resamples=200).isel(bin=0)
        pushed = block_bootstrap(counts, distance, seed=1, n_resamples=200, biased=True).isel(bin=0)
        assert plain["lower"] > plain["estimate"]  # beside its own interval
        assert pushed["lower"] < pushed["estimate"] < pushed["upper"]
        width = [float(one["upper"] - one["lower"]) for one in (plain, pushed)]
        assert width[0] == pytest.approx(width[1], rel=0.15)


def test_pushed_statistics_cover_their_expectation(histograms):
    """The interval is of what so many dates give on average: about 19 of 20 hold it."""
    found = [
        block_bootstrap(histograms(20), distance, seed=1, n_resamples=100, biased=True).isel(bin=0) for _ in range(50)
    ]
    expected = np.mean([float(one["estimate"]) for one in found])
    held = np.mean([float(one["lower"]) <= expected <= float(one["upper"]) for one in found])
    assert 0.9 <= held <= 1.0


def test_resamples_are_kept_when_asked_for(rng):
    values = days([*rng.normal(size=9), np.nan])
    found = block_bootstrap(values, seed=3, n_resamples=40, keep_resamples=True)
    assert found["resampled"].shape == (40,) and found["used"].values.tolist() == [True] * 9 + [False]
    assert np.isin([found["lower"], found["upper"]], found["resampled"]).all()
    again = block_bootstrap(values + 1.0, seed=3, n_resamples=40, keep_resamples=True)
    np.testing.assert_allclose(again["resampled"] - found["resampled"], 1.0)  # the same dates in each place
    assert "resampled" not in block_bootstrap(values, seed=3, n_resamples=40)
