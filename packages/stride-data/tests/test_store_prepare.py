"""Writing a training store: what is in it, and that it can be stopped, gone on with, and refused."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zarr
from stride_data.cli import app
from stride_data.errors import DataError
from stride_data.store import prepare as preparing
from stride_data.store.layout import Layout
from stride_data.store.needs import needs_of
from stride_vars.cli_errors import run
from stride_vars.regions import Box


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        run(app, argv=[str(argument) for argument in arguments])
    return int(end.value.code or 0)


def contents(store: Path) -> dict[str, bytes]:
    """Every file of a store but for its time of creation."""
    found = {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}
    root = found.pop("zarr.json").decode().splitlines()
    return found | {"zarr.json": "\n".join(line for line in root if '"created"' not in line).encode()}


@pytest.fixture
def prepared(build, small_config, tmp_path, monkeypatch) -> Callable[..., Path]:
    """Prepares a store of the small archive, in shards of two times so that there are several."""
    monkeypatch.setattr("stride_data.store.layout._SHARD_BYTES", 2 * 24 * 36 * 4)

    def make(name: str = "store.zarr", **options) -> Path:
        plan = preparing.plan_store(build(small_config, scaled=False), **options)
        preparing.prepare_store(plan, tmp_path / name)
        return tmp_path / name

    return make


def test_tiles_divide_a_field_evenly():
    layout = Layout.of((384, 780), 64, variables=1, times=1000)
    assert layout.tile == (64, 65)
    assert layout.tiles == (6, 12)
    assert layout.field_bytes == 384 * 780 * 4
    assert layout.shard_times == 84  # of 1.2 MB, in 96 MiB
    assert Layout.of((32, 65), 64, variables=1, times=10).tile == (32, 65)
    assert Layout.of((5, 5), 2, variables=1, times=10).tiles == (2, 2)
    assert Layout.of((4000, 4000), 64, variables=20, times=10).shard_times == 1
    # 100 times of 2 x 3 tiles of 4 x 4 cells in shards of 40: three whole shards with their indices.
    assert Layout((8, 10), (4, 4), 40).array_bytes(100) == 3 * (40 * 2 * 3 * 4 * 4 * 4 + 40 * 6 * 16 + 4)


def test_needs_are_the_cells_and_times_of_all_splits(build, small_config):
    small_config["region"] = {
        "hr": {"y": 12, "x": 24, "height": 8, "width": 8},
        "shuffle": {"y": 3, "x": 0, "height": 18, "width": 20},
        "lr_margin": 1,
    }
    small_config["splits"] = {"train": {"years": [2001, 2001]}, "val": {"dates": ["2002-01-02"]}}
    needs = needs_of(build(small_config, scaled=False))
    # With their margin crops begin at rows and columns 4 to 12; the fixed box reaches to row 20, column 32.
    assert needs["fine"].box == Box(y=4, x=4, height=16, width=28)
    assert needs["ground"].box == needs["fine"].box
    assert needs["coarse"].box == Box(y=0, x=0, height=6, width=9)
    assert needs["coarse"].times == (*(f"2001-01-0{d}T00:00:00" for d in range(1, 5)), "2002-01-02T00:00:00")
    assert (needs["coarse"].timed, needs["coarse"].static) == (("prcp",), ())
    assert (needs["ground"].timed, needs["ground"].static, needs["ground"].times) == ((), ("orog", "lsm"), ())


def test_plain_xarray_reads_it(prepared, known_field):
    import xarray as xr

    tree = xr.open_datatree(prepared(tile=10), engine="zarr")
    fine = tree["fine"].to_dataset()
    assert dict(fine["prcp"].sizes) == {"time": 6, "y": 24, "x": 36}
    assert fine["prcp"].attrs["units"] == "mm day-1"
    np.testing.assert_allclose(fine["prcp"][3], known_field(fine["y"].values, fine["x"].values, 3), rtol=1e-6)
    assert str(fine["time"].values[-1])[:10] == "2002-01-02"
    assert tree["coarse/prcp"].shape == (6, 6, 9)
    assert tree["ground/orog"].values.min() == 0  # valid_min
    assert tree.attrs["stride_format"] == "stride-store"


def test_tiles_stand_in_shards(prepared):
    array = zarr.open_array(prepared(tile=10), path="fine/prcp", mode="r")
    assert (array.chunks, array.shards) == ((1, 12, 9), (2, 24, 36))


@pytest.mark.parametrize("compression", ["none", "zstd", "lz4"])
def test_the_same_command_again_writes_only_what_is_missing(prepared, compression):
    store = prepared(compression=compression)
    whole = contents(store)
    gone, cut, kept = (store / f"fine/prcp/c/{n}/0/0" for n in range(3))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-20])
    (store / "coarse/prcp/c/0/0/0.0123.partial").write_bytes(b"what a killed process leaves")
    before = kept.stat().st_mtime_ns
    prepared(compression=compression)
    assert contents(store) == whole
    assert kept.stat().st_mtime_ns == before


KILLED = """\
import os, signal, sys
from pathlib import Path
import stride_data.store.layout as layout
from stride_data.adapter import GriddedAdapter
from stride_data.config import load_data_config
from stride_data.store.prepare import plan_store, prepare_store

