"""What a user, a queue or a disk can do to a generation: one sentence, nothing lost."""

import errno
import os
import shutil
import signal
from collections import namedtuple
from pathlib import Path

import pytest
import zarr.storage._local as local_store
from stride_train.checkpoint import latest_checkpoint
from stride_train.cli.generate import app
from stride_train.generation import space, storage_errors
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.run import find_request, generate
from stride_train.run_folder import RunFolder
from stride_vars.cli_errors import run as run_command_line

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def command(capsys):
    """Runs stride-generate in this process: exit code, standard output and error."""

    def call(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run_command_line(app, argv=[str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()

    return call


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("generating")]


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


LARGER = ("generate.domain=whole", "generate.mean=true", "generate.spread=true")


@pytest.mark.parametrize("changes", [(), pytest.param(LARGER, marks=pytest.mark.slow)])
def test_a_dry_run_says_what_would_be_done_and_does_nothing(trained, tmp_path, command, changes):
    sets = [text for change in changes for text in ("--set", change)]
    code, said, _ = command(trained.path, "--out", tmp_path, "--dry-run", *sets)
    lines = dict(line.split(maxsplit=1) for line in said.replace("to write", "to-write").splitlines())
    assert code == 0 and not list(tmp_path.iterdir())
    assert lines["edm"] == str(tmp_path / "edm.zarr")
    assert lines["cases"] == "2, 2001-01-13T00:00:00 to 2001-01-14T00:00:00; 2 with observed fields"
    assert lines["members"] == "3 a case, 2 at once"
    calls = "162 calls, counting each member (3 sampler calls x 9 tiles a member)" if changes else "18 calls"
    assert lines["network"].startswith(calls)
    assert lines["disk"].endswith("it has room")
    assert command(trained.path, "--out", tmp_path, *sets)[0] == 0
    unit = {"kB": 1e3, "MB": 1e6}
    number, name = lines["to-write"].removeprefix("at most ").split()[:2]
    assert on_disk(tmp_path) <= float(number) * unit[name] * 1.005
    _, after, _ = command(trained.path, "--out", tmp_path, "--dry-run", *sets)
    assert "nothing: it is finished" in after and "at most 0 B" in after


def test_a_baseline_s_dry_run_learns_nothing(trained, tmp_path, command, monkeypatch):
    monkeypatch.setattr("stride_train.generation.request.build_system", None)
    code, said, _ = command(trained.path, "--out", tmp_path, "--dry-run", "--system", "quantile_mapping")
    assert code == 0 and "1 a case" in said and "network" not in said


def test_a_disk_without_room_is_refused_before_anything_is_drawn(trained, tmp_path, command, monkeypatch):
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 5000, 5000))
    assert "HAS NO ROOM" in command(trained.path, "--out", tmp_path, "--dry-run")[1]
    with monkeypatch.context() as patched:
        patched.setattr(DiffusionSystem, "generate", None)
        code, _, said = command(trained.path, "--out", tmp_path)
    assert code == 2 and not list(tmp_path.iterdir())
    assert len(errors(said)) == 1
    assert "may take up to" in said and "has 5 kB free: free some space, choose another folder with --out" in said
    assert command(trained.path, "--out", tmp_path, "--ignore-space")[0] == 0


def test_what_is_there_needs_no_room(trained, experiment, tmp_path):
    size = (request := find_request(trained, experiment, "edm", folder=tmp_path)).size(3)
    plan = request.plan(3)
    assert size.missing(plan, {plan.pieces[0].name}) < size.missing(plan, set())
    assert size.missing(plan, {piece.name for piece in plan.pieces}) == 0


@pytest.mark.parametrize(
    "place",
    [
        "ensemble/prcp",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("pmm/prcp", "static/orog", "store/zarr.json")),
    ],
)
def test_a_disk_that_fills_up_loses_nothing(trained, tmp_path, command, monkeypatch, place):
    """Wherever it happens: among the members, what is made of them, the layout, or at the very end."""
    drawn, original, write = [], DiffusionSystem.generate, local_store._atomic_write

    def counted(self, time, members=None):
        drawn.append((time, members))
        return original(self, time, members)

    def full(path, mode, exclusive=False):
        at_the_end = place != "store/zarr.json" or len(drawn) == 4
        if place in str(path) and at_the_end and "/c" in str(path) + "/c" * (place == "store/zarr.json"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, mode, exclusive)

    monkeypatch.setattr(DiffusionSystem, "generate", counted)
    with monkeypatch.context() as patched:
        patched.setattr(local_store, "_atomic_write", full)
        code, out, said = command(trained.path, "--out", tmp_path)
    assert code == 2 and not out and not (tmp_path / "edm.zarr").exists()
    assert errors(said) == [
        f"error: The ensemble '{tmp_path / 'edm.zarr'}' cannot be written: the disk is full: free some space and run "
        "the same command again, it goes on where it stopped."
    ]
    before = len(drawn)
    assert command(trained.path, "--out", tmp_path)[0] == 0
    assert len(drawn) == before + {"ensemble/prcp": 4, "pmm/prcp": 3, "static/orog": 4, "store/zarr.json": 0}[place]
    assert [entry.name for entry in tmp_path.iterdir()] == ["edm.zarr"]


