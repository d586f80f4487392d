"""Fields of a larger domain, from the configuration to the batch."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stride_data.assembly.channels import ChannelCounts
from stride_data.contract import validate_batch
from stride_data.errors import DataError
from stride_data.transforms import from_metadata
from stride_vars.regions import Box, Region


@pytest.fixture
def config(small_config):
    """HR 24 x 36 cells; context of means of 2 x 2 cells, 4 HR cells around every crop."""
    small_config["sources"]["wide"] = {**small_config["sources"]["coarse"], "block_average": 2}
    small_config["sources"]["hills"] = {**small_config["sources"]["ground"], "block_average": 2}
    small_config["context"] = ["wide.prcp"]
    small_config["context_static"] = ["hills.orog", "hills.lsm"]
    small_config["region"]["context"] = {"margin": 4}
    return small_config


def test_counts_names_and_shapes(build, config):
    adapter = build(config)
    assert adapter.counts == ChannelCounts(1, 1, 2, 1, 2)
    assert adapter.context_names == ("wide.prcp",)
    assert adapter.context_static_names == ("hills.orog", "hills.lsm")
    assert adapter.context_shape == (8, 10)
    assert adapter.region.context == Box(y=2, x=4, height=8, width=10)
    metadata = json.loads(json.dumps(adapter.metadata()))
    assert Region.model_validate(metadata["region"]) == adapter.region
    assert [entry["name"] for entry in metadata["channels"]["context_static"]] == ["hills.orog", "hills.lsm"]
    assert [entry["role"] for entry in metadata["transforms"]][-3:] == ["context", "context_static", "context_static"]
    assert from_metadata(metadata["transforms"][-3]) == adapter.scaling.context.transforms[0]
    assert adapter.domain_info["hr_cells_per_context_cell"] == ["2", "2"]
    assert adapter.domain_info["context_margins_hr"] == ["4", "4", "4", "4"]


def test_without_context_there_is_none(build, small_config):
    adapter = build(small_config)
    assert adapter.context_shape is None
    sample = adapter.sample(adapter.times("train")[0])
    assert sample["cond_context_dynamic"] is sample["cond_context_static"] is None
    assert "context_box" not in sample["cond_coord"]
    assert adapter.fields(adapter.times("train")[0]).context_box is None


def test_a_batch_keeps_the_contract(build, config):
    pytest.importorskip("torch")
    from stride_data.loaders import make_loader

    config["lags"], config["lag_gaps"] = ["-1 day", "0 days"], "drop"
    adapter = build(config)
    for batch in make_loader(adapter, "train", batch_size=2, seed=0, shuffle=True):
        assert batch["cond_context_dynamic"].shape[1:] == (2, 1, 8, 10)
        validate_batch(
            batch,
            counts=adapter.counts,
            hr_shape=adapter.hr_shape,
            lr_shape=adapter.lr_shape,
            context_shape=adapter.context_shape,
            temporal_steps=2,
        )
        assert batch["meta"]["context_vars"] == ["wide.prcp"]


def test_every_step_of_a_stack_is_of_its_own_day(build, config, known_field):
    config["lags"], config["lag_gaps"] = ["-2 days", "0 days"], "drop"
    config["splits"] = {"train": {"years": [2001, 2001]}}
    adapter = build(config)
    found = adapter.fields("2001-01-03T00:00:00")
    y, x = found.coords["context_y"][1], found.coords["context_x"][1]
    for step, day in enumerate((0, 2)):
        np.testing.assert_allclose(found.context[step, 0], known_field(y, x, day), rtol=1e-6)
    scaled = adapter.forward_context(found.context)
    np.testing.assert_allclose(adapter.inverse_context(scaled), found.context, rtol=1e-5)
    static = adapter.forward_context_static(found.context_static)
    np.testing.assert_allclose(adapter.inverse_context_static(static), found.context_static, rtol=1e-5, atol=1e-3)


def test_statistics_cover_the_context_box_of_training(build, config, known_field):
    adapter = build(config)
    entry = adapter.statistics["variables"]["wide.prcp"]
    # Crops begin at rows 4, 8, 12 and columns 4 to 20, so their context covers all 12 x 18 cells.
    y, x = np.arange(12) * 2000.0 + 500, np.arange(18) * 2000.0 + 500
    fields = np.stack([known_field(y, x, day) for day in range(4)])
    assert entry["n"] == fields.size
    assert entry["mean"] == pytest.approx(fields.mean(), rel=1e-6)
    assert entry["std"] == pytest.approx(fields.std(), rel=1e-5)
    assert adapter.statistics["provenance"]["region"]["context"] == {"y": 0, "x": 0, "height": 12, "width": 18}


def test_a_variable_that_is_dynamic_too_shares_its_statistics(build, config):
    config["context"] = ["coarse.prcp"]
    config["context_static"] = []
    alone = {**config, "context": [], "region": {**config["region"], "context": None}}
    shared, plain = build(config), build(alone)
    assert shared.scaling.context.transforms == shared.scaling.dynamic.transforms
    assert list(shared.statistics["variables"]) == list(plain.statistics["variables"])
    days = len(shared.times("train"))
    # Counted once, over the LR box of the crops whose context stays on its grid.
    assert shared.statistics["variables"]["coarse.prcp"]["n"] == days * 4 * 7


def test_missing_context_is_refused_or_filled(build, config, small_root, tmp_path):
    import xarray as xr

    for path in (small_root / "lr").glob("*.nc"):
        with xr.open_dataset(path) as data:
            data = data.load()
            data["tp"][:, 4:6, 8:10] = np.nan
            data.to_netcdf(tmp_path / path.name)
    config["sources"]["wide"]["files"] = str(tmp_path / "tp_{date:%Y%m%d}.nc")
    with pytest.raises(DataError, match=r"1 of \d+ values of wide\.prcp are missing in the context box \(y="):
        build(config)
    config["missing_conditioning"] = {"wide.prcp": 7.5}
    found = build(config, scaled=False).fields("2001-01-01T00:00:00")
    assert found.context[0, 0, 0] == 7.5
    assert (found.context == 7.5).sum() == 1


def test_context_on_two_grids_is_refused(build, config):
    config["context_static"] = ["ground.orog"]
    with pytest.raises(
        DataError, match=r"sources ground and wide have different cells along y .* all context fields stand"
    ):
        build(config, scaled=False)


def test_a_time_without_context_is_no_sample(build, config, small_root, tmp_path):
    for path in sorted((small_root / "lr").glob("*.nc"))[1:]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config["sources"]["wide"]["files"] = str(tmp_path / "tp_{date:%Y%m%d}.nc")
    assert len(build(config, scaled=False).times("train")) == 3
