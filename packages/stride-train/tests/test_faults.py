"""What goes wrong around a training: one sentence, nothing spoilt, and it can go on."""

import errno
import os
import resource
import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from stride_data.statistics.file import read_statistics
from stride_train.checkpoint import latest_checkpoint, list_checkpoints, load_checkpoint
from stride_train.data import prepare_statistics
from stride_train.errors import CheckpointError, ExperimentError, TrainingError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training import record, trainer
from stride_train.training.run import train
from stride_train.training.update import Update
from stride_vars.errors import StrideError

QUICK = ["train.log_every=1", "train.monitor.cases=0", "train.decay_from=1.0", "train.checkpoint_every=1steps"]


def start(experiment_file, folder, *overrides, resume=False):
    run = RunFolder(folder)
    run.create()
    return run, train(load_experiment(experiment_file, [*QUICK, *overrides]), run, resume=resume)


@pytest.fixture(scope="module")
def three_steps(experiment_file, tmp_path_factory):
    return start(experiment_file, tmp_path_factory.mktemp("three") / "run", "train.budget=3steps")[0]


@pytest.fixture
def copied(three_steps, tmp_path):
    shutil.copytree(three_steps.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def weights(path):
    found = load_checkpoint(path)
    return {**found.network, **{f"average {name}": value for name, value in found.average.items()}}


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_finite_changes_nothing_and_names_its_time(
    three_steps, experiment_file, tmp_path, monkeypatch, what
):
    """One sample of step 3 is spoilt: the state before is saved although no checkpoint was due."""
    make, seen = Update.__call__, []

    def spoilt(self, mine, counts, step, learning_rate):
        batch = mine.batch
        if step == 3:
            seen.append(batch["meta"]["timestamps"][1])
            if what == "loss":
                batch["target"][1] = float("nan")
                batch["mask"] = None
            else:
                self.inner.denoiser.network.head.bias.register_hook(lambda gradient: gradient * float("inf"))
        return make(self, mine, counts, step, learning_rate)

    monkeypatch.setattr(Update, "__call__", spoilt)
    with pytest.raises(TrainingError, match=rf"The {what} is not finite at step 3 \(times 2001-01-") as raised:
        start(experiment_file, tmp_path, "train.budget=9steps", "train.checkpoint_every=100steps")
    run = RunFolder(tmp_path)
    assert f"the state before that step is saved in '{latest_checkpoint(run.checkpoints)}'" in str(raised.value)
    if what == "loss":
        assert f"(times {seen[0]})" in str(raised.value)
    assert_same(weights(latest_checkpoint(run.checkpoints)), weights(latest_checkpoint(three_steps.checkpoints)))


def test_a_first_step_that_is_not_finite_saves_the_beginning(experiment_file, tmp_path, monkeypatch):
    monkeypatch.setattr(Update, "_shares", lambda *_: _raise(trainer.NotFinite("loss", ["2001-01-02"])))
    with pytest.raises(TrainingError, match=r"not finite at step 0 \(times 2001-01-02\)"):
        start(experiment_file, tmp_path)
    assert load_checkpoint(latest_checkpoint(RunFolder(tmp_path).checkpoints)).state.step == 0


def _raise(error):
    raise error


def test_a_full_disk_keeps_the_checkpoint_before_and_training_goes_on_later(copied, experiment_file):
    """The system refuses to let a file grow beyond a size: as on a full disk a part is written, then no more."""
    before = latest_checkpoint(copied.checkpoints)
    content = before.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, hard))
    try:
        with pytest.raises(CheckpointError, match=r"cannot be written \(.*\): make room .* --resume; the one before"):
            start(experiment_file, copied.path, "train.budget=5steps", resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert latest_checkpoint(copied.checkpoints) == before
    assert before.read_bytes() == content
    assert not list(copied.checkpoints.glob(".*"))
    _, result = start(experiment_file, copied.path, "train.budget=5steps", resume=True)
    assert result.state.finished


@pytest.mark.parametrize("file", ["history.csv", "history.png"])
def test_a_disk_that_fills_up_at_another_file(copied, experiment_file, monkeypatch, file):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(copied.path / file))

    with monkeypatch.context() as patched:
        patched.setattr(
            *{"history.csv": (record.History, "append"), "history.png": (record, "draw_history")}[file], full
        )
        with pytest.raises(TrainingError, match=rf"{file} in .* cannot be written \(No space left .* --resume"):
            start(experiment_file, copied.path, "train.budget=5steps", resume=True)
    _, result = start(experiment_file, copied.path, "train.budget=5steps", resume=True)
    assert result.state.finished


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(copied, three_steps, experiment_file, capsys):
    """Two are kept; the second of them is cut short: the training goes on from the first, to the same end."""
    older, newest = list_checkpoints(copied.checkpoints)
    newest.write_bytes(newest.read_bytes()[:-9])
    _, result = start(experiment_file, copied.path, "train.budget=3steps", resume=True)
    assert f"cannot be read; going on from '{older.name}'" in capsys.readouterr().err
    assert result.checkpoint == newest
    assert_same(weights(newest), weights(latest_checkpoint(three_steps.checkpoints)))


