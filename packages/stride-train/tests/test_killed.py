"""Killed with SIGKILL at random moments, a training ends as if it had not been."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from stride_train.checkpoint import find_best, latest_checkpoint, load_checkpoint
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.run import train

OPTIONS = [
    "train.budget=150steps", "train.log_every=1", "train.monitor.every=20steps",
    "train.uncertainty_weighting=true", "model.dropout=0.1",
]  # fmt: skip


@pytest.mark.slow
def test_a_training_that_is_killed_twenty_times_ends_as_the_undisturbed_one(experiment_file, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("train_and_be_killed.py")
    result = subprocess.run(
        [sys.executable, str(script), str(experiment_file), str(tmp_path / "killed"), "7", *OPTIONS,
         "train.checkpoint_every=1steps"],
        capture_output=True, text=True, timeout=280, check=False, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    killed, writing, steps = map(int, re.findall(r"\d+", result.stdout)[:3])
    assert killed == 20
    assert writing >= 5
    assert steps >= 15
    undisturbed, run = RunFolder(tmp_path / "undisturbed"), RunFolder(tmp_path / "killed")
    undisturbed.create()
    train(load_experiment(experiment_file, [*OPTIONS, "train.checkpoint_every=100steps"]), undisturbed, resume=False)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    assert ours.state.step == theirs.state.step == 150
    for section in ("network", "average", "optimizer", "uncertainty"):
        assert getattr(ours, section).keys() == getattr(theirs, section).keys()
        for name, value in getattr(theirs, section).items():
            assert torch.equal(getattr(ours, section)[name], value), (section, name)
    rows = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in read_history(folder.history)]
        for folder in (run, undisturbed)
    ]
    assert rows[0] == rows[1]
    seconds = [float(row["seconds"]) for row in read_history(run.history)]
    assert seconds == sorted(seconds)
    best = find_best(run.checkpoints)
    assert best.name == find_best(undisturbed.checkpoints).name
    last = {"step_000000149.safetensors", "step_000000150.safetensors"}
    assert {path.name for path in run.checkpoints.iterdir()} == {best.name, *last}
