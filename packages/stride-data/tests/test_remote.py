"""Remote stores for real: an S3 server and a web server on loopback give the same samples as the disk."""

import functools
import http.server
import multiprocessing
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from stride_data.config import SourceConfig
from stride_data.discovery import remote
from stride_data.discovery.scan import scan_source
from stride_data.errors import DataError
from stride_vars.catalogue import Catalogue

KEY, SECRET = "loopback-key", "loopback/secret+value"


@pytest.fixture(scope="module")
def archive(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive and, beside it, the same fine field in every other kind of file."""
    import shutil

    root = tmp_path_factory.mktemp("archive") / "data"
    shutil.copytree(small_root, root)
    days = sorted((root / "hr").glob("*.nc"))
    whole = xr.concat([xr.open_dataset(day) for day in days], "time").load()
    whole.to_netcdf(root / "whole.nc", encoding={"tp_tot": {"chunksizes": (1, 24, 36), "zlib": True}})
    whole.to_netcdf(root / "classic.nc", format="NETCDF3_CLASSIC")
    whole.to_zarr(root / "consolidated.zarr", zarr_format=2, consolidated=True)
    whole.to_zarr(root / "three.zarr", zarr_format=3, consolidated=False)
    for part, times in enumerate((slice(0, 2), slice(2, None))):
        whole.isel(time=times).to_zarr(root / "parts" / f"p_{part}.zarr", zarr_format=3, consolidated=False)
    (root / "npz").mkdir()
    for number, day in enumerate(days):
        np.savez(root / "npz" / day.with_suffix(".npz").name, data=whole["tp_tot"].values[number])
    return root


@pytest.fixture(scope="module")
def s3(archive: Path) -> Iterator[dict[str, Any]]:
    """Root and options of a bucket that holds the archive."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": KEY, "secret": SECRET, "endpoint_url": f"http://{host}:{port}", "use_listings_cache": False}
    system = s3fs.S3FileSystem(**options)
    system.mkdir("climate")
    system.put(str(archive), "climate/archive", recursive=True)
    yield {"root": "s3://climate/archive", "storage_options": options}
    server.stop()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        else:
            super().do_GET()

    do_HEAD = do_GET


@pytest.fixture(scope="module")
def web(archive: Path) -> Iterator[dict[str, Any]]:
    """Root of a web server that lists its folders and hands out whole files only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(archive)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield {"root": f"http://127.0.0.1:{server.server_port}"}
    server.shutdown()


@pytest.fixture(scope="module")
def memory(archive: Path) -> Iterator[dict[str, Any]]:
    import fsspec

    system = fsspec.filesystem("memory")
    system.put(f"{archive}/", "/remote-test/", recursive=True)
    yield {"root": "memory://remote-test"}
    system.rm("/remote-test", recursive=True)


@pytest.fixture(params=["s3", "web", "memory", "file"])
def place(request: pytest.FixtureRequest, archive: Path) -> dict[str, Any]:
    if request.param == "file":
        return {"root": f"file://{archive}"}
    return request.getfixturevalue(request.param)


def assert_same(ours: Any, theirs: Any) -> None:
    """Samples are equal in every array and every word."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
        for key in ours:
            assert_same(ours[key], theirs[key])
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_same(mine, other)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours == theirs


@pytest.fixture
def on_disk(small_config: dict[str, Any], archive: Path, build: Callable[..., Any]) -> Any:
    return build({**small_config, "root": str(archive)})


def samples(adapter: Any) -> list[dict[str, Any]]:
    return [
        adapter.sample(time, hr_box=adapter.crop(3, 0, number)) for number, time in enumerate(adapter.times("train"))
    ]


def test_the_same_samples_as_from_disk(place, on_disk, small_config, build):
    adapter = build({**small_config, **place}, scaled=False)
    adapter.load_statistics(on_disk.statistics)
    assert_same(samples(adapter), samples(on_disk))
    assert adapter.compute_statistics()["variables"] == on_disk.statistics["variables"]
    again = pickle.loads(pickle.dumps(adapter))
    assert_same(samples(again), samples(on_disk))


def _sampled(adapter: Any, queue: Any) -> None:
    queue.put(samples(adapter))


