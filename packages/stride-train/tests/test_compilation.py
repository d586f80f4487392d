"""`train.compile` and `generate.compile`."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
import torch
import xarray as xr
from stride_model.precondition import EDMDenoiser
from stride_train.errors import ExperimentError
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.run import train


def changed(experiment, section, **changes):
    return experiment.model_copy(update={section: getattr(experiment, section).model_copy(update=changes)})


@pytest.fixture
def graphs(monkeypatch) -> list[torch.fx.GraphModule]:
    """What reached the compiler, which runs it as it is: quick, and nothing but the translation is new."""
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph.forward

    torch.compiler.reset()
    monkeypatch.setattr(EDMDenoiser, "compile", lambda self: torch.nn.Module.compile(self, backend=backend))
    monkeypatch.setenv("CXX", sys.executable)  # some program: whether it compiles is not asked
    return seen


@pytest.fixture
def run(trained, tmp_path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.mark.slow
def test_training_calls_the_compiled_network_and_learns_the_same(trained, experiment, tmp_path, graphs):
    run = RunFolder(tmp_path)
    run.create()
    train(changed(experiment, "train", compile=True), run, resume=False)
    assert graphs
    plain, compiled = ([float(row["edm_loss"]) for row in read_history(folder.history)] for folder in (trained, run))
    np.testing.assert_allclose(compiled, plain, rtol=1e-3)


@pytest.mark.slow
def test_generation_calls_the_compiled_network_and_draws_the_same(run, experiment, graphs):
    plain = xr.open_datatree(generate(run, experiment), engine="zarr")["ensemble/prcp"].load()
    assert not graphs
    path = generate(run, changed(experiment, "generate", compile=True))
    assert graphs
    compiled = xr.open_datatree(path, engine="zarr")["ensemble/prcp"]
    np.testing.assert_allclose(compiled, plain, rtol=1e-3, atol=1e-3)


def test_a_training_may_go_on_compiled(run, experiment, graphs):
    train(changed(experiment, "train", compile=True), run, resume=True)


@pytest.mark.parametrize("section", ["train", "generate"])
def test_without_a_compiler_the_key_is_named_and_nothing_is_written(run, experiment, tmp_path, monkeypatch, section):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = changed(experiment, section, compile=True)
    with pytest.raises(ExperimentError, match=rf"{section}\.compile needs a C\+\+ compiler"):
        if section == "train":
            train(config, RunFolder(tmp_path / "new"), resume=False)
        else:
            generate(run, config)
    assert not list(run.path.rglob("*.zarr")) and not list(tmp_path.rglob("new/checkpoints/*"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_compiled_equals_plain_to_rounding(run, experiment):
    torch.compiler.reset()
    experiment = changed(experiment, "generate", batch_size=3)  # all members at once: one shape to compile
    plain = xr.open_datatree(generate(run, experiment), engine="zarr")["ensemble/prcp"].load()
    compiled = xr.open_datatree(generate(run, changed(experiment, "generate", compile=True)), engine="zarr")
    # Under bf16 autocast, which `generate` chooses where the hardware computes in it.
    scale = float(plain.std())
    assert float(np.abs(compiled["ensemble/prcp"] - plain).mean()) < 0.05 * scale
