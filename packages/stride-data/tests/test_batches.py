"""Batches that are read at once: the same as samples one by one."""

import pickle

import numpy as np
import pytest
from stride_data.errors import DataError
from stride_vars.regions import Box


@pytest.fixture
def with_everything(small_config):
    small_config["lags"] = ["-1 day", "0 days"]
    small_config["lag_gaps"] = "drop"
    small_config["time_features"] = ["day_of_year"]
    small_config["context"] = ["coarse.prcp"]
    small_config["context_static"] = ["ground.lsm"]
    small_config["sources"]["ground"]["block_average"] = 4
    small_config["sources"]["height"] = {"files": "ground/topo_lsm.nc", "variables": {"orog": {"name": "topo"}}}
    small_config["static"] = []
    small_config["region"] = {
        "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
        "shuffle": {"y": 0, "x": 0, "height": 24, "width": 36},
        "context": {"margin": 4},
    }
    return small_config


def test_a_batch_is_its_samples(build, with_everything):
    adapter = build(with_everything)
    times = adapter.times("train")
    boxes = [adapter.crop(3, 0, index) for index in range(len(times))]
    batch = adapter.batch(times, boxes)
    assert batch["cond_dynamic"].shape == (3, 2, 1, 2, 3)
    assert batch["cond_context_dynamic"].shape == (3, 2, 1, 4, 5)
    assert batch["cond_context_static"].shape == (3, 1, 4, 5)
    assert batch["meta"]["timestamps"] == times
    for number, (time, box) in enumerate(zip(times, boxes, strict=True)):
        sample = adapter.sample(time, hr_box=box)
        for key, value in sample.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, batch[key][number])
        for key, value in sample["cond_coord"].items():
            np.testing.assert_array_equal(value, batch["cond_coord"][key][number])
        fields = adapter.fields(time, box)
        np.testing.assert_array_equal(adapter.forward_context(fields.context), batch["cond_context_dynamic"][number])
        assert fields.coords["context_y"][1].size == 4


def test_the_same_batch_from_a_store(build, with_everything, tmp_path):
    from stride_data.store.prepare import plan_store, prepare_store

    archive = build(with_everything)
    prepare_store(plan_store(build(with_everything, scaled=False)), tmp_path / "store.zarr")
    stored = build({**with_everything, "store": str(tmp_path / "store.zarr"), "root": "/nowhere"}, scaled=False)
    stored.load_statistics(stored.compute_statistics())
    assert stored.statistics_id == archive.statistics_id
    assert stored.splits == archive.splits
    assert stored.dropped_times == archive.dropped_times
    times = archive.times("train")
    boxes = [archive.crop(3, 0, index) for index in range(len(times))]
    one, two = archive.batch(times, boxes), stored.batch(times, boxes)
    assert one["meta"] == two["meta"]
    for key, value in one.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, two[key])


def test_only_the_samples_with_missing_conditioning_are_filled(build, small_config, small_root, tmp_path):
    import xarray as xr

    (tmp_path / "lr").mkdir()
    for path in (small_root / "lr").iterdir():
        with xr.open_dataset(path) as data:
            values = data.load()
            if "20010102" in path.name:
                values["tp"][0, 8:12, 12:16] = np.nan
            values.to_netcdf(tmp_path / "lr" / path.name)
    small_config["sources"]["coarse"]["files"] = str(tmp_path / "lr" / "tp_{date:%Y%m%d}.nc")
    whole, missing = "2001-01-01T00:00:00", "2001-01-02T00:00:00"
    box = Box(y=8, x=12, height=8, width=12)
    with pytest.raises(DataError, match=r"20010102.*1 of 6 values of coarse\.prcp are missing"):
        build(small_config, scaled=False).field_batch([whole, missing], [box, box])
    small_config["missing_conditioning"] = 7.0
    adapter = build(small_config, scaled=False)
    found = adapter.field_batch([whole, missing], [box, box])
    assert found.dynamic[1, 0, 0, 0] == 7.0
    assert (found.dynamic != 7.0).sum() == 11
    np.testing.assert_array_equal(found.dynamic[1], adapter.fields(missing, box).dynamic)


def test_boxes_are_worked_out_once_and_go_into_pickles(build, small_config, monkeypatch):
    geometry = build(small_config, scaled=False).geometry
    hr = Box(y=4, x=8, height=8, width=12)
    assert geometry.lr_box(hr) is geometry.lr_box(Box(y=4, x=8, height=8, width=12))
    assert geometry.hr_box_of("fine", hr) == hr
    with pytest.raises(DataError, match="begin it at multiples"):
        geometry.lr_box(Box(y=5, x=8, height=8, width=12))
    monkeypatch.setattr("stride_data.regions.remembered._MOST", 1)
    for y in (0, 4, 8, 0):
        assert geometry.lr_box(Box(y=y, x=8, height=8, width=12)).y == y // 4
    assert pickle.loads(pickle.dumps(geometry)).lr_box(hr) == geometry.lr_box(hr)


def test_an_adapter_of_ones_own_gives_samples(build, small_config):
    pytest.importorskip("torch")
    from stride_data.loaders import ContractDataset, make_loader

    adapter = build(small_config)
    dataset = ContractDataset(adapter, "train", shuffle=True, seed=1)
    samples = [dataset[0, index] for index in range(4)]

    class Own:
        """Offers what the protocol asks for, and no batches."""

        def __getattr__(self, name: str):
            if name == "batch":
                raise AttributeError(name)
            return getattr(adapter, name)

    for one in (Own(), adapter):
        for batch in make_loader(one, "train", batch_size=4, seed=1, shuffle=True):
            order = [adapter.times("train").index(time) for time in batch["meta"]["timestamps"]]
            for number, index in enumerate(order):
                np.testing.assert_array_equal(batch["target"][number], samples[index]["target"])
