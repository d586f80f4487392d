import json

import numpy as np
import pytest
from stride_data.adapter import Adapter, GriddedAdapter
from stride_data.config import load_data_config
from stride_data.errors import DataError
from stride_data.transforms import from_metadata
from stride_vars.regions import Box, Region


def test_names_counts_and_protocol(build, small_config):
    adapter = build(small_config)
    assert isinstance(adapter, Adapter)
    assert adapter.target_names == ("fine.prcp",)
    assert adapter.cond_names == ("coarse.prcp",)
    assert adapter.static_names == ("ground.orog", "ground.lsm")
    assert adapter.counts == (1, 1, 2, 0, 0)
    assert [spec.units for spec in adapter.static_vars] == ["m", "1"]
    assert adapter.times("val") == adapter.times("test") == ["2002-01-01T00:00:00", "2002-01-02T00:00:00"]
    with pytest.raises(DataError, match=r"no 'vall'\. Did you mean 'val'"):
        adapter.times("vall")


def test_fields_arrive_where_their_coordinates_say(build, small_config, known_field):
    adapter = build(small_config)
    for index in range(6):
        box = adapter.crop(3, 1, index)
        found = adapter.fields("2001-01-03T00:00:00", box)
        coords = found.coords
        (y_dims, y, y_attrs), (x_dims, x, _) = coords["y"], coords["x"]
        assert (y_dims, x_dims, y_attrs["units"]) == (("y",), ("x",), "m")
        np.testing.assert_allclose(found.target[0], known_field(y, x, 2), rtol=1e-6)
        np.testing.assert_allclose(found.dynamic[0], known_field(coords["lr_y"][1], coords["lr_x"][1], 2), rtol=1e-6)
        # The LR field was made of the same field, so it is the mean of the HR blocks under it.
        blocks = found.target[0].reshape(2, 4, 3, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(found.dynamic[0], blocks, rtol=1e-6)
        np.testing.assert_array_equal(found.static[1], np.broadcast_to(x > 20000, (8, 12)))
        np.testing.assert_array_equal(found.static[0], np.where(found.static[1] > 0, 100, 0))  # valid_min: 0
        assert found.mask.all()
        assert found.target.dtype == found.dynamic.dtype == found.static.dtype == np.float32


def test_a_margin_moves_the_lr_field_with_its_coordinates(build, small_config, known_field):
    small_config["region"]["lr_margin"] = 1
    found = build(small_config).fields("2001-01-01T00:00:00")
    coords = found.coords
    assert found.dynamic.shape == (1, 4, 5)
    np.testing.assert_allclose(found.dynamic[0], known_field(coords["lr_y"][1], coords["lr_x"][1], 0), rtol=1e-6)
    # The LR cell beyond the margin begins at the first HR cell.
    assert coords["lr_y"][1][1] == coords["y"][1][:4].mean()


def test_a_sample_is_scaled_and_says_where_it_is(build, small_config):
    adapter = build(small_config)
    box = Box(y=4, x=20, height=8, width=12)
    sample = adapter.sample("2001-01-02T00:00:00", hr_box=box)
    physical = adapter.fields("2001-01-02T00:00:00", box)
    np.testing.assert_allclose(adapter.inverse_target(sample["target"]), physical.target, rtol=1e-5)
    np.testing.assert_allclose(adapter.inverse_conditioning(sample["cond_dynamic"]), physical.dynamic, rtol=1e-5)
    np.testing.assert_allclose(adapter.inverse_static(sample["cond_static"]), physical.static, rtol=1e-5, atol=1e-4)
    coord = sample["cond_coord"]
    assert coord["hr_box"].tolist() == [4, 20, 8, 12]
    assert coord["lr_box"].tolist() == [1, 5, 2, 3]
    assert coord["hr_bounds"].tolist() == coord["lr_bounds"].tolist() == [3500.0, 11500.0, 19500.0, 31500.0]
    assert sample["meta"]["timestamps"] == ["2001-01-02T00:00:00"]
    assert sample["meta"]["scaling_info"]["valid_min"] == {"ground.orog": 0.0}
    assert sample["meta"]["domain_info"]["hr_cells_per_lr_cell"] == ["4", "4"]


def test_scaling_keeps_leading_axes(build, small_config):
    adapter = build(small_config)
    x = np.random.default_rng(0).uniform(0, 9, (5, 3, 2, 4, 6)).astype(np.float32)
    z = adapter.forward_static(x)
    assert z.shape == x.shape
    np.testing.assert_allclose(z[..., 1, :, :], x[..., 1, :, :])  # the land mask is not scaled
    np.testing.assert_allclose(adapter.inverse_static(z), x, rtol=1e-5, atol=1e-4)
    with pytest.raises(ValueError, match=r"expected \[\.\.\., 2, H, W\]"):
        adapter.forward_static(x[:, :, :1])


def test_the_wet_threshold_in_scaled_units(build, small_config):
    adapter = build(small_config)
    (threshold,) = adapter.wet_thresholds_scaled()
    spec = adapter.target_vars[0]
    assert adapter.inverse_target(np.full((1, 1, 1), threshold))[0, 0, 0] == pytest.approx(spec.wet_threshold)


def test_metadata_are_json_and_rebuild_what_matters(build, small_config):
    adapter = build(small_config)
    metadata = json.loads(json.dumps(adapter.metadata()))
    assert metadata["statistics_id"] == adapter.statistics_id
    assert Region.model_validate(metadata["region"]) == adapter.region
    assert [from_metadata(entry) for entry in metadata["transforms"]] == [
        *adapter.scaling.target.transforms,
        *adapter.scaling.dynamic.transforms,
        *adapter.scaling.static.transforms,
    ]
    assert [entry["role"] for entry in metadata["transforms"]] == ["target", "dynamic", "static", "static"]
    assert metadata["channels"]["target"][0]["spec"]["units"] == "mm day-1"
    assert metadata["splits"]["train"]["times"] == 4
    other = build(small_config, scaled=False)
    other.load_statistics(metadata["statistics"])
    assert other.transforms == adapter.transforms


def test_the_configuration_names_its_statistics(build, small_config, tmp_path):
    path = build(small_config).write_statistics(tmp_path / "statistics.json")
    small_config["statistics"] = str(path)
    assert build(small_config, scaled=False).statistics_id is not None


def test_a_field_is_decoded_once(build, small_config, monkeypatch):
    from stride_data.discovery.source import Source

    read: list[tuple[str, str]] = []
    original = Source.read

    def counted(self, time, keys):
        read.append((self.name, time))
        return original(self, time, keys)

    monkeypatch.setattr(Source, "read", counted)
    adapter = build(small_config)
    for index in range(20):
        adapter.sample("2001-01-01T00:00:00", hr_box=adapter.crop(0, 0, index))
    assert len(read) == len(set(read)) == 8  # four training days of two sources, for the statistics


def test_the_cache_is_bounded(build, small_config):
    small_config["cache_gb"] = 24 * 36 * 4 * 2.5e-9
    adapter = build(small_config)
    cache = adapter.sources["fine"].cache
    for time in adapter.times("train"):
        adapter.fields(time)
        assert 0 < cache.bytes_held <= cache.limit_bytes
    field = adapter.sources["fine"].read_box("prcp", adapter.times("train")[-1], adapter.region.hr)
    with pytest.raises(ValueError, match="read-only"):
        field[0, 0] = 1.0


def test_sources_may_be_parts_of_the_same_grid(build, small_config, small_root, tmp_path, known_field):
    """Static fields and LR cells on smaller or shifted cuts of the grids are placed by their coordinates."""
    import xarray as xr

    with xr.open_dataset(small_root / "ground" / "topo_lsm.nc") as ground:
        ground.isel(y=slice(4, 24), x=slice(8, 36)).to_netcdf(tmp_path / "part.nc")
    small_config["sources"]["ground"]["files"] = str(tmp_path / "part.nc")
    small_config["region"]["shuffle"] = None
    adapter = build(small_config)
    assert adapter.geometry.domain == Box(y=4, x=8, height=20, width=28)
    found = adapter.fields("2001-01-01T00:00:00", Box(y=4, x=16, height=8, width=12))
    np.testing.assert_array_equal(found.static[1][0], found.coords["x"][1] > 20000)


def test_lr_and_hr_days_that_do_not_overlap(build, small_config, small_root, tmp_path):
    import xarray as xr

    for day in (1, 2):
        with xr.open_dataset(small_root / "lr" / f"tp_2001010{day}.nc") as data:
            data.to_netcdf(tmp_path / f"tp_2011010{day}.nc")
    small_config["sources"]["coarse"]["files"] = str(tmp_path / "tp_{date:%Y%m%d}.nc")
    with pytest.raises(DataError) as error:
        build(small_config)
    assert "no time is common to the sources" in str(error.value)
    assert "coarse has 2 from 2011-01-01T00:00:00" in str(error.value)
    assert "fine has 6 from 2001-01-01T00:00:00" in str(error.value)


def test_hours_that_differ_suggest_matching_by_date(build, small_config, small_root, tmp_path):
    import xarray as xr

    with xr.open_mfdataset(str(small_root / "lr" / "*.nc")) as data:
        data.assign_coords(time=data["time"] + np.timedelta64(12, "h")).to_netcdf(tmp_path / "all.nc")
    small_config["sources"]["coarse"]["files"] = str(tmp_path / "all.nc")
    with pytest.raises(DataError, match=r"6 of their dates agree, so set data\.time_match: date"):
        build(small_config)
    small_config["time_match"] = "date"
    assert len(build(small_config).times("train")) == 4


def test_times_without_target(build, small_config, small_root, tmp_path):
    for path in (small_root / "hr").glob("*2001*.nc"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    small_config["splits"] = {
        "train": {"years": [2001, 2001]},
        "future": {"years": [2002, 2002], "needs_target": False},
    }
    adapter = build(small_config)
    found = adapter.fields(adapter.times("future")[0])
    assert found.target is None
    assert found.mask is None
    assert found.dynamic.shape == (1, 2, 3)
    assert adapter.sample(adapter.times("future")[0])["target"] is None
    assert not adapter.has_target(adapter.times("future")[0]) and adapter.has_target(adapter.times("train")[0])


def test_without_a_split_that_needs_targets_no_time_of_theirs_is_asked_for(build, small_config, small_root, tmp_path):
    for path in (small_root / "hr").glob("*2001*.nc"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    small_config["sources"]["coarse"]["calendar"] = "360_day"
    later = {"years": [2002, 2002], "needs_target": False}
    small_config["splits"] = {"future": later, "again": {"same_as": "future"}}
    adapter = build(small_config, scaled=False)
    assert adapter.times("future") and not any(map(adapter.has_target, adapter.times("future")))
    assert adapter.calendar == "360_day", "the times are those of the conditioning"


def holed(small_root, tmp_path, folder: str, name: str, units: str) -> str:
    """The days with a corner of missing values."""
    import xarray as xr

    for path in (small_root / folder).glob("*.nc"):
        with xr.open_dataset(path) as data:
            data = data.load()
            data[name][:, :5, :5] = np.nan
            data.to_netcdf(tmp_path / path.name)
    return str(tmp_path / f"{name}_{{date:%Y%m%d}}.nc")


def test_missing_conditioning_is_refused_or_filled(build, small_config, small_root, tmp_path):
    small_config["sources"]["coarse"]["files"] = holed(small_root, tmp_path, "lr", "tp", "m")
    small_config["region"] = {"hr": {"y": 0, "x": 0, "height": 8, "width": 8}}
    with pytest.raises(DataError) as error:
        build(small_config)
    assert "4 of 4 values of coarse.prcp are missing" in str(error.value)  # 5 rows reach into two blocks of 4
    assert "tp_20010101.nc" in str(error.value)
    assert "data.missing_conditioning" in str(error.value)
    small_config["missing_conditioning"] = 0.5
    small_config["transforms"] = {"coarse.prcp": "identity", "ground.orog": "identity"}
    adapter = build(small_config, scaled=False)
    assert (adapter.fields(adapter.times("train")[0]).dynamic == 0.5).all()
    assert adapter.batch_meta()["scaling_info"]["missing_conditioning"] == 0.5


def test_missing_conditioning_is_filled_for_the_variables_named_and_refused_for_others(
    build, small_config, small_root, tmp_path
):
    small_config["sources"]["coarse"]["files"] = holed(small_root, tmp_path, "lr", "tp", "m")
    small_config["region"] = {"hr": {"y": 0, "x": 0, "height": 8, "width": 8}}
    small_config["transforms"] = {"coarse.prcp": "identity", "ground.orog": "identity"}
    small_config["missing_conditioning"] = {"ground.orog": 0.0}
    with pytest.raises(DataError, match=r"coarse\.prcp are missing"):
        build(small_config)
    small_config["missing_conditioning"] = {"coarse.prcp": 0.25}
    adapter = build(small_config, scaled=False)
    assert (adapter.fields(adapter.times("train")[0]).dynamic == 0.25).all()
    assert adapter.batch_meta()["scaling_info"]["missing_conditioning"] == {"coarse.prcp": 0.25}
    small_config["missing_conditioning"] = {"coarse.rain": 0.25}
    with pytest.raises(DataError, match=r"'coarse\.rain' is no conditioning.*coarse\.prcp"):
        build(small_config)


def test_missing_targets_become_the_mask(build, small_config, small_root, tmp_path):
    small_config["sources"]["fine"]["files"] = holed(small_root, tmp_path, "hr", "tp_tot", "mm")
    adapter = build(small_config)
    assert adapter.statistics["variables"]["fine.prcp"]["missing"] == 4 * 25
    sample = adapter.sample(adapter.times("train")[0], hr_box=Box(y=0, x=0, height=8, width=12))
    assert (~sample["mask"]).sum() == 25
    assert not sample["mask"][0, :5, :5].any()
    assert (sample["target"][~sample["mask"]] == 0).all()
    assert np.isfinite(sample["target"]).all()


def test_an_unknown_time_and_a_box_that_is_not_colocated(build, small_config):
    adapter = build(small_config)
    with pytest.raises(DataError, match=r"source coarse has no time 1999"):
        adapter.fields("1999-01-01T00:00:00")
    with pytest.raises(DataError, match=r"begin it at multiples of \(4, 4\)"):
        adapter.fields("2001-01-01T00:00:00", Box(y=1, x=0, height=8, width=12))


def test_sources_of_one_role_must_share_their_cells(build, small_config):
    small_config["sources"]["coarser"] = {**small_config["sources"]["coarse"], "block_average": 2}
    small_config["dynamic"] = ["coarse.prcp", "coarser.prcp"]
    with pytest.raises(DataError, match="all dynamic fields stand on one LR grid"):
        build(small_config)
    small_config["dynamic"] = ["coarse.prcp"]
    small_config["static"] = ["coarser.prcp"]
    with pytest.raises(DataError, match="target and static fields stand on the HR grid"):
        build(small_config)


def test_a_dataset_that_shares_no_name_needs_no_python(write_foreign_archive, tmp_path):
    path = write_foreign_archive(tmp_path / "archive")
    adapter = GriddedAdapter.from_config(load_data_config(path))
    adapter.load_statistics(adapter.compute_statistics())
    assert adapter.calendar == "noleap"
    assert adapter.times("train")[-1] == "2003-02-28T00:00:00"
    assert adapter.times("val")[0] == "2003-03-01T00:00:00"
    assert (adapter.hr_shape, adapter.lr_shape) == ((24, 32), (6, 8))
    for number, time in enumerate([*adapter.times("train"), *adapter.times("val")]):
        found = adapter.fields(time)
        latitude, longitude = found.coords["latitude"][1], found.coords["longitude"][1]
        assert latitude[0] > latitude[-1]
        assert (latitude.max(), longitude.min()) == (55.875, 2.125)
        rain = 2.0 + 0.05 * (latitude[:, None] - 48) + 0.03 * longitude[None, :] + 0.5 * number
        np.testing.assert_allclose(found.target[0], rain, atol=4e-4)
        latitude, longitude = found.coords["lr_latitude"][1], found.coords["lr_longitude"][1]
        rain = 2.0 + 0.05 * (latitude[:, None] - 48) + 0.03 * longitude[None, :] + 0.5 * number
        np.testing.assert_allclose(found.dynamic[0], rain, atol=3e-4)
        warmth = 283.15 - 0.2 * (latitude[:, None] - 50) + number + 0 * longitude
        np.testing.assert_allclose(found.dynamic[1], warmth, atol=6e-3)
        # LR cells cover exactly the HR cells of their box.
        blocks = found.target[0].reshape(6, 4, 8, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(found.dynamic[0], blocks, atol=1e-3)
        height = 1000 * (0.1 + 0.01 * found.coords["longitude"][1])
        np.testing.assert_allclose(found.static[0], np.broadcast_to(height, (24, 32)), rtol=1e-5)
    whole = adapter.fields(adapter.times("train")[0], Box(y=0, x=0, height=24, width=28))
    assert not whole.mask[0, 0, 0]
    assert whole.mask.sum() == whole.mask.size - 1


def test_an_adapter_can_be_sent_to_another_process(build, small_config):
    import pickle

    adapter = build(small_config)
    time = adapter.times("val")[0]
    expected = adapter.sample(time)
    sent = pickle.dumps(adapter)
    assert len(sent) < 100_000  # the fields that are cached stay here
    np.testing.assert_array_equal(pickle.loads(sent).sample(time)["target"], expected["target"])
