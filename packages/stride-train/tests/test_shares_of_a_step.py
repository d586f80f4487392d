"""A step's batch divided among processes and turns: the losses and weights of one process and one turn, to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.errors import ExperimentError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.run import train

STEPS = ["train.budget=4steps", "train.log_every=1", "train.monitor.cases=0", "train.learning_rate=1e-3"]
# Labels, unequal counts of observed pixels, dropout, balanced noise levels.
ONE_AT_A_TIME = [*STEPS, "model.targets_together=false", "model.dropout=0.3", "train.uncertainty_weighting=true"]
GATED = [
    *STEPS, "model.use_rain_gate=true", "model.gate_input=conditioning_and_denoised", "train.gate_weight=0.5",
]  # fmt: skip
REWEIGHTED = [*GATED, "train.gate_reweighting=2.0", "model.dropout=0.2"]
COLUMNS = ("step", "images", "learning_rate", "loss", "edm_loss", "gate_loss", "gradient_norm")


def trained(experiment_file, folder, overrides, resume=False):
    run = RunFolder(folder)
    run.create()
    train(load_experiment(experiment_file, overrides), run, resume=resume)
    return run


def torchrun(*arguments, processes=2, **options):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False, env=environment,
        **options,
    )  # fmt: skip


def two_processes(*trainings):
    arguments = [argument for training in trainings for argument in ("--", *training)][1:]
    result = torchrun(Path(__file__).with_name("train_several.py"), *arguments)
    assert result.returncode == 0, result.stderr
    return result


def assert_same_to_rounding(run, other):
    rows, others = read_history(run.history), read_history(other.history)
    assert len(rows) == len(others) == 4
    for row, theirs in zip(rows, others, strict=True):
        for column in COLUMNS:
            assert (row[column] == "") == (theirs[column] == "")
            if row[column]:
                assert float(row[column]) == pytest.approx(float(theirs[column]), rel=2e-5), (row["step"], column)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, other))
    assert ours.state.images == theirs.state.images
    for section in ("network", "average"):
        for name, value in getattr(theirs, section).items():
            # AdamW divides by the gradient's size: where that is nearly 0 rounding shows, in steps of the rate 1e-3.
            torch.testing.assert_close(getattr(ours, section)[name], value, rtol=0, atol=2e-4, msg=name)


@pytest.mark.parametrize(
    ("file", "overrides"), [("two_targets_file", ONE_AT_A_TIME), ("experiment_file", GATED)], ids=["labels", "gate"]
)
def test_turns_give_the_update_of_the_whole(request, file, overrides, tmp_path):
    file = request.getfixturevalue(file)
    whole = trained(file, tmp_path / "whole", overrides)
    turns = trained(file, tmp_path / "turns", [*overrides, "train.accumulate=4"])
    assert_same_to_rounding(turns, whole)


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(experiment_file, two_targets_file, tmp_path):
    monitored = [*REWEIGHTED, "train.monitor.cases=1", "train.monitor.every=2steps"]
    result = two_processes(
        (two_targets_file, tmp_path / "labels", *ONE_AT_A_TIME),
        (two_targets_file, tmp_path / "turns", *ONE_AT_A_TIME, "train.accumulate=2"),
        (experiment_file, tmp_path / "gate", *monitored),
        (experiment_file, tmp_path / "bf16", *STEPS, "train.precision=bf16-mixed"),
    )
    alone = trained(two_targets_file, tmp_path / "labels-alone", ONE_AT_A_TIME)
    assert_same_to_rounding(RunFolder(tmp_path / "labels"), alone)
    assert_same_to_rounding(RunFolder(tmp_path / "turns"), alone)
    assert_same_to_rounding(RunFolder(tmp_path / "gate"), trained(experiment_file, tmp_path / "gate-alone", monitored))
    assert len(read_history(tmp_path / "bf16" / "history.csv")) == 4
    assert "Warning" not in result.stderr
    # An error of one process ends all; the first says it, the others are told.
    assert sorted(line for line in result.stdout.splitlines() if " in " in line) == [
        "a fault in 0: KeyError",
        "a fault in 1: EndedTogether",
        "of 0 in 0: TrainingError: an error of process 0",
        "of 0 in 1: EndedTogether: an error of process 0",
        "of 1 in 0: StrideError: an error of process 1",
        "of 1 in 1: EndedTogether: an error of process 1",
    ]


@pytest.mark.slow
def test_weights_in_shares_train_as_whole_ones(experiment_file, two_targets_file, tmp_path):
    shared = "train.sharding=full"
    monitored = [*REWEIGHTED, "train.monitor.cases=1", "train.monitor.every=2steps"]
    half = [shared, "train.budget=2steps", "train.decay=none"]
    result = two_processes(
        (two_targets_file, tmp_path / "turns", *ONE_AT_A_TIME, "train.accumulate=2", shared),
        (experiment_file, tmp_path / "gate", *monitored, shared),
        (experiment_file, tmp_path / "halves", *STEPS, *half),
        (experiment_file, tmp_path / "halves", *STEPS, shared, "train.decay=none"),
    )
    assert "Warning" not in result.stderr
    alone = trained(two_targets_file, tmp_path / "turns-alone", ONE_AT_A_TIME)
    assert_same_to_rounding(RunFolder(tmp_path / "turns"), alone)
    assert_same_to_rounding(RunFolder(tmp_path / "gate"), trained(experiment_file, tmp_path / "gate-alone", monitored))
    whole = trained(experiment_file, tmp_path / "whole", [*STEPS, "train.decay=none"])
    assert_same_to_rounding(RunFolder(tmp_path / "halves"), whole)
    # What lies in the files is whole: one process goes on with it.
    ours, theirs = (
        load_checkpoint(latest_checkpoint(run.checkpoints)) for run in (RunFolder(tmp_path / "gate"), alone)
    )
    assert all(value.ndim == 0 or value.shape for value in ours.optimizer.values()) and theirs.power
    further = [*STEPS, "train.decay=none", "train.budget=6steps"]
    assert trained(experiment_file, tmp_path / "halves", further, resume=True)


def test_compiling_and_sharding_do_not_go_together(experiment_file):
    with pytest.raises(ExperimentError, match="compile and sharding: full do not go together"):
        load_experiment(experiment_file, ["train.compile=true", "train.sharding=full"])


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["train.accumulate=3"], r"train\.batch_size 4, of the whole step, cannot be divided by 3 \(1 process x "),
        (["train.accumulate=2", "train.batch_size=16"], r"gives 10 samples, fewer than train\.batch_size 16"),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_refused(experiment_file, tmp_path, overrides, says):
    with pytest.raises(ExperimentError, match=says):
        trained(experiment_file, tmp_path, [*STEPS, *overrides])


def test_turns_with_a_reweighting_are_refused(experiment_file):
    with pytest.raises(ExperimentError, match="gate_reweighting needs a mean over the whole batch"):
        load_experiment(experiment_file, [*REWEIGHTED, "train.accumulate=2"])
