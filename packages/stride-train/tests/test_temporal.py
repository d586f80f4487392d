"""Temporal stacks and time features, from the experiment file to the network and into the saved ensemble."""

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
from stride_vars.ensemble_format import validate_layout


@pytest.fixture(scope="module")
def stacked(experiment_file, archive, tmp_path_factory):
    content = yaml.safe_load(experiment_file.read_text())
    content["data"] |= {"lags": ["-1 day", "0 days"], "lag_gaps": "drop", "time_features": ["day_of_year"]}
    content["train"] |= {"budget": "4steps"}
    content["generate"]["sampler"] = {"steps": 2}
    path = archive / "stacked.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    experiment = load_experiment(path)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "stacked")
    run.create()
    train(experiment, run, resume=False)
    return experiment, run


def test_the_network_is_built_for_them_and_trained_on_them(stacked):
    checkpoint = load_checkpoint(latest_checkpoint(stacked[1].checkpoints))
    assert checkpoint.spec.temporal_steps == 2
    assert checkpoint.spec.film_features == 2
    assert any(np.abs(value.numpy()).max() > 0 for name, value in checkpoint.network.items() if name == "film.2.weight")


def test_the_saved_ensemble_holds_the_whole_stack(stacked, archive):
    experiment, run = stacked
    tree = xr.open_datatree(generate(run, experiment), engine="zarr")
    names = {node.path: {name: node[name].dims for name in node.data_vars} for node in tree.subtree if node.path != "/"}
    validate_layout(names, tree.attrs, need=("target", "conditioning"))
    conditioning = tree["conditioning/prcp"]
    assert conditioning.dims == ("time", "lag", "lr_y", "lr_x")
    np.testing.assert_array_equal(tree["conditioning"].lag, [-24.0, 0.0])
    coarse = xr.open_dataset(archive / "fields.nc").pr.isel(y=slice(8, 24), x=slice(8, 24)).coarsen(y=4, x=4).mean()
    np.testing.assert_allclose(conditioning[:, 0], coarse[11:13], rtol=1e-5)
    np.testing.assert_allclose(conditioning[:, 1], coarse[12:14], rtol=1e-5)


def test_baselines_take_the_field_of_the_targets_time(stacked, archive):
    experiment, run = stacked
    tree = xr.open_datatree(generate(run, experiment, "interpolated"), engine="zarr")
    coarse = xr.open_dataset(archive / "fields.nc").pr.isel(y=slice(8, 24), x=slice(8, 24)).coarsen(y=4, x=4).mean()
    averaged = tree["ensemble/prcp"][:, 0].coarsen(y=4, x=4).mean()
    assert np.abs(averaged.values - coarse[12:14].values).mean() < np.abs(averaged.values - coarse[11:13].values).mean()


@pytest.mark.parametrize("change", [{"lags": ["0 days", "-1 day"]}, {"time_features": []}])
def test_a_checkpoint_goes_with_the_lags_and_features_it_was_trained_with(stacked, change):
    experiment, run = stacked
    other = experiment.model_copy(update={"data": experiment.data.model_copy(update=change)})
    with pytest.raises(GenerationError, match=f"was trained with data.{next(iter(change))}"):
        generate(run, other)
