"""TensorBoard is read back with its own library; W&B is really run, offline, where it is installed."""

import sys
import types

import numpy as np
import pytest
from matplotlib.image import imsave
from stride_train.config import Amount
from stride_train.errors import ExperimentError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training import loggers
from stride_train.training.history import History
from stride_train.training.loggers import open_loggers, require_loggers
from stride_train.training.run import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    return folder


def begin(run, *names, resume_at=None):
    return open_loggers(names, run, experiment="tiny", config={"seed": 3}, resume_at=resume_at)


def log(run, steps, *names, resume_at=None):
    opened = begin(run, *names, resume_at=resume_at)
    history = History(run.history, resume_at=resume_at, loggers=opened)
    for step in steps:
        history.append(step=step, images=4 * step, seconds=1.0, edm_loss=1.0 / step, crps=0.5 * step)
    for logger in opened:
        logger.close()


def scalars(run, tag):
    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    return [(event.step, round(event.value, 6)) for event in events.Scalars(tag)]


def test_tensorboard_reads_what_was_logged(run):
    log(run, (1, 2), "tensorboard")
    assert scalars(run, "val/crps") == [(1, 0.5), (2, 1.0)]
    assert scalars(run, "train/edm_loss") == [(1, 1.0), (2, 0.5)]


def test_tensorboard_drops_what_came_after_the_resumed_step(run):
    log(run, (1, 2, 3, 4), "tensorboard")
    log(run, (3, 4, 5), "tensorboard", resume_at=2)
    assert [step for step, _ in scalars(run, "val/crps")] == [1, 2, 3, 4, 5]
    log(run, (1,), "tensorboard")
    assert scalars(run, "val/crps") == [(1, 0.5)]


def test_tensorboard_shows_pictures(run, tmp_path):
    imsave(tmp_path / "picture.png", np.zeros((6, 9, 3)))
    (logger,) = begin(run, "tensorboard")
    logger.picture(4, "quicklook", tmp_path / "picture.png")
    logger.close()
    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    (picture,) = events.Images("quicklook")
    assert (picture.step, picture.height, picture.width) == (4, 6, 9)


def test_a_training_is_logged(experiment_file, run):
    settings = [
        "train.budget=2steps",
        "train.log_every=1",
        "train.monitor.every=2steps",
        "train.monitor.quicklook=true",
    ]
    train(load_experiment(experiment_file, [*settings, "train.loggers=[tensorboard]"]), run, resume=False)
    assert [step for step, _ in scalars(run, "train/learning_rate")] == [1, 2]
    assert [step for step, _ in scalars(run, "val/spread_skill")] == [2]
    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    assert [picture.step for picture in events.Images("quicklook")] == [2]


class FakeWandb(types.ModuleType):
    """As much of W&B as is used."""

    class Error(Exception):
        pass

    def __init__(self):
        super().__init__("wandb")
        self.begun, self.rows, self.finished, self.Image = [], [], 0, str

    def init(self, **arguments):
        self.begun.append(arguments)
        return self

    def log(self, values, step):
        self.rows.append((step, values))

    def finish(self):
        self.finished += 1


@pytest.fixture
def fake(monkeypatch):
    module = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(loggers, "require_loggers", lambda names: None)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return module


def test_wandb_goes_on_with_its_run(run, fake, tmp_path):
    log(run, (1,), "wandb")
    log(run, (2,), "wandb", resume_at=1)
    log(run, (1,), "wandb")
    first, resumed, anew = fake.begun
    assert first["id"] == resumed["id"] != anew["id"]
    assert (first["project"], first["name"], first["config"], first["dir"]) == (
        "stride",
        "tiny",
        {"seed": 3},
        str(run.path),
    )
    assert fake.rows[0] == (1, {"train/images": 4.0, "train/seconds": 1.0, "train/edm_loss": 1.0, "val/crps": 0.5})
    assert fake.finished == 3
    (logger,) = begin(run, "wandb", resume_at=1)
    logger.picture(7, "quicklook", tmp_path / "picture.png")
    assert fake.rows[-1] == (7, {"quicklook": str(tmp_path / "picture.png")})


def test_wandb_that_cannot_start_is_one_sentence(run, fake, monkeypatch):
    def refuse(**_):
        raise fake.Error("api_key not configured\n(no-tty)")

    monkeypatch.setattr(fake, "init", refuse)
    with pytest.raises(
        ExperimentError, match=r"W&B cannot start \(api_key not configured \(no-tty\)\): run wandb login"
    ):
        begin(run, "wandb")


def test_wandb_itself_offline(run, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    log(run, (1, 2), "wandb")
    log(run, (2, 3), "wandb", resume_at=1)
    assert len(list((run.path / "wandb").glob("offline-run-*"))) == 2


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_library_says_what_to_install(monkeypatch, name):
    monkeypatch.setattr(loggers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ExperimentError, match=rf"pip install 'stride-train\[{name}\]', or leave it out"):
        require_loggers([name])


def test_a_missing_library_is_told_before_the_long_work(experiment, run, monkeypatch):
    monkeypatch.setattr(loggers.importlib.util, "find_spec", lambda _: None)
    options = {"loggers": ("wandb",), "budget": Amount.parse("1steps")}
    with pytest.raises(ExperimentError, match="is not installed"):
        train(experiment.model_copy(update={"train": experiment.train.model_copy(update=options)}), run, resume=False)
    assert list(run.path.iterdir()) == []


def test_an_unknown_logger_names_the_key(experiment_file):
    with pytest.raises(ExperimentError, match=r"train\.loggers"):
        load_experiment(experiment_file, ["train.loggers=[mlflow]"])
