import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stride_train.checkpoint import find_best, latest_checkpoint, list_checkpoints, load_checkpoint
from stride_train.config import Amount, EarlyStoppingConfig, TrainConfig
from stride_train.errors import ExperimentError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.early_stopping import EarlyStopping
from stride_train.training.history import read_history
from stride_train.training.judged_reading import JudgedReading
from stride_train.training.run import train, training_finished
from stride_train.training.trainer import Trainer


def follow(values, monitor="crps", **options):
    stopping = EarlyStopping(TrainConfig(early_stopping=EarlyStoppingConfig(monitor=monitor, **options)))
    for step, value in enumerate(values, start=1):
        stopping.add({"step": str(step), monitor: value})
        if stopping.reason is not None:
            return step, stopping
    return None, stopping


@pytest.mark.parametrize(
    ("values", "options", "stops_at", "best"),
    [
        (["3", "2", "2", "2.5"], {"patience": 2}, 4, 2),
        (["3", "2", "2.5", "1.9", "2", "1.9", "5"], {"patience": 3}, 7, 4),
        (["3", "2.9", "2.8", "2.7"], {"patience": 2, "min_delta": 0.5}, 3, 3),
        # Small improvements add up: 2.4 is more than 0.5 better than what waiting began with.
        (["3", "2.7", "2.4", "2.1", "1.8"], {"patience": 2, "min_delta": 0.5}, None, 5),
        (["3", "", "", "", "", "2"], {"patience": 2}, None, 6),
        (["nan", "inf", "nan", "2", "1"], {"patience": 4}, None, 5),
        (["nan", "nan", "nan"], {"patience": 2}, 3, None),
    ],
)
def test_patience_counts_readings_without_improvement(values, options, stops_at, best):
    stopped, stopping = follow(values, **options)
    assert stopped == stops_at
    assert (None if stopping.best is None else stopping.best.step) == best


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("bias", ["-3", "2", "-1", "4"], 3),
        ("bias_percent/a.prcp", ["-3", "0.5", "-1"], 2),
        ("spread_skill", ["0.5", "1.9", "1.6"], 3),  # as far from 1 as a ratio: 2, 1.9, 1.6
        ("spectrum_ratio", ["10", "0.2", "0"], 2),
        ("crps", ["0.1", "-0.001", "0.2"], 2),  # a fair CRPS may be negative
    ],
)
def test_what_is_better_depends_on_the_reading(monitor, values, best):
    assert follow(values, monitor, patience=9)[1].best.step == best


def test_a_reading_that_is_no_number_is_infinitely_far():
    assert JudgedReading("crps", math.nan, 1).distance == math.inf
    assert JudgedReading("spread_skill", 0.0, 1).distance == math.inf


def test_the_reason_says_how_long_was_waited():
    assert follow(["2", "3", "3"], patience=2, min_delta=0.1)[1].reason == (
        "crps has not improved by more than 0.1 in 2 readings since step 1 (2)"
    )
    assert EarlyStopping(TrainConfig(), [{"step": "1", "crps": "1"}] * 99).reason is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.early_stopping={monitor: crsp}", r"early_stopping\.monitor names 'crsp'.*Did you mean 'crps'"),
        ("train.early_stopping={monitor: crps/fine.prcp}", r"which no monitor reads"),
        ("train.early_stopping={patience: 0}", r"train\.early_stopping\.patience"),
        ("train={early_stopping: {}, monitor: {cases: 0}}", r"early_stopping needs readings"),
    ],
)
def test_what_cannot_judge_is_refused(experiment_file, override, message):
    with pytest.raises(ExperimentError, match=message):
        load_experiment(experiment_file, [override])


def test_targets_are_judged_together_or_one_of_them(two_targets_file):
    for monitor in ("crps", "spectrum_ratio/fine.t2m"):
        load_experiment(two_targets_file, [f"train.early_stopping.monitor={monitor}"])
    with pytest.raises(ExperimentError, match="which no monitor reads"):
        load_experiment(two_targets_file, ["train.early_stopping.monitor=bias"])