@pytest.mark.parametrize(
    ("kind", "files"), [("s3", "whole.nc"), ("s3", "three.zarr"), ("web", "hr/tp_tot_{date:%Y%m%d}.nc")]
)
def test_a_forked_worker(request, monkeypatch, kind, files, on_disk, small_config, build):
    """Long files and stores are kept open, read in parts, by this process and by the worker."""
    monkeypatch.setattr(remote, "WHOLE_BYTES", 0)
    small_config["sources"]["fine"]["files"] = files
    adapter = build({**small_config, **request.getfixturevalue(kind)}, scaled=False)
    adapter.load_statistics(on_disk.statistics)
    adapter.sample(adapter.times("val")[0])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=_sampled, args=(adapter, queue))
    worker.start()
    assert_same(queue.get(timeout=60), samples(on_disk))
    worker.join(timeout=60)
    assert worker.exitcode == 0
    assert_same(samples(adapter), samples(on_disk))  # the worker has taken nothing away


def test_a_worker_of_its_own(s3, on_disk, small_config, build):
    """As a spawned worker of a loader: nothing but the pickled adapter."""
    adapter = build({**small_config, **s3}, scaled=False)
    adapter.load_statistics(on_disk.statistics)
    program = (
        "import pickle, sys; adapter = pickle.load(sys.stdin.buffer); "
        "pickle.dump([adapter.sample(time) for time in adapter.times('train')], sys.stdout.buffer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(adapter), capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_same(pickle.loads(done.stdout), [on_disk.sample(time) for time in on_disk.times("train")])


KINDS_OF_FILE = (
    "hr/*.nc",
    "hr/tp_tot_2001010?.nc",
    "whole.nc",
    "classic.nc",
    "consolidated.zarr",
    "three.zarr",
    "parts/p_*.zarr",
    "npz/tp_tot_{date:%Y%m%d}.npz",
)


@pytest.mark.parametrize(
    ("kind", "files"),
    [(kind, files) for kind in ("s3", "web") for files in KINDS_OF_FILE]
    + [(kind, files) for kind in ("s3 in parts", "memory") for files in ("whole.nc", "classic.nc")]
    + [("memory", "parts/p_*.zarr")],
)
def test_every_kind_of_file(request, monkeypatch, archive, kind, files):
    place = request.getfixturevalue(kind.partition(" ")[0])
    if kind == "s3 in parts":
        monkeypatch.setattr(remote, "WHOLE_BYTES", 0)
    spacing = {"spacing": {"y": 1000.0, "x": 1000.0}} if "npz" in files else {}
    config = SourceConfig.model_validate(
        {"files": files, "variables": {"prcp": {"name": None if spacing else "tp_tot", "units": "mm day-1"}}, **spacing}
    )
    here = scan_source("a", config, archive, Catalogue.load())
    there = scan_source("a", config, place["root"], Catalogue.load(), storage_options=place.get("storage_options"))
    assert there.times == here.times
    assert there.grid.same_as(here.grid)
    for time in here.times:
        np.testing.assert_array_equal(there.read(time, ["prcp"])[time, "prcp"], here.read(time, ["prcp"])[time, "prcp"])
    assert there.place().startswith(place["root"])


def test_a_web_server_that_hands_out_no_parts(web, archive, monkeypatch):
    monkeypatch.setattr(remote, "WHOLE_BYTES", 0)
    config = SourceConfig.model_validate({"files": "whole.nc", "variables": {"prcp": {"units": "mm day-1"}}})
    here, there = (scan_source("a", config, root, Catalogue.load()) for root in (archive, web["root"]))
    for time in here.times:
        np.testing.assert_array_equal(there.read(time, ["prcp"])[time, "prcp"], here.read(time, ["prcp"])[time, "prcp"])


def test_a_large_remote_file_is_read_in_parts(s3, tmp_path, monkeypatch):
    import s3fs

    system = s3fs.S3FileSystem(**s3["storage_options"])
    values = np.random.default_rng(0).random((8, 1024, 512)).astype("float32")
    data = xr.Dataset(
        {"t2m": (("time", "y", "x"), values, {"units": "K"})},
        {
            "time": ("time", np.arange(8), {"units": "days since 2001-01-01"}),
            "y": ("y", np.arange(1024.0), {"units": "m"}),
            "x": ("x", np.arange(512.0), {"units": "m"}),
        },
    )
    data.to_netcdf(tmp_path / "large.nc", encoding={"t2m": {"chunksizes": (1, 1024, 512)}})
    system.put(str(tmp_path / "large.nc"), "climate/large.nc")
    fetched: list[int] = []
    original = s3fs.core.S3File._fetch_range

    def counted(self, start, end):
        fetched.append(end - start)
        return original(self, start, end)

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", counted)
    config = SourceConfig.model_validate({"files": "s3://climate/large.nc", "variables": {"t2m": {}}})
    found = scan_source("a", config, "/nowhere", Catalogue.load(), storage_options=s3["storage_options"])
    np.testing.assert_array_equal(found.read(found.times[5], ["t2m"])[found.times[5], "t2m"], values[5])
    assert 0 < sum(fetched) < 0.7 * (tmp_path / "large.nc").stat().st_size


def test_a_remote_file_cut_short(s3, archive):
    import s3fs

    system = s3fs.S3FileSystem(**s3["storage_options"])
    for name in ("whole.nc", "classic.nc", "npz/tp_tot_20010101.npz"):
        content = (archive / name).read_bytes()
        target = f"climate/cut_{Path(name).name}"
        system.pipe_file(target, content[: len(content) // 2])
        config = SourceConfig.model_validate(
            {"files": f"s3://{target}", "variables": {"prcp": {"units": "mm day-1"}}, "spacing": {"y": 1.0, "x": 1.0}}
        )
        with pytest.raises(DataError, match=r"s3://climate/cut_.*: cannot be read .*cut short"):
            scan_source("a", config, ".", Catalogue.load(), storage_options=s3["storage_options"])


def test_no_secret_reaches_a_log_or_an_output(s3, small_config, build, caplog, monkeypatch, write_yaml, capsys):
    import json
    import logging

    from stride_data.report.check import check_data

    monkeypatch.setenv("STRIDE_TEST_SECRET", SECRET)
    options = {**s3["storage_options"], "secret": "${STRIDE_TEST_SECRET}"}
    caplog.set_level(logging.DEBUG)
    check_data(write_yaml({**small_config, **s3, "storage_options": options}), [], read_all=True)
    adapter = build({**small_config, **s3})
    written = [caplog.text, *capsys.readouterr(), repr(adapter.sources), repr(adapter.config)]
    written += [json.dumps(part) for part in (adapter.metadata(), adapter.statistics, adapter.statistics_provenance())]
    assert "s3://climate/archive" in written[1]
    for text in written:
        assert SECRET not in text
    for text in written[1:]:
        assert KEY not in text


def refused(section: dict[str, Any], build: Callable[..., Any]) -> str:
    with pytest.raises(DataError) as error:
        build(section, scaled=False)
    message = str(error.value)
    assert "\n" not in message
    assert message.count(SECRET) == 0
    return message


def test_what_goes_wrong_at_a_store(s3, web, small_config, build, monkeypatch):
    root, options = s3["root"], s3["storage_options"]
    quick = {**options, "config_kwargs": {"connect_timeout": 1, "retries": {"max_attempts": 0}}}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = f"http://127.0.0.1:{port}"

    assert "the host cannot be reached" in refused({**small_config, "root": nobody}, build)
    dead = {**quick, "endpoint_url": nobody}
    assert "the host cannot be reached" in refused({**small_config, "root": root, "storage_options": dead}, build)
    missing = refused({**small_config, "root": "s3://no-such-bucket/a", "storage_options": options}, build)
    assert "s3://no-such-bucket/a/hr: there is no such file, folder or bucket; correct data.root" in missing
    assert "there is no such file, folder or bucket" in refused({**small_config, "root": f"{web['root']}/gone"}, build)
    assert "access is forbidden; check the credentials in storage_options" in refused(
        {**small_config, "root": f"{web['root']}/forbidden"}, build
    )
    assert "'abc' is no protocol that is known" in refused({**small_config, "root": "abc://x/y"}, build)
    nothing = {**small_config["sources"], "fine": {**small_config["sources"]["fine"], "files": "hr/none_*.nc"}}
    assert "no file matches s3://climate/archive/hr/none_*.nc" in refused(
        {**small_config, **s3, "sources": nothing}, build
    )
    odd = refused({**small_config, "root": root, "storage_options": {**options, "kee": SECRET}}, build)
    assert "cannot be read" in odd and "storage_options" in odd


def test_forbidden_by_a_bucket(s3, small_config, build, monkeypatch):
    import s3fs

    async def denied(self, *args, **kwargs):
        raise PermissionError(f"Forbidden for {KEY} with {SECRET}")

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", denied)
    assert "access is forbidden" in refused({**small_config, **s3}, build)


def test_a_protocol_without_its_package(small_config, build, monkeypatch):
    import fsspec

    def missing(*args, **kwargs):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    message = refused({**small_config, "root": "s3://climate/archive"}, build)
    assert "reading s3:// needs s3fs; install it, or stride-data[remote]" in message
    message = refused({**small_config, "root": "http://127.0.0.1/archive"}, build)
    assert "reading http:// needs aiohttp; install it, or stride-data[remote]" in message
