"""The mean and the probability matched mean of an ensemble as systems of their own."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.opening import open_systems
from stride_eval.runner import evaluate
from stride_vars.catalogue import Catalogue
from stride_vars.pmm import probability_matched_mean

FIELDS = np.random.default_rng(4).gamma(0.7, 4.0, (4, 4, 8, 6)).astype(np.float32)
CONFIG = EvalConfig(families=("distributions",), resamples=100, mode="metrics", single_fields=("mean", "pmm"))


@pytest.fixture
def paths(tmp_path, saved):
    return {
        "a": saved.write(tmp_path / "a.zarr", FIELDS[:, :3], FIELDS[:, 3]),
        "flat": saved.write(tmp_path / "flat.zarr", FIELDS[:, :1], FIELDS[:, 3]),
    }


def opened(paths, **how):
    return open_systems(paths, catalogue=Catalogue.load(), **how)


def test_members_are_the_mean_and_the_matched_mean(paths):
    systems = opened(paths, single_fields=("mean", "pmm"))
    assert systems.names == ("a", "a mean", "a PMM", "flat")
    assert [systems.members(name) for name in systems.names] == [3, 1, 1, 1]
    assert systems.ensembles == ("a",) and systems.reference == "flat"
    (block,) = systems.blocks("prcp")
    assert tuple(block.members) == systems.names
    np.testing.assert_allclose(block.members["a mean"][:, 0], FIELDS[:, :3].mean(1), rtol=1e-6)
    np.testing.assert_array_equal(block.members["a PMM"][:, 0], probability_matched_mean(FIELDS[:, :3], axis=1))
    assert opened(paths, single_fields=("pmm",), reference="a PMM").reference == "a PMM"


def test_a_saved_matched_mean_is_taken_and_cut_to_a_region(tmp_path, saved):
    dates = saved.tree(FIELDS[:, :3], FIELDS[:, 3])["target"]["time"].values
    field = np.arange(4 * 8 * 6, dtype=np.float32).reshape(4, 8, 6)
    pmm = xr.Dataset({"prcp": (("time", "y", "x"), field, saved.prcp)}, {"time": dates})
    gap = FIELDS[:, :3].copy()
    gap[1, 2, 3, 4] = np.nan
    path = saved.write(tmp_path / "a.zarr", gap, FIELDS[:, 3], groups={"/pmm": pmm})
    inside = np.zeros((8, 6), bool)
    inside[2:5, 3:] = True
    (block,) = opened({"a": path}, single_fields=("pmm",)).restricted_to(inside).blocks("prcp")
    expected = np.where(np.isnan(gap).any(1), np.nan, field)[:, 2:5, 3:]
    np.testing.assert_array_equal(block.members["a PMM"][:, 0], expected)


def test_they_are_scored_beside_their_ensemble(paths, tmp_path):
    config = CONFIG.model_copy(update={"families": ("probabilistic",), "mode": "minimal", "dpi": 40})
    result = evaluate(paths, config, tmp_path / "out")
    crps = {name: targets["prcp"]["crps"]["value"] for name, targets in result.summary.items()}
    assert crps["a mean"] == pytest.approx(np.abs(FIELDS[:, :3].mean(1) - FIELDS[:, 3]).mean(), rel=1e-5)
    assert set(crps) == {"a", "a mean", "a PMM", "flat"}


def test_results_with_other_single_fields_are_not_taken_for_these(paths, tmp_path):
    first = evaluate(paths, CONFIG, tmp_path / "out")
    assert not first.reused
    assert evaluate(paths, CONFIG, tmp_path / "out").reused
    without = evaluate(paths, replace_fields(CONFIG, ()), tmp_path / "out")
    assert not without.reused
    assert without.summary["a"] == first.summary["a"]


def replace_fields(config, kinds):
    return config.model_copy(update={"single_fields": kinds})


def test_figures_are_drawn_again_with_them(paths, tmp_path):
    config = EvalConfig(families=("distributions",), resamples=100, dpi=40, single_fields=("mean",))
    evaluate(paths, config, tmp_path / "out")
    again = evaluate(paths, config.model_copy(update={"mode": "plots"}), tmp_path / "out")
    assert set(again.summary) == {"a", "a mean", "flat"}


def test_blocks_of_dates_equal_the_whole(paths):
    systems = opened(paths, single_fields=("mean", "pmm"))
    (whole,) = systems.blocks("prcp")
    parts = list(replace(systems, block_bytes=1, _kept={}).blocks("prcp"))
    assert len(parts) == 4
    for name in systems.names:
        xr.testing.assert_equal(xr.concat([part.members[name] for part in parts], dim="time"), whole.members[name])


def test_a_name_that_is_taken(paths):
    with pytest.raises(EvalError, match="the system 'a mean' has the name of the mean of 'a'; rename it"):
        opened(paths | {"a mean": paths["flat"]}, single_fields=("mean",))
