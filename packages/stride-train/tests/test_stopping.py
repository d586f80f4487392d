"""Asked to stop: the present step is finished, a checkpoint saved, and the resumed training equals the undisturbed."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.stopping import StopRequest
from stride_train.training.history import History, read_history
from stride_train.training.run import train

CONSTANT = ["train.decay_from=1.0", "train.log_every=1", "train.monitor.cases=0"]


def start(experiment_file, folder, *overrides, resume=False):
    run = RunFolder(folder)
    run.create()
    return run, train(load_experiment(experiment_file, [*CONSTANT, *overrides]), run, resume=resume)


def assert_equal(run, other):
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, other))
    assert ours.state.step == theirs.state.step
    for section in ("network", "average", "optimizer", "uncertainty"):
        assert getattr(ours, section).keys() == getattr(theirs, section).keys()
        for name, value in getattr(theirs, section).items():
            assert torch.equal(getattr(ours, section)[name], value), (section, name)
    rows = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in read_history(folder.history)]
        for folder in (run, other)
    ]
    assert rows[0] == rows[1]


@pytest.fixture(scope="module")
def undisturbed(experiment_file, tmp_path_factory):
    run, result = start(experiment_file, tmp_path_factory.mktemp("undisturbed"), "train.budget=5steps")
    assert not result.interrupted
    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_ends_training_after_the_step_and_it_goes_on_exactly(
    experiment_file, undisturbed, tmp_path, monkeypatch, number
):
    append, before = History.append, signal.getsignal(number)

    def disturbed(self, **values):
        row = append(self, **values)
        if values["step"] == 2:
            os.kill(os.getpid(), number)
        return row

    with monkeypatch.context() as patched:
        patched.setattr(History, "append", disturbed)
        run, result = start(experiment_file, tmp_path / "run", "train.budget=5steps")
    assert result.interrupted
    assert result.state.step == 3, "the signal is seen after the step that follows"
    assert not result.state.finished
    assert load_checkpoint(latest_checkpoint(run.checkpoints)).state == result.state
    assert signal.getsignal(number) == before
    start(experiment_file, tmp_path / "run", "train.budget=5steps", resume=True)
    assert_equal(run, undisturbed)


def test_a_second_signal_acts_as_ever():
    # A shell's background jobs ignore Ctrl-C from birth.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with StopRequest() as asked:
        assert not asked.made
        signal.raise_signal(signal.SIGINT)
        assert asked.made
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def wait_for(path: Path, pattern: str, process) -> None:
    begun = time.monotonic()
    while not list(path.glob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - begun < 90
        time.sleep(0.05)


@pytest.mark.slow
def test_the_command_says_how_to_go_on(experiment_file, tmp_path):
    command = [sys.executable, "-c", "from stride_train.cli.train import main; main()"]
    options = ["train.budget=100000steps", "train.checkpoint_every=1steps", "train.monitor.cases=0"]
    arguments = [str(experiment_file), "--out", str(tmp_path / "my run")]
    arguments += [word for option in options for word in ("--set", option)]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "my run" / "checkpoints", "step_*", process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = re.search(r"^resume with (.*)$", out, re.MULTILINE)
    assert found is not None, out
    assert shlex.split(found[1]) == ["stride-train", *arguments, "--resume"]
    assert not list((tmp_path / "my run" / "checkpoints").glob(".*"))


@pytest.mark.slow
def test_one_of_two_processes_is_asked_and_both_stop(experiment_file, tmp_path):
    """As the command is typed: torchrun in front of it; the signal reaches one process alone."""
    script = Path(sys.executable).with_name("stride-train")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    options = ["train.budget=100000steps", "train.checkpoint_every=1steps", "train.monitor.cases=0"]
    arguments = [str(experiment_file), "--out", str(tmp_path / "run")]
    arguments += [word for option in options for word in ("--set", option)]
    process = subprocess.Popen(
        [*command, str(script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    wait_for(tmp_path / "run" / "checkpoints", "step_*", process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGTERM)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert out.count("resume with") == 1
    assert err.count("training (100000steps) ...") == 1
