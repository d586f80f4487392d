"""The family spatial: correlation over time and by distance, and which biases are more than chance."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ttest_1samp
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families.bias_significance import BlockMeans, block_length, significant
from stride_eval.synthetic import Example, write_example

FAST = EvalConfig(resamples=100)
FAMILY = registry.family("spatial")


def test_block_means_as_scipy():
    rng = np.random.default_rng(0)
    errors = rng.normal(0.3, 1, (34, 3, 4))
    errors[5, 0, 0] = np.nan
    errors[:, 1, 1], errors[:, 1, 2], errors[:, 2, 2] = 0.0, 0.1, np.nan
    state = BlockMeans((3, 4), 3)
    for start in range(0, 34, 5):
        state.add(errors[start : start + 5])
    means = np.nanmean(errors[:33].reshape(11, 3, 3, 4), axis=1, where=np.isfinite(errors[:33].reshape(11, 3, 3, 4)))
    expected = ttest_1samp(means, 0.0, axis=0).pvalue
    found = state.p_value()
    assert found[1, 1] == 1.0 and found[1, 2] == 0.0 and np.isnan(found[2, 2])
    for place in [(0, 0), (0, 1), (1, 0), (2, 3)]:
        assert found[place] == pytest.approx(expected[place])
    short = BlockMeans((3, 4), 5)
    short.add(errors)
    assert np.isnan(short.p_value()).all()  # six blocks
    assert [block_length(dates) for dates in (1, 10, 80, 365)] == [1, 2, 4, 7]


def test_no_bias_is_seldom_found():
    rng = np.random.default_rng(3)
    maps = 0
    for _ in range(150):
        state = BlockMeans((6, 6), 2)
        state.add(rng.normal(size=(40, 6, 6)))
        maps += bool(significant(xr.DataArray(state.p_value(), dims=("y", "x"))).any())
    assert maps / 150 < 0.17  # 0.10 of independent pixels


def test_maps_by_hand(tmp_path, saved, systems_of):
    rng = np.random.default_rng(1)
    observed = 280 + rng.normal(size=(40, 5, 8))
    members = observed[:, None] + rng.normal(size=(40, 3, 5, 8))
    members[..., :4] += 2.0
    observed[7, 0, 0], observed[:, 4, 7] = np.nan, np.nan
    observed[:, 4, 6] = 281.0
    attrs = {"units": "K", "long_name": "2 m temperature", "stride_variable": "t2m"}
    path = saved.write(tmp_path / "a.zarr", members, observed, key="t2m", attrs=attrs)
    results = FAMILY.compute(systems_of({"a": path}), FAST)
    one = results.sel(target="t2m", system="a")
    kept = [date for date in range(40) if date != 7]
    expected = np.corrcoef(members[kept].astype(np.float32).mean(1)[:, 0, 0], observed[kept, 0, 0])[0, 1]
    assert one["correlation"][0, 0].item() == pytest.approx(expected, abs=1e-5)
    assert one["correlation"][4, 6].isnull() and one["correlation"][4, 7].isnull()
    share = {score.name: score.value for score in FAMILY.scores(results, FAST)}["bias_significant"]
    assert 40.0 < share < 60.0
    believed = significant(one["bias_p"])
    assert believed[:, :4].all() and not believed[4, 7]
    figures = {record.name: record for record in FAMILY.plot(results, FAST)}
    assert "Dots: bias more than chance" in figures["bias_t2m"].caption
    assert set(figures) == {"bias_t2m", "error_t2m", "correlogram_t2m"}


def test_too_few_dates_for_a_test(pair, systems_of):
    results = FAMILY.compute(systems_of(pair), FAST)
    assert results["bias_p"].isnull().all() and FAMILY.scores(results, FAST) == []
    figures = {record.name: record for record in FAMILY.plot(results, FAST)}
    assert "No test of the bias: it needs 8 blocks" in figures["bias_prcp"].caption


def test_correlograms_of_known_truth(tmp_path, systems_of):
    paths = write_example(tmp_path, Example(dates=40, members=3, size=32, factor=4))
    chosen = {name: paths[name] for name in ("calibrated", "interpolated")}
    whole, parts = systems_of(chosen), systems_of(chosen)
    parts.block_bytes = 1
    results = FAMILY.compute(whole, FAST)
    xr.testing.assert_allclose(FAMILY.compute(parts, FAST), results)
    sums = results.isel(target=0)[["product", "power", "observed_product", "observed_power"]].sum("time")
    seen = sums["observed_product"] / sums["observed_power"]
    found = sums["product"] / sums["power"]
    assert (np.diff(seen) < 0).all()
    assert (abs(found.sel(system="calibrated") - seen) < 0.06).all()
    assert (found.sel(system="interpolated")[:3] > seen[:3] + 0.05).all()


def test_one_pixel_and_nothing_but_sea(tmp_path, saved, systems_of):
    rng = np.random.default_rng(1)
    fields = rng.gamma(1, 3, (4, 3, 1, 1))
    one = systems_of({"a": saved.write(tmp_path / "a.zarr", fields[:, :2], fields[:, 2])})
    results = FAMILY.compute(one, FAST)
    assert "product" not in results
    registry.family("extremes").compute(one, FAST)
