"""What generation saves, evaluation reads: mean and spread beside the members, and times without observed fields."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.opening import open_systems
from stride_eval.runner import evaluate
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.run import train
from stride_vars.catalogue import Catalogue


@pytest.fixture(scope="module")
def trained(second_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunFolder]:
    """The second dataset without the observed fields of its last two days, and a run that needs none of them."""
    path = tmp_path_factory.mktemp("archive") / "copy" / second_dataset.name
    shutil.copytree(second_dataset.parent, path.parent)
    for day in ("06", "07"):
        (path.parent / "regional" / f"RCM_2004-03-{day}.nc").unlink()
    run = RunFolder(tmp_path_factory.mktemp("run") / "run")
    run.create()
    train(load_experiment(path, ["data.splits.test.needs_target=false"]), run, resume=False)
    return path, run


def made(trained: tuple[Path, RunFolder], folder: Path, *changes: str) -> Path:
    path, run = trained
    return generate(run, load_experiment(path, ["data.splits.test.needs_target=false", *changes]), folder=folder)


def test_observed_times_are_scored_and_summaries_do_no_harm(trained, tmp_path):
    asked = ("generate.mean=true", "generate.spread=true", "generate.pmm=false")
    paths = {"with": made(trained, tmp_path / "with", *asked), "without": made(trained, tmp_path / "without")}
    systems = open_systems(paths, catalogue=Catalogue.load())
    assert [time[:10] for time in systems.times] == ["2004-03-04", "2004-03-05"]
    assert systems.dropped == {"with": 2, "without": 2}
    block = systems.block("tmax", systems.times)
    np.testing.assert_array_equal(block.members["with"], block.members["without"])
    assert np.isfinite(block.observed).all()
    mean = systems.fields("mean", "with", "tmax", systems.times)
    np.testing.assert_allclose(mean, block.members["with"].mean("member"), rtol=1e-6)
    assert systems.fields("spread", "without", "tmax", systems.times) is None


def test_without_any_observed_time_it_says_what_is_missing(trained, tmp_path):
    only = "data.splits.test={start: '2004-03-06', end: '2004-03-07', needs_target: false}"
    path = made(trained, tmp_path, only)
    with pytest.raises(EvalError, match=r"has a /target group: probabilistic, scale need the observed fields"):
        evaluate({"edm": path}, EvalConfig(families=("probabilistic", "scale")), tmp_path / "evaluation")
    result = evaluate({"edm": path}, EvalConfig(families=("probabilistic", "dates")), tmp_path / "evaluation")
    assert result.families == ("dates",)
