import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from stride_model.precondition import EDMDenoiser
from stride_train.checkpoint import (
    TrainingState,
    best_checkpoint,
    find_best,
    latest_checkpoint,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from stride_train.errors import CheckpointError
from stride_train.run_folder import RunFolder
from stride_train.training.judged_reading import JudgedReading
from stride_vars.ensemble_format import EnsembleAttrs
from typer.testing import CliRunner


def save(folder, like, step, value=None, monitor="crps", keep_last=1, average=None):
    return save_checkpoint(
        folder,
        spec=like.spec,
        network=like.network,
        average=like.average if average is None else average,
        optimizer={},
        state=TrainingState(step, 4 * step, 1.0, False),
        data=like.data,
        config=like.config,
        keep_last=keep_last,
        reading=None if value is None else JudgedReading(monitor, value, step),
    )


@pytest.fixture(scope="module")
def like(trained):
    return load_checkpoint(latest_checkpoint(trained.checkpoints))


def steps(folder):
    return [int(path.stem.removeprefix("step_")) for path in list_checkpoints(folder)]


def test_the_best_is_never_pruned_and_the_rest_is(tmp_path, like):
    kept = []
    for step, value in enumerate([3.0, 2.0, None, 2.5, 2.0, 1.0, None, float("nan")], start=1):
        save(tmp_path, like, step, value)
        kept.append(steps(tmp_path))
    assert kept == [[1], [2], [2, 3], [2, 4], [2, 5], [6], [6, 7], [6, 8]]
    assert best_checkpoint(tmp_path).name == "step_000000006.safetensors"
    assert load_checkpoint(best_checkpoint(tmp_path)).reading == JudgedReading("crps", 1.0, 6)


def test_readings_of_another_kind_do_not_compare(tmp_path, like):
    save(tmp_path, like, 1, 0.1, keep_last=3)
    save(tmp_path, like, 2, 5.0, "bias", keep_last=3)
    save(tmp_path, like, 3, -4.0, "bias", keep_last=3)
    assert find_best(tmp_path).name == "step_000000003.safetensors"
    assert find_best(tmp_path, "crps").name == "step_000000001.safetensors"
    # From then on the new kind decides.
    save(tmp_path, like, 4, -6.0, "bias")
    assert steps(tmp_path) == [3, 4]


def test_a_checkpoint_that_cannot_be_read_is_not_the_best(tmp_path, like):
    save(tmp_path, like, 1, 2.0, keep_last=3)
    save(tmp_path, like, 2, 1.0, keep_last=3).write_bytes(b"cut short")
    assert find_best(tmp_path).name == "step_000000001.safetensors"


def test_without_readings_there_is_no_best(tmp_path, like):
    with pytest.raises(CheckpointError, match="train first"):
        best_checkpoint(tmp_path)
    save(tmp_path, like, 1)
    with pytest.raises(CheckpointError, match=r"was judged by the monitors .*generate\.checkpoint: last"):
        best_checkpoint(tmp_path)


def test_generation_from_the_best_checkpoint(trained, like, tmp_path):
    from stride_train.cli.generate import app

    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained.path, run.path, ignore=shutil.ignore_patterns("ensembles"))
    torch.manual_seed(0)
    other = EDMDenoiser(like.spec).state_dict()
    save(run.checkpoints, like, 1, 0.0, keep_last=9, average={name: value + 0.1 for name, value in other.items()})
    few = ["--set", "generate.members=1", "--set", "generate.pmm=false"]
    found = {}
    for chosen, extra in (("last", []), ("best", ["--checkpoint", "best"])):
        result = CliRunner().invoke(app, [str(run.path), "--out", str(tmp_path / chosen), *few, *extra])
        assert result.exit_code == 0, result.output
        found[chosen] = xr.open_datatree(tmp_path / chosen / "edm.zarr", engine="zarr")
    sampler = {chosen: EnsembleAttrs.from_attrs(tree.attrs).sampler for chosen, tree in found.items()}
    assert sampler["best"]["checkpoint"] == {"step": 1, "images": 4, "monitors": {"crps": 0.0}}
    assert sampler["last"]["checkpoint"]["step"] == 12
    assert EnsembleAttrs.from_attrs(found["best"].attrs).config["generate"]["checkpoint"] == "best"
    assert not np.allclose(found["best"]["ensemble/prcp"], found["last"]["ensemble/prcp"])