def test_without_validation_times_there_is_nothing_to_stop_by(experiment, tmp_path):
    splits = {name: split for name, split in experiment.data.splits.items() if name != "val"}
    config = experiment.model_copy(
        update={
            "data": experiment.data.model_copy(update={"splits": splits}),
            "train": experiment.train.model_copy(update={"early_stopping": EarlyStoppingConfig()}),
        }
    )
    run = RunFolder(tmp_path)
    run.create()
    with pytest.raises(ExperimentError, match=r"train\.early_stopping needs validation times, but data\.splits\.val"):
        train(config, run, resume=False)


# ---- a training that stops: four readings, of which none improves by as much as is asked for -----------------------


@pytest.fixture(scope="module")
def stops(experiment):
    """Reads the monitors every 2 steps and stops at step 8; writes checkpoints every 3 steps and keeps one."""
    options = {
        "budget": Amount.parse("40steps"),
        "decay_from": 1.0,
        "checkpoint_every": Amount.parse("3steps"),
        "keep_last": 1,
        "monitor": experiment.train.monitor.model_copy(update={"every": Amount.parse("2steps")}),
        "early_stopping": EarlyStoppingConfig(patience=3, min_delta=1000.0),
    }
    return experiment.model_copy(update={"train": experiment.train.model_copy(update=options)})


@pytest.fixture(scope="module")
def stopped(stops, tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("stopped"))
    run.create()
    return run, train(stops, run, resume=False)


def readings(run):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in read_history(run.history)]


def test_training_ends_as_finished_with_its_reason(stops, stopped):
    run, result = stopped
    assert (result.state.step, result.state.finished) == (8, True)
    assert result.stopped.startswith("crps has not improved by more than 1000 in 3 readings since step 2 (")
    assert training_finished(stops, run)
    assert load_checkpoint(latest_checkpoint(run.checkpoints)).state.step == 8
    again = train(stops, run, resume=True)
    assert (again.state.step, again.stopped) == (8, result.stopped)


def test_the_best_checkpoint_is_kept_beside_the_last(stopped):
    run, _ = stopped
    scores = {int(row["step"]): float(row["crps"]) for row in readings(run) if row["crps"]}
    best = min(scores, key=scores.get)
    assert {int(path.stem.removeprefix("step_")) for path in list_checkpoints(run.checkpoints)} == {best, 8}
    loaded = load_checkpoint(find_best(run.checkpoints))
    assert loaded.reading == JudgedReading("crps", scores[best], best)


def test_more_patience_goes_on(stops, stopped):
    patient = stops.train.model_copy(update={"early_stopping": EarlyStoppingConfig(patience=4, min_delta=1000.0)})
    assert not training_finished(stops.model_copy(update={"train": patient}), stopped[0])


@pytest.mark.parametrize("killed_at", [5, pytest.param(7, marks=pytest.mark.slow)])
def test_a_resumed_training_stops_at_the_same_step(stops, stopped, tmp_path, monkeypatch, killed_at):
    step_of = Trainer._step

    def killed(self, mine, counts, step, *arguments):
        if step == killed_at:
            raise KeyboardInterrupt
        return step_of(self, mine, counts, step, *arguments)

    run = RunFolder(tmp_path)
    run.create()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_step", killed)
        train(stops, run, resume=False)
    result = train(stops, run, resume=True)
    theirs, undisturbed = stopped
    assert (result.state.step, result.stopped) == (8, undisturbed.stopped)
    assert readings(run) == readings(theirs)
    assert [path.name for path in list_checkpoints(run.checkpoints)] == [
        path.name for path in list_checkpoints(theirs.checkpoints)
    ]
    assert find_best(run.checkpoints).name == find_best(theirs.checkpoints).name


@pytest.mark.slow
def test_two_processes_stop_together(experiment_file, stopped, tmp_path):
    settings = [
        "train.budget=40steps",
        "train.decay_from=1.0",
        "train.checkpoint_every=3steps",
        "train.monitor.every=2steps",
        "train.early_stopping={patience: 3, min_delta: 1000}",
    ]
    script = Path(__file__).with_name("train_several.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    result = subprocess.run(
        [*map(str, [*command, experiment_file, tmp_path]), *settings],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("training stopped early: crps has not improved") == 1
    theirs = readings(stopped[0])
    assert [row["step"] for row in readings(RunFolder(tmp_path))] == [row["step"] for row in theirs]
    best = load_checkpoint(find_best(RunFolder(tmp_path).checkpoints)).reading
    assert best.step == load_checkpoint(find_best(stopped[0].checkpoints)).reading.step