@pytest.mark.parametrize("system", ["edm", "interpolated"])
def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(trained, tmp_path, command, monkeypatch, system):
    (tmp_path / "file").write_text("in the way")
    code, _, said = command(trained.path, "--system", system, "--out", tmp_path / "file" / "folder")
    assert code == 2
    assert len(errors(said)) == 1 and "a part of its path is a file: choose another folder with --out" in said
    monkeypatch.setattr(storage_errors.os, "access", lambda path, mode: mode != os.W_OK)  # as for anyone but root
    monkeypatch.setattr("stride_train.generation.request.build_system", None)
    code, _, said = command(trained.path, "--system", system, "--out", tmp_path / "locked" / "folder")
    assert code == 2
    assert len(errors(said)) == 1 and "permission is denied: choose another folder with --out" in said
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGUSR1, signal.SIGINT))]
)
def test_a_signal_to_end_finishes_the_piece_and_says_how_to_go_on(trained, tmp_path, command, monkeypatch, number):
    original, drawn = DiffusionSystem.generate, []

    def terminated(self, time, members=None):
        drawn.append((time, members))
        if len(drawn) == 2:
            os.kill(os.getpid(), number)
        return original(self, time, members)

    monkeypatch.setattr("sys.argv", ["stride-generate", str(trained.path), "--out", str(tmp_path)])
    monkeypatch.setattr(DiffusionSystem, "generate", terminated)
    before = signal.getsignal(number)
    code, out, said = command(trained.path, "--out", tmp_path, "--system", "edm", "--system", "interpolated")
    assert code == 0 and not out
    assert errors(said) == [
        "edm: stopped as asked, 2 pieces are missing; what is done is kept",
        f"resume with: stride-generate {trained.path} --out {tmp_path}",
    ]
    assert signal.getsignal(number) is before
    assert command(trained.path, "--out", tmp_path)[0] == 0
    assert len(drawn) == 4, "both pieces that were begun are kept"


@pytest.mark.slow
def test_from_python_sigterm_ends_with_code_0(trained, experiment, tmp_path, monkeypatch):
    original = DiffusionSystem.generate

    def terminated(self, time, members=None):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(self, time, members)

    monkeypatch.setattr(DiffusionSystem, "generate", terminated)
    with pytest.raises(SystemExit) as ended:
        generate(trained, experiment, folder=tmp_path)
    assert ended.value.code == 0


def test_a_checkpoint_that_was_cut_short_is_named(trained, tmp_path, command):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained.path, run.path)
    path = latest_checkpoint(run.checkpoints)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, _, said = command(run.path)
    assert code == 2
    assert len(errors(said)) == 1 and f"The checkpoint '{path}' cannot be read, it was probably cut short" in said
    assert not (run.path / "ensembles").exists()


def test_a_folder_that_is_no_run_folder_is_named(tmp_path, command):
    code, _, said = command(tmp_path)
    assert code == 2 and len(errors(said)) == 1 and "is no run folder" in said


def test_half_a_share_is_refused(trained, tmp_path, command):
    code, _, said = command(trained.path, "--out", tmp_path, "--rank", "1")
    assert code == 2 and errors(said) == ["error: --rank and --of belong together: write for example --rank 0 --of 4."]


@pytest.mark.slow
def test_a_share_says_what_is_left_to_others(trained, tmp_path, command):
    code, out, said = command(trained.path, "--out", tmp_path, "--rank", "1", "--of", "2")
    assert code == 0 and not out
    assert "edm: share 1 of 2 is done, 2 pieces of others are missing; the last process to end finishes" in said
    code, out, said = command(trained.path, "--out", tmp_path, "--rank", "0", "--of", "2")
    assert code == 0 and out.split() == ["edm", str(tmp_path / "edm.zarr")] and "missing" not in said