def test_checkpoints_that_are_all_cut_short_are_named(copied, experiment_file):
    for path in list_checkpoints(copied.checkpoints):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"step_000000003\.safetensors' cannot be read, it was"):
        start(experiment_file, copied.path, resume=True)


def test_what_a_killed_process_left_is_removed(copied, experiment_file):
    (copied.checkpoints / ".step_000000004.safetensors.partial").write_bytes(b"half")
    start(experiment_file, copied.path, "train.budget=4steps", resume=True)
    assert not list(copied.checkpoints.glob(".*"))


def test_a_wrong_run_folder(tmp_path, experiment_file):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"There is no checkpoint in .*empty/checkpoints': train first"):
        start(experiment_file, tmp_path / "empty", resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExperimentError, match="is a file: name another with --out"):
        RunFolder(tmp_path / "file").create()


def test_a_read_only_run_folder(tmp_path, experiment_file, monkeypatch):
    with monkeypatch.context() as patched:  # of a superuser, for whom no folder is closed
        patched.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(ExperimentError, match="cannot be written to: name another with --out"):
            RunFolder(tmp_path).create()


def test_data_that_no_longer_fit_the_checkpoint(copied, experiment_file, archive, tmp_path):
    """The archive came to have another grid: what the network was made for is not there any more."""
    other = tmp_path / "other"
    other.mkdir()
    with xr.open_dataset(archive / "fields.nc") as fields:
        fields.isel(y=slice(0, 16), x=slice(0, 16)).to_netcdf(other / "fields.nc")
    with pytest.raises(StrideError, match=r"region|box|grid"):
        start(experiment_file, copied.path, f"data.root={other}", resume=True)


def test_missing_statistics(copied, experiment_file, tmp_path):
    """Those of the run folder are made again, the same; a file that the experiment names has to be there."""
    before = read_statistics(copied.statistics)["id"]
    copied.statistics.unlink()
    prepare_statistics(load_experiment(experiment_file), copied)
    assert read_statistics(copied.statistics)["id"] == before
    with pytest.raises(StrideError, match=r"nowhere\.json"):
        start(experiment_file, tmp_path / "new", f"data.statistics={tmp_path / 'nowhere.json'}")


def test_losses_are_finite_where_nothing_is_observed(experiment_file, tmp_path, monkeypatch):
    make = Update.prepare

    def unobserved(self, batch, step):
        batch["target"][:] = np.nan
        batch["mask"] = torch.zeros_like(batch["target"], dtype=torch.bool)
        return make(self, batch, step)

    monkeypatch.setattr(Update, "prepare", unobserved)
    assert start(experiment_file, tmp_path, "train.budget=2steps", "train.accumulate=2")[1].state.finished