layout._SHARD_BYTES = 2 * 24 * 36 * 4
where, left = sys.argv[3], int(sys.argv[4])

def replace(*paths, real=Path.replace):
    global left
    left -= (".unfinished" in str(paths[1])) == (where == "skeleton")
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*paths)

Path.replace = replace
prepare_store(plan_store(GriddedAdapter.from_config(load_data_config(sys.argv[1]))), Path(sys.argv[2]))
"""


def test_a_killed_run_is_gone_on_with(prepared, small_config, write_yaml, tmp_path):
    whole = contents(prepared())
    config = write_yaml({"data": small_config})
    # Killed before a rename: of the tenth file of the skeleton, and of the third shard.
    for where, left in (("skeleton", "10"), ("fields", "2")):
        command = [sys.executable, "-c", KILLED, str(config), str(tmp_path / "killed.zarr"), where, left]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert (tmp_path / "killed.zarr").exists() == (where == "fields")
    assert len(list((tmp_path / "killed.zarr").rglob("*.partial"))) == 1
    assert len(list((tmp_path / "killed.zarr/fine/prcp/c").rglob("0"))) > 0
    assert contents(prepared("killed.zarr")) == whole


def test_a_full_disk_loses_nothing(prepared, small_config, write_yaml, tmp_path, monkeypatch, capsys):
    whole = contents(prepared())
    real, where, left = Path.replace, "skeleton", 0

    def full(path: Path, target: Path) -> Path:
        nonlocal left
        left -= (".unfinished" in str(target)) == (where == "skeleton")
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, target)

    command = ("prepare", write_yaml({"data": small_config}), "--out", tmp_path / "full.zarr")
    for where, left in (("skeleton", 10), ("fields", 2)):  # noqa: B007 (read by the replacement)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            assert call(*command) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "the disk is full; free some space and give the same command again" in error
    assert call(*command) == 0
    assert contents(tmp_path / "full.zarr") == whole
    assert "are there already" in capsys.readouterr().out


def test_room_is_checked_before_anything_is_written(small_config, write_yaml, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert call("prepare", write_yaml({"data": small_config}), "--out", tmp_path / "store.zarr") == 2
    assert "GB are to be written, but only 1e-06 GB are free there" in capsys.readouterr().err
    assert not (tmp_path / "store.zarr").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_must_not_be_written_to(small_config, write_yaml, tmp_path, capsys):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert call("prepare", write_yaml({"data": small_config}), "--out", tmp_path / "closed" / "store.zarr") == 2
    assert "must not be written to; choose another path" in capsys.readouterr().err


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_target_is_one_sentence(small_config, write_yaml, tmp_path, monkeypatch, capsys, code):
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(preparing, "write_skeleton", refuse)
    assert call("prepare", write_yaml({"data": small_config}), "--out", tmp_path / "store.zarr") == 2
    error = capsys.readouterr().err
    assert "choose another path" in error
    assert error.count("\n") == 1


def test_another_configuration_is_refused(prepared, small_config, build, tmp_path):
    store = prepared()
    whole = contents(store)
    with pytest.raises(DataError, match=r"different: compression\); choose another path, or delete it"):
        prepared(compression="zstd")
    with pytest.raises(DataError, match=r"different: source fine, source ground\)"):
        prepared(tile=8)
    small_config["splits"]["train"] = {"dates": ["2001-01-01"]}
    with pytest.raises(DataError, match=r"different: configuration, source fine, times of fine, source coarse"):
        prepared()
    assert contents(store) == whole


def test_something_else_in_its_place_is_refused(prepared, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("here before")
    zarr.create_group(tmp_path / "group")
    for name in ("folder", "file", "group"):
        with pytest.raises(DataError, match="something else than a training store is there"):
            prepared(name)
    with pytest.raises(DataError, match="file is a file, not a folder"):
        prepared("file/store.zarr")
    assert (tmp_path / "file").read_text() == "here before"


def test_two_processes_do_not_write_one_store(prepared):
    pytest.importorskip("fcntl")
    store = prepared()
    with preparing._locked(store), pytest.raises(DataError, match="another process is writing this store"):
        prepared()


def test_the_command_says_what_it_does(prepared, small_config, write_yaml, tmp_path, capsys):
    store = tmp_path / "store.zarr"
    command = ("prepare", write_yaml({"data": small_config}), "--out", store, "--compression", "zstd")
    assert call(*command) == 0
    printed = capsys.readouterr().out
    assert "at most 0.0292 MB in 6 shards; nothing is there yet" in printed
    assert f"train from it with --set data.store={store}" in printed
    # The store that the configuration names is the one to be made: the archive is read.
    assert call(*command, "--set", f"data.store={store}") == 0
    assert "6 are there already" in capsys.readouterr().out
