"""Reading samples from a training store: the same as from the archive, and what a store lacks."""

import pickle
import shutil
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import zarr
from stride_data.adapter import GriddedAdapter
from stride_data.config import load_data_config
from stride_data.errors import DataError
from stride_data.store.prepare import plan_store, prepare_store
from stride_data.store.source import ZarrArray
from stride_data.store.tiles import MappedArray, ShardMaps
from stride_vars.regions import Box


@pytest.fixture(autouse=True)
def _several_shards(monkeypatch):
    monkeypatch.setattr("stride_data.store.layout._SHARD_BYTES", 2 * 24 * 36 * 4)


@pytest.fixture
def prepared(build, tmp_path) -> Callable[..., str]:
    def make(section: dict, name: str = "store.zarr", **options) -> str:
        prepare_store(plan_store(build(section, scaled=False), **{"tile": 5, **options}), tmp_path / name)
        return str(tmp_path / name)

    return make


def both(build, section: dict, store: str) -> tuple[GriddedAdapter, GriddedAdapter]:
    """Adapters on the archive, and on the store with the archive out of reach."""
    archive = build(section)
    stored = build({**section, "store": store, "root": "/nowhere"}, scaled=False)
    stored.load_statistics(stored.compute_statistics())
    return archive, stored


def assert_same(one, two) -> None:
    assert type(one) is type(two)
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one.keys() - {"created"}:  # the moment at which statistics were computed
            assert_same(one[key], two[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(two)
        for item, other in zip(one, two, strict=True):
            assert_same(item, other)
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    else:
        assert one == two


@pytest.mark.parametrize("compression", ["none", "zstd", "lz4"])
def test_samples_are_those_of_the_archive(build, small_config, prepared, compression):
    archive, stored = both(build, small_config, prepared(small_config, compression=compression))
    for split in ("train", "val"):
        assert archive.times(split) == stored.times(split)
        for index, time in enumerate(archive.times(split)):
            crop = archive.crop(7, 0, index)
            assert_same(archive.sample(time, hr_box=crop), stored.sample(time, hr_box=crop))
            assert_same(archive.sample(time), stored.sample(time))
    assert_same(archive.metadata(), stored.metadata())
    assert_same(archive.hr_coords(), stored.hr_coords())
    assert_same(archive.lr_coords(), stored.lr_coords())


def test_statistics_are_those_of_the_archive(build, small_config, prepared):
    archive, stored = both(build, small_config, prepared(small_config))
    assert archive.statistics_id == stored.statistics_id
    one, two = archive.compute_statistics(), stored.compute_statistics()
    assert {**one, "created": ""} == {**two, "created": ""}


def test_a_part_of_the_domain_keeps_the_archives_indices(build, small_config, prepared):
    small_config["region"] = {
        "hr": {"y": 8, "x": 16, "height": 8, "width": 8},
        "shuffle": {"y": 4, "x": 12, "height": 16, "width": 16},
        "lr_margin": 1,
    }
    small_config["splits"] = {"train": {"dates": ["2001-01-02", "2001-01-04"]}, "val": {"dates": ["2002-01-02"]}}
    archive, stored = both(build, small_config, prepared(small_config))
    assert stored.sources["fine"].box == Box(y=4, x=12, height=16, width=16)
    for index in range(20):
        crop = archive.crop(3, 1, index)
        assert_same(
            archive.sample("2001-01-04T00:00:00", hr_box=crop), stored.sample("2001-01-04T00:00:00", hr_box=crop)
        )
    with pytest.raises(DataError, match=r"lacks cells of the box \(y=0, x=0, .* of source coarse; prepare one"):
        stored.fields("2001-01-04T00:00:00", Box(y=4, x=4, height=8, width=8))
    with pytest.raises(DataError, match=r"lacks the time 2001-01-01T00:00:00 of source coarse; prepare one"):
        stored.fields("2001-01-01T00:00:00")


def test_a_foreign_archive_with_its_calendar_and_missing_values(write_foreign_archive, tmp_path):
    path = write_foreign_archive(tmp_path)
    archive = GriddedAdapter.from_config(load_data_config(path))
    prepare_store(plan_store(archive), tmp_path / "store.zarr")
    shutil.rmtree(tmp_path / "regional")
    (tmp_path / "global_modell.nc").unlink()
    stored = GriddedAdapter.from_config(load_data_config(path, [f"data.store={tmp_path / 'store.zarr'}"]))
    assert stored.calendar == "noleap"
    assert stored.times("train") == archive.times("train")
    assert stored.domain_info == archive.domain_info
    found = stored.fields(stored.times("train")[0], Box(y=0, x=0, height=40, width=64))
    assert found.target is not None
    assert np.isnan(found.target).sum() == 1
    assert np.isnan(found.target[0, 0, 0])
    kept = archive.fields(archive.times("train")[0], Box(y=0, x=0, height=40, width=64))  # still in memory
    np.testing.assert_array_equal(found.target, kept.target)
    np.testing.assert_array_equal(found.dynamic, kept.dynamic)


def crop_of(reader, time: int, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    out = np.empty((y1 - y0, x1 - x0), np.float32)
    reader.read(time, y0, y1, x0, x1, out)
    return out


@pytest.fixture
def array(tmp_path) -> Callable[..., tuple[np.ndarray, MappedArray]]:
    """Random values in a sharded array, and its reader."""

    def make(maps: ShardMaps | None = None, **options) -> tuple[np.ndarray, MappedArray]:
        values = np.random.default_rng(5).normal(size=(7, 23, 31)).astype(np.float32)
        values[3] = np.nan  # zarr leaves such tiles out
        shape = {"chunks": (1, 6, 8), "shards": (3, 24, 32), "compressors": None, "fill_value": np.nan}
        made = zarr.create_array(tmp_path / "array", data=values, **{**shape, **options})
        reader = MappedArray.of(tmp_path / "array", made.metadata.to_dict(), ShardMaps() if maps is None else maps)
        assert reader is not None
        return values, reader

    return make


@pytest.mark.parametrize("compressor", [None, zarr.codecs.ZstdCodec(), zarr.codecs.BloscCodec(cname="lz4")])
def test_mapped_crops_are_those_of_the_array(array, compressor):
    values, reader = array(compressors=compressor)
    rng = np.random.default_rng(6)
    for _ in range(200):
        (y0, y1), (x0, x1) = (np.sort(rng.choice(n + 1, 2, replace=False)) for n in values.shape[1:])
        time = int(rng.integers(len(values)))
        crop = crop_of(reader, time, int(y0), int(y1), int(x0), int(x1))
        np.testing.assert_array_equal(crop, values[time, y0:y1, x0:x1])


def test_the_number_of_maps_is_bounded(array):
    maps = ShardMaps(2)
    values, reader = array(maps)
    held = [crop_of(reader, time, 0, 23, 0, 31) for time in (0, 3, 6, 0)]
    assert len(maps) == 2
    np.testing.assert_array_equal(held[0], values[0])
    np.testing.assert_array_equal(held[3], values[0])


def test_mapped_arrays_in_pickles_forks_and_threads(array):
    values, reader = array(ShardMaps(1))
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(crop_of(again, 5, 1, 20, 3, 30), values[5, 1:20, 3:30])
    right: list[bool] = []

    def read(seed: int) -> None:
        for time in np.random.default_rng(seed).integers(len(values), size=100):
            crop = crop_of(reader, int(time), 2, 22, 5, 29)
            right.append(np.array_equal(crop, values[time, 2:22, 5:29], equal_nan=True))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == 400
    assert all(right)


def _read_in_child(adapter: GriddedAdapter, time: str, queue) -> None:
    queue.put(adapter.sample(time)["target"])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_adapter_on_a_store_goes_to_other_processes(build, small_config, prepared, method):
    _, stored = both(build, small_config, prepared(small_config))
    time = stored.times("val")[1]
    here = stored.sample(time)["target"]
    context = get_context(method)
    queue = context.Queue()
    if method == "fork":
        with stored.sources["fine"]._timed["prcp"].maps._lock:  # as another thread may hold it
            child = context.Process(target=_read_in_child, args=(stored, time, queue))
            child.start()
    else:
        # The start of a second interpreter is slow, and pickling is what it is about.
        assert_same(pickle.loads(pickle.dumps(stored)).sample(time)["target"], here)
        return
    np.testing.assert_array_equal(queue.get(timeout=60), here)
    child.join()


def test_workers_give_the_same_batches_from_a_store(build, small_config, prepared):
    torch = pytest.importorskip("torch")
    from stride_data.loaders import make_loader

    archive, stored = both(build, small_config, prepared(small_config))
    options = {"batch_size": 2, "seed": 3, "shuffle": True, "crops_per_field": 2}
    for one, two in zip(
        make_loader(archive, "train", **options), make_loader(stored, "train", num_workers=2, **options), strict=True
    ):
        assert one["meta"] == two["meta"]
        assert all(torch.equal(one[key], two[key]) for key in ("target", "cond_dynamic", "cond_static"))


@pytest.mark.parametrize(
    "options",
    [
        {"shards": None},
        {"shards": (3, 12, 32)},
        {"dtype": "float64"},
        {"compressors": zarr.codecs.GzipCodec()},
        {"serializer": zarr.codecs.BytesCodec(endian="big")},
    ],
)
def test_other_layouts_are_left_to_zarr(tmp_path, options):
    values = np.random.default_rng(5).normal(size=(4, 23, 31))
    settings = {"chunks": (1, 6, 8), "shards": (3, 24, 32), "compressors": None, "dtype": "float32", **options}
    made = zarr.create_array(tmp_path / "group/array", shape=values.shape, **settings)
    made[...] = values
    assert MappedArray.of(tmp_path / "group/array", made.metadata.to_dict(), ShardMaps()) is None
    reader = pickle.loads(pickle.dumps(ZarrArray(str(tmp_path / "group"), "array")))
    crop = crop_of(reader, 2, 3, 20, 5, 30)
    np.testing.assert_array_equal(crop, values[2, 3:20, 5:30].astype(np.float32))


def test_a_file_url_is_a_path(build, small_config, prepared):
    adapter = build({**small_config, "store": f"file://{prepared(small_config)}"}, scaled=False)
    assert isinstance(adapter.sources["fine"]._timed["prcp"], MappedArray)


@pytest.fixture
def bucket(monkeypatch) -> Iterator[dict[str, str]]:
    """Storage options of a local S3 server with an empty bucket 'archive'."""
    server_module = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("STORE_SECRET", "very-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    options = {"key": "nobody", "secret": "very-secret", "endpoint_url": f"http://{host}:{port}"}
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem(**options).mkdir("archive")
    yield {**options, "secret": "${STORE_SECRET}"}
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_store_in_a_bucket(build, small_config, prepared, bucket):
    import s3fs

    archive, _ = both(build, small_config, store := prepared(small_config))
    remote = s3fs.S3FileSystem(**{**bucket, "secret": "very-secret"})
    remote.put(store, "archive/store.zarr", recursive=True)
    section = {**small_config, "root": "/nowhere", "store": "s3://archive/store.zarr", "storage_options": bucket}
    stored = build(section, scaled=False)
    assert isinstance(stored.sources["fine"]._timed["prcp"], ZarrArray)
    time = archive.times("val")[0]
    one, two = archive.fields(time), stored.fields(time)
    for part in ("target", "dynamic", "static"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
    remote.pipe("archive/store.zarr/fine/prcp/c/5/0/0", b"cut")
    with pytest.raises(DataError, match=r"s3://archive/store.zarr: fine/prcp cannot be read"):
        stored.fields(archive.times("val")[1])
    remote.rm("archive/store.zarr/fine/prcp/c/5/0/0")
    with pytest.raises(DataError, match=r"only 8 of its 9 shards are there"):
        build(section, scaled=False)
    with pytest.raises(DataError, match=r"s3://nowhere/store.zarr: ") as error:
        build({**section, "store": "s3://nowhere/store.zarr"}, scaled=False)
    assert "very-secret" not in str(error.value)


def test_no_secret_is_stored(build, small_config, prepared, monkeypatch):
    small_config["storage_options"] = {"secret": "very-secret", "key": "${KEY}"}
    small_config["sources"]["fine"]["storage_options"] = {"secret": "very-secret"}
    monkeypatch.setenv("KEY", "also-secret")
    store = Path(prepared(small_config))
    assert not any(b"secret" in path.read_bytes() for path in store.rglob("*") if path.is_file())
    with pytest.raises(DataError, match=r"data.store: the URL holds a user name"):
        build({**small_config, "store": "s3://me:pass@bucket/store.zarr"}, scaled=False)


def edit(section: dict, path: str, value: object) -> dict:
    *parents, last = path.split(".")
    at = section
    for key in parents:
        at = at[key]
    at[last] = value
    return section


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("sources.fine.files", "other/{date:%Y%m%d}.nc", "data.sources.fine.files = hr/tp_tot_{date:%Y%m%d}.nc, but"),
        ("sources.coarse.block_average", 8, "data.sources.coarse.block_average = 4, but the configuration says 8"),
        ("sources.fine.variables.prcp.units", "kg m-2", "data.sources.fine.variables.prcp = {'name': 'tp_tot', 'acc"),
        ("sources.ground.variables.orog", {"name": "topo"}, "data.sources.ground.variables.orog = {'name': 'topo', 'v"),
        ("sources.coarse.variables.t2m", {}, "this store lacks the variable t2m of source coarse; prepare one of"),
        ("sources.more", {"files": "x.nc", "variables": {"t2m": {}}}, "holds fine, coarse, ground, no source more"),
        ("region.hr", {"y": 0, "x": 12, "height": 8, "width": 12}, "lacks cells of the box (y=0, x=12, height=24, w"),
        ("splits.val", {"dates": ["2002-01-02"]}, "lacks 1 of 5 times, the first is 2002-01-02T00:00:00, of source"),
        ("lr_grid", {"blocks_of": "fine", "size": 4}, "was made with data.lr_grid = its default, but"),
        ("time_match", "date", "this store was made with data.time_match = its default, but the configuration says"),
    ],
)
def test_a_store_of_something_else_is_one_sentence(build, small_config, prepared, path, value, expected):
    small_config["splits"]["val"] = {"dates": ["2002-01-01"]}
    small_config["region"]["shuffle"] = {"y": 8, "x": 12, "height": 16, "width": 20}
    store = prepared(small_config)
    with pytest.raises(DataError) as error:
        build({**edit(small_config, path, value), "store": store}, scaled=False)
    assert expected in str(error.value)
    assert str(error.value).startswith(store)


def test_a_variable_that_was_not_needed_then(build, small_config, prepared):
    statics, small_config["static"] = small_config["static"], ["ground.lsm"]
    store = prepared(small_config)
    small_config["static"] = statics
    with pytest.raises(DataError, match=r"lacks the variable orog of source ground; prepare one of this config"):
        build({**small_config, "store": store}, scaled=False)


def test_other_canonical_units_are_refused(build, small_config, prepared, tmp_path):
    store = prepared(small_config)
    (tmp_path / "mine.toml").write_text('[variable.prcp]\nlong_name = "Rain"\nunits = "m s-1"\n')
    small_config["variables_file"] = str(tmp_path / "mine.toml")
    with pytest.raises(DataError, match=r"holds prcp in 'mm day-1', but the catalogue says 'm s-1'"):
        build({**small_config, "store": store}, scaled=False)


def test_less_than_what_is_stored_will_do(build, small_config, prepared):
    store = prepared(small_config)
    small_config["static"] = ["ground.lsm"]
    small_config["splits"] = {"train": {"dates": ["2001-01-02"]}}
    small_config["region"]["shuffle"] = None
    small_config["transforms"] = {"fine.prcp": "identity"}
    archive, stored = both(build, small_config, store)
    assert_same(archive.sample("2001-01-02T00:00:00"), stored.sample("2001-01-02T00:00:00"))


def test_what_is_no_whole_store_is_one_sentence(build, small_config, prepared, tmp_path):
    store = Path(prepared(small_config))

    def refused(path: object) -> str:
        with pytest.raises(DataError) as error:
            adapter = build({**small_config, "store": str(path)}, scaled=False)
            for time in adapter.times("train"):
                adapter.fields(time)
        return str(error.value)

    assert "there is no such training store; make it with `stride-data prepare`" in refused(tmp_path / "none.zarr")
    (tmp_path / "empty.zarr").mkdir()
    assert "cannot be opened as a training store" in refused(tmp_path / "empty.zarr")
    zarr.create_group(tmp_path / "group.zarr")
    assert "is no training store" in refused(tmp_path / "group.zarr")
    zarr.create_group(
        tmp_path / "future.zarr", attributes={"stride_format": "stride-store", "stride_format_version": 9}
    )
    assert "has format version 9, this program reads 1" in refused(tmp_path / "future.zarr")
    shard = store / "fine/prcp/c/1/0/0"
    content = shard.read_bytes()
    for broken in (content[:-7], content[:10], b"", content[:-100] + b"x" + content[-99:]):
        shard.write_bytes(broken)
        assert refused(store) == (
            f"{shard}: this shard is cut short or damaged; run `stride-data prepare` again, which writes only what is "
            "missing."
        )
    shard.unlink()
    assert refused(store) == (
        f"{store}: only 8 of its 9 shards are there, the first that is missing is fine/prcp/c/1/0/0; the command "
        "`stride-data prepare` that made it finishes it."
    )
    opened = build({**small_config, "root": small_config["root"]}, scaled=False)
    prepare_store(plan_store(opened, tile=5), store)
    adapter = build({**small_config, "store": str(store)}, scaled=False)
    shard.unlink()
    with pytest.raises(DataError, match="this shard is missing; run `stride-data prepare` again"):
        adapter.fields("2001-01-02T00:00:00")


def test_check_and_stats_read_the_store(small_config, prepared, write_yaml, capsys, tmp_path):
    from stride_data.report.check import check_data
    from stride_data.report.stats import write_stats

    small_config["region"]["shuffle"] = {"y": 8, "x": 12, "height": 16, "width": 20}
    small_config["store"] = prepared(small_config)
    path = write_yaml({"data": {**small_config, "root": "/nowhere"}})
    check_data(path, [], read_all=True)
    assert "No problems found." in capsys.readouterr().out
    assert write_stats(path, tmp_path / "out", []).exists()


@pytest.mark.realdata
def test_the_real_days_from_a_store(build, real_data, prepared):
    accumulated = {"accumulation": "1 day"}
    section = {
        "root": str(real_data / "danra_era5_small"),
        "sources": {
            "danra": {
                "files": "danra/tp_tot_{date:%Y%m%d}.nc",
                "variables": {"prcp": {"name": "tp_tot", **accumulated}},
            },
            "era5": {
                "files": "era5/tp_589x789_{date:%Y%m%d}.nc",
                "variables": {"prcp": {"name": "tp", **accumulated}},
                "block_average": 12,
            },
        },
        "target": ["danra.prcp"],
        "dynamic": ["era5.prcp"],
        "region": {
            "hr": {"y": 240, "x": 360, "height": 144, "width": 144},
            "shuffle": {"y": 0, "x": 0, "height": 384, "width": 780},
        },
        "splits": {"train": {"years": [1991, 1993]}, "val": {"years": [2013, 2015]}},
    }
    archive, stored = both(build, section, prepared(section, tile=64))
    for index, time in enumerate(archive.times("train")):
        crop = archive.crop(1, 0, index)
        assert_same(archive.sample(time, hr_box=crop), stored.sample(time, hr_box=crop))
