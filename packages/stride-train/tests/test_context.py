"""The larger domain, from the experiment file to the network."""

import numpy as np
import pytest
import xarray as xr
import yaml
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.errors import GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.run import train
from stride_vars.ensemble_format import EnsembleAttrs
from stride_vars.regions import Box


@pytest.fixture(scope="module")
def surrounded(experiment_file, archive, tmp_path_factory):
    content = yaml.safe_load(experiment_file.read_text())
    data = content["data"]
    data["sources"]["around"] = {
        "files": "fields.nc",
        "block_average": 2,
        "variables": data["sources"]["fine"]["variables"],
    }
    data |= {"context": ["around.prcp"], "context_static": ["around.orog"]}
    data["region"]["context"] = {"margin": 4}
    content["model"]["context_channels"] = 8
    content["train"] |= {"budget": "6steps"}
    content["generate"]["sampler"] = {"steps": 2}
    path = archive / "surrounded.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    experiment = load_experiment(path)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "surrounded")
    run.create()
    train(experiment, run, resume=False)
    return experiment, run


def test_the_spec_says_where_the_box_lies(surrounded):
    spec = load_checkpoint(latest_checkpoint(surrounded[1].checkpoints)).spec
    assert spec.use_context_encoder
    assert (spec.in_context_dynamic_channels, spec.in_context_static_channels) == (1, 1)
    assert spec.context_shape == (12, 12)  # (16 + 2 x 4) / 2
    assert (spec.context_cell, spec.context_offset) == ((0.5, 0.5), (2.0, 2.0))


def test_the_encoder_is_trained_and_used(surrounded, tmp_path):
    experiment, run = surrounded
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    assert max(float(value.abs().max()) for name, value in checkpoint.network.items() if "context.project" in name) > 0
    members = xr.open_datatree(generate(run, experiment), engine="zarr")["ensemble/prcp"].values
    assert np.isfinite(members).all()


def test_every_tile_of_a_larger_domain_has_a_context_of_its_own(surrounded, tmp_path):
    experiment, run = surrounded
    wider = experiment.model_copy(update={"generate": experiment.generate.model_copy(update={"domain": "whole"})})
    tree = xr.open_datatree(generate(run, wider, folder=tmp_path), engine="zarr")
    # Margins of 4 cells leave 24 of 32; each tile's context is 12 x 12 cells of 2, the domain's 16 x 16.
    assert tree["ensemble/prcp"].shape == (2, 3, 24, 24)
    assert np.isfinite(tree["ensemble/prcp"].values).all()
    region = EnsembleAttrs.from_attrs(tree.attrs).region
    assert region.hr == Box(y=4, x=4, height=24, width=24)
    assert region.context == Box(y=0, x=0, height=16, width=16)


def test_a_checkpoint_goes_with_its_context(surrounded, experiment):
    _, run = surrounded
    with pytest.raises(GenerationError, match=r"was trained with data\.context \['around\.prcp'\]"):
        generate(run, experiment)
