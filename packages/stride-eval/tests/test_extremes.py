"""The family extremes: by hand, gathered in parts, on known truth, and what it refuses."""

import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families.block_maxima import BlockMaxima, time_blocks
from stride_eval.families.largest_values import LargestValues, highest_level
from stride_eval.metrics.date_runs import date_runs
from stride_eval.provenance import Provenance
from stride_eval.synthetic import Example, write_example

FAST = EvalConfig(resamples=100)
FAMILY = registry.family("extremes")
KELVIN = {"units": "K", "long_name": "2 m temperature", "stride_variable": "t2m"}


def values(results, config=FAST):
    return {(score.system, score.name): score for score in FAMILY.scores(results, config)}


def test_the_largest_values_give_quantiles(rng=np.random.default_rng(1)):
    fields = np.round(rng.gamma(0.6, 4, (40, 5, 6)), 1).astype(np.float32)
    fields[rng.random(fields.shape) < 0.2] = np.nan
    fields[:, 0, 0] = np.nan
    state = LargestValues(5, (5, 6))
    for start in range(0, 40, 7):
        state.add(fields[start : start + 7])
    for level in (0.9, 0.95, 1.0):
        found = state.quantile(level)
        assert np.isnan(found[0, 0])
        for row, column in np.argwhere(np.isfinite(found)):
            one = fields[:, row, column]
            assert found[row, column] == np.quantile(one[np.isfinite(one)], level, method="inverted_cdf")
    assert np.isnan(state.quantile(0.5)).all()  # too few were kept
    assert [highest_level(dates) for dates in (9, 10, 80, 365)] == [None, 0.8, 0.95, 0.99]


def test_blocks_of_dates():
    days = np.arange("2000-01-01", "2006-03-01", dtype="M8[D]").astype("M8[ns]")
    labels = tuple(str(day)[:19] for day in days)
    years = time_blocks(labels, date_runs(days))
    assert (years.name, years.count) == ("year", 6)
    assert years.of_date[0] == 0 and years.of_date[366] == 1 and years.of_date[-1] == -1
    tens = time_blocks(labels[:57], date_runs(days[:57]))
    assert tens.count == 5 and np.bincount(tens.of_date).tolist() == [12, 11, 12, 11, 11]
    one = time_blocks(labels[:9], date_runs(days[:9]))
    assert (one.count, one.name) == (1, "the 9 dates at hand")


def test_maxima_of_blocks_by_hand():
    blocks = time_blocks(tuple(f"2000-01-{day:02d}" for day in range(1, 4)), date_runs(np.array([], "M8[ns]")))
    field = np.array([[1.0, np.nan], [5.0, np.nan], [2.0, 7.0]]).reshape(3, 1, 1, 2)
    for parts in ([3], [1, 2], [1, 1, 1]):
        state, start = BlockMaxima(blocks, np.array([0.0, 4.0, 6.0, 6.5])), 0
        for size in parts:
            state.add(field[start : start + size])
            start += size
        found = state.of_blocks()
        assert found["mean"].values.tolist() == [6.0] and found["counts"].values.tolist() == [[0, 1, 1]]
        assert state.largest.values.tolist() == [[5, 7]]


def test_five_days_and_wet_amounts_by_hand(tmp_path, saved, systems_of):
    observed = np.array([[1.0, 0], [2, 0], [3, 40], [4, 0], [5, 0], [0, 0]])[:, None, :]
    path = saved.write(tmp_path / "a.zarr", np.stack([observed, 3 * observed], 1), observed)
    results = FAMILY.compute(systems_of({"a": path}), FAST)
    found = values(results)
    assert found["observed", "five_day"].value == pytest.approx((15 + 40) / 2)
    assert found["observed", "five_day"].units == "mm"
    assert found["a", "five_day_difference"].value == pytest.approx(100)
    assert np.isnan(found["a", "five_day"].lower)  # one block has no interval
    assert found["observed", "block_maximum"].value == pytest.approx((5 + 40) / 2)
    # wet values 1, 2, 3, 4, 5, 40: all pixels share the percentile 40; the doubled-and-more reach it with 40 and 120
    assert results["percentile_pooled"].values.tolist() == [[1, 1]]
    assert found["observed", "r95p"].value == pytest.approx(40 / 12)
    assert found["a", "r95p"].value == pytest.approx((40 + 120) / 2 / 12)
    assert "return_level" not in {name for _, name in found}
    with np.errstate(all="raise"):
        maps = next(one for one in FAMILY.plot(results, FAST) if one.name == "maxima_prcp")
    assert "No 5-day sums" not in maps.caption


