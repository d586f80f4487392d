"""Central intervals, the PIT, and the components of rank histograms."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from stride_eval.metrics import (
    MetricError,
    interval_coverage,
    interval_order,
    order_statistic_sums,
    pit_histogram,
    rank_components,
    rank_convexity,
    rank_histogram,
    rank_slope,
    rank_uniformity,
)


def coverage(forecast, observed, level):
    return interval_coverage(
        order_statistic_sums(forecast, observed), rank_histogram(forecast, observed)["counts"], level=level
    )


def test_coverage_by_hand():
    """Members 0, 1, 2, 4 of 0.5, 4 and 9; the 60 % interval is that of all members, the 20 % one from 1 to 2."""
    forecast = xr.DataArray([[0.0, 1, 2, 4]] * 3, dims=("x", "member"))
    observed = xr.DataArray([0.5, 4.0, 9.0], dims="x")
    found = coverage(forecast, observed, 0.6)
    assert found["nominal"].item() == pytest.approx(3 / 5)
    assert found["coverage"].item() == pytest.approx((1 + 1 / 2 + 0) / 3)  # the tie is half inside
    assert found["closed"].item() == pytest.approx(2 / 3)
    assert found["width"].item() == 4.0
    inner = coverage(forecast, observed, 0.2)
    assert (inner["nominal"].item(), inner["coverage"].item(), inner["width"].item()) == (
        pytest.approx(1 / 5),
        0.0,
        1.0,
    )


@pytest.mark.parametrize(
    ("members", "level", "order"),
    [(1, 0.9, 0), (2, 0.9, 1), (4, 0.9, 1), (9, 0.8, 1), (19, 0.9, 1), (19, 0.5, 5), (31, 0.8, 3), (99, 0.9, 5)],
)
def test_which_member(members, level, order):
    assert interval_order(members, level) == order


def test_coverage_against_sorting(hard, gaps):
    forecast, observed = (array.astype(float) for array in hard)
    found = coverage(forecast, observed, 0.5)
    x = np.sort(np.moveaxis(forecast.values, 1, -1)[~gaps], axis=-1)
    y = observed.values[~gaps]
    low, high = x[:, 1], x[:, -2]  # j = 2 of 7 members
    assert found["nominal"] == 0.5
    assert found["closed"].item() == pytest.approx(np.mean((low <= y) & (y <= high)))
    assert found["width"].item() == pytest.approx(np.mean(high - low))
    assert found["coverage"] <= found["closed"] + 1e-12


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_calibrated_and_dry_coverage(calibrated, dry, level):
    for pair in (calibrated(9), dry(9)):
        found = coverage(*pair, level)
        assert found["coverage"].item() == pytest.approx(found["nominal"].item(), abs=0.012)
    assert found["closed"] > found["nominal"] + 0.05  # dry: from 0 to 0 always holds 0
    narrow = coverage(*calibrated(9, 0.5), level)
    assert narrow["coverage"] < narrow["nominal"] - 0.1


def test_one_member_has_no_interval():
    found = coverage(xr.DataArray([[1.0]], dims=("x", "member")), xr.DataArray([1.0], dims="x"), 0.9)
    assert found.to_dataarray().isnull().all()


def test_pit_by_hand():
    """Three ranks in two bins: the middle rank is halved. Ranks as many as bins are the rank histogram itself."""
    counts = xr.DataArray([2.0, 4.0, 0.0], dims="rank")
    np.testing.assert_allclose(pit_histogram(counts, bins=2), [4 / 3, 2 / 3])
    np.testing.assert_allclose(pit_histogram(counts, bins=3), [1.0, 2.0, 0.0])
    assert pit_histogram(counts, bins=20).mean().item() == pytest.approx(1.0)
    assert pit_histogram(counts * 0).isnull().all()


def test_pit_of_any_size_is_flat(dry):
    for members in (2, 9, 14):
        pit = pit_histogram(rank_histogram(*dry(members))["counts"], bins=10)
        np.testing.assert_allclose(pit, 1.0, atol=0.06)


def test_components_by_hand():
    """Three ranks: line (-1, 0, 1) √(3/2), parabola (1, -2, 1) / √2."""
    counts = xr.DataArray([1.0, 2.0, 5.0], dims="rank")
    assert rank_slope(counts).item() == pytest.approx(np.sqrt(1.5) * 4 / 8)
    assert rank_convexity(counts).item() == pytest.approx((1 - 4 + 5) / np.sqrt(2) / 8)
    # With three ranks there are no further components: n times their squares is chi-square.
    squares = 8 * (rank_slope(counts) ** 2 + rank_convexity(counts) ** 2)
    assert squares.item() == pytest.approx(rank_uniformity(counts)["chi_square"].item())
    assert squares.item() == pytest.approx(stats.chisquare([1, 2, 5]).statistic)


def test_verdicts(calibrated):
    forecast, observed = calibrated(9)

    def verdict(forecast, observed):
        return rank_components(rank_histogram(forecast, observed, dim=("y", "x"))["counts"])

    good = verdict(forecast, observed)
    assert min(good["p_value"], good["slope_p"], good["convexity_p"]) > 0.001
    assert abs(good["slope"]) < 0.05 and abs(good["convexity"]) < 0.05
    low = verdict(forecast - 1.0, observed)
    assert low["slope"] > 0.5 and low["slope_p"] < 1e-6
    narrow = verdict(*calibrated(9, 0.5))
    assert narrow["convexity"] > 0.3 and narrow["convexity_p"] < 1e-6
    assert verdict(*calibrated(9, 2.0))["convexity"] < -0.2


def dates(rng, cases, days, members, points, block=1):
    """Reliable rank counts [case, time, rank]: all ``points`` of ``block`` successive days have one rank."""
    rank = np.repeat(rng.integers(0, members + 1, (cases, days // block)), block, axis=1)
    return xr.DataArray(points * (rank[..., None] == np.arange(members + 1)), dims=("case", "time", "rank")).astype(
        float
    )


@pytest.mark.parametrize("block", [1, 3])
def test_p_values_of_dependent_pixels(rng, block):
    """Days of 1000 equal pixels: counted as pixels every p is 0, here about 5 % are below 0.05."""
    counts = dates(rng, 400, 120, 7, 1000, block)
    found = rank_components(counts, block_length=block)
    for name in ("p_value", "slope_p", "convexity_p"):
        assert 0.01 < (found[name] < 0.05).mean() < 0.1, name
    assert found["n_effective"].median().item() == pytest.approx(120 / block, rel=0.1)
    assert (rank_uniformity(counts.sum("time"))["p_value"] < 0.05).mean() > 0.95


def test_independent_pixels_count_each(rng):
    counts = xr.DataArray(rng.multinomial(200, [0.2] * 5, (50, 40)), dims=("case", "time", "rank")).astype(float)
    assert rank_components(counts)["n_effective"].median().item() == pytest.approx(200 * 40, rel=0.1)


def test_few_dates_and_gaps(rng):
    counts = dates(rng, 1, 12, 4, 10).isel(case=0)
    padded = xr.concat([counts, counts * np.nan], dim="time")
    xr.testing.assert_allclose(rank_components(padded), rank_components(counts))
    alone = rank_components(counts.isel(time=[0]))
    assert alone["p_value"].isnull() and alone["slope"].notnull()
    nothing = rank_components(counts * 0)
    assert nothing["slope"].isnull() and nothing["p_value"].isnull()
    two = rank_components(xr.DataArray([[3.0, 4.0], [1.0, 5.0]], dims=("time", "rank")))
    assert two["convexity"].isnull() and two["slope_p"].notnull()


def test_wrong():
    counts = xr.DataArray([1.0, 2.0], dims="rank")
    with pytest.raises(MetricError, match="'time' and 'rank'"):
        rank_components(counts)
    with pytest.raises(MetricError, match="block_length is 0"):
        rank_components(counts.expand_dims(time=2), block_length=0)
    with pytest.raises(MetricError, match="bins is 0"):
        pit_histogram(counts, bins=0)
    with pytest.raises(MetricError, match="two ranks"):
        rank_slope(xr.DataArray([1.0], dims="rank"))
    with pytest.raises(MetricError, match="level is 1"):
        interval_order(5, 1.0)
    sums = order_statistic_sums(xr.DataArray([[1.0, 2.0]], dims=("x", "member")), xr.DataArray([1.0], dims="x"))
    with pytest.raises(MetricError, match="2 ranks where 2 members have 3"):
        interval_coverage(sums, counts, level=0.5)