def test_isolated_dates_have_no_five_days(example, systems_of):
    results = FAMILY.compute(systems_of({"calibrated": example["calibrated"]}), FAST)
    assert not {"five_day", "joint", "high_quantile"} & set(results.data_vars)
    assert not {"five_day", "return_level"} & {name for _, name in values(results)}
    figures = {one.name: one for one in FAMILY.plot(results, FAST)}
    assert "no five of the dates are consecutive (the longest run is 1)" in figures["maxima_prcp"].caption
    assert set(figures) == {"tail_prcp", "maxima_prcp"}


@pytest.fixture(scope="module")
def rain(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("rain"), Example(dates=60, members=4, size=24, factor=4))


def test_known_truth_and_parts(rain, systems_of):
    chosen = {name: rain[name] for name in ("calibrated", "interpolated")}
    whole, parts = systems_of(chosen), systems_of(chosen)
    parts.block_bytes = 7 * 4 * 24 * 24 * 6
    results = FAMILY.compute(whole, FAST)
    xr.testing.assert_allclose(FAMILY.compute(parts, FAST), results)
    found = values(results)
    for name, away in (("block_maximum", 5.0), ("return_level", 7.0), ("r95p", 20.0)):
        right, smooth = found["calibrated", f"{name}_difference"], found["interpolated", f"{name}_difference"]
        assert abs(right.value) < away and smooth.upper < 0
        assert right.lower < right.value < right.upper
    assert found["observed", "block_maximum"].n == 6 and found["observed", "return_level"].n == 60
    one = results.isel(target=0)
    joint, seen = one["joint"].mean("time"), one["observed_joint"].mean("time")
    assert (abs(joint.sel(system="calibrated") / seen - 1) < 0.25).all()
    assert (joint.sel(system="interpolated")[:3] > 1.1 * seen[:3]).all()
    figures = {one.name: one for one in FAMILY.plot(results, FAST)}
    assert set(figures) == {"tail_prcp", "return_levels_prcp", "maxima_prcp", "tail_dependence_prcp"}
    assert "6 blocks" in figures["return_levels_prcp"].caption


def test_temperature_has_minima_and_no_wet_amounts(tmp_path, saved, systems_of):
    rng = np.random.default_rng(2)
    observed = 280 + rng.normal(size=(24, 6, 8))
    observed[3], observed[:, 0, 0] = np.nan, np.nan
    members = 280 + rng.normal(size=(24, 3, 6, 8))
    members[..., 4:] -= 1.0
    path = saved.write(tmp_path / "a.zarr", members, observed, key="t2m", attrs=KELVIN)
    results = FAMILY.compute(systems_of({"a": path}), FAST)
    found = values(results)
    assert {name for _, name in found if "_difference" not in name} == {
        "q999", "block_maximum", "block_minimum", "return_level",
    }  # fmt: skip
    seen = np.nanmin(observed.reshape(24, -1)[:, 1:], axis=0).mean()
    assert found["observed", "block_minimum"].value == pytest.approx(seen, abs=1e-4)
    assert found["a", "block_minimum_difference"].units == "K"
    assert results["maximum"].isel(target=0, system=0)[0, 0].isnull()
    figures = {one.name: one for one in FAMILY.plot(results, FAST)}
    assert "no law of block maxima: it needs 5 blocks" in figures["return_levels_t2m"].caption
    assert "5-day" not in figures["maxima_t2m"].caption
    assert Provenance.of(results).family == "extremes"


def test_dry_and_wholly_dry_members(tmp_path, saved, systems_of):
    observed = np.zeros((60, 6, 6))
    observed[::9, 2:4] = 3.0
    path = saved.write(tmp_path / "a.zarr", np.zeros((60, 2, 6, 6)), observed)
    results = FAMILY.compute(systems_of({"dry": path}), FAST)
    found = values(results)
    assert found["dry", "block_maximum"].value == 0.0
    assert found["dry", "r95p_difference"].value == pytest.approx(-100.0)
    assert np.isnan(found["dry", "return_level"].value)
    FAMILY.plot(results, FAST)


@pytest.mark.slow
def test_calibrated_systems_are_not_found_wrong(tmp_path, systems_of):
    """Over some draws the differences of calibrated ensembles scatter about zero."""
    differences = {"r95p": [], "block_maximum": [], "return_level": []}
    for seed in range(6):
        size = Example(dates=60, members=3, size=24, factor=4, seed=seed)
        paths = write_example(tmp_path / str(seed), size)
        found = values(FAMILY.compute(systems_of({"calibrated": paths["calibrated"]}), FAST))
        for name, collected in differences.items():
            collected.append(found["calibrated", f"{name}_difference"].value)
    for name, collected in differences.items():
        assert abs(np.mean(collected)) < 2.5 * np.std(collected, ddof=1) / np.sqrt(6) + 0.5, (name, collected)
