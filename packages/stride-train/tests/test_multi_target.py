"""Two targets of one network, from the experiment file to the saved ensemble."""

import numpy as np
import pytest
import xarray as xr
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import ExperimentConfig
from stride_train.errors import ExperimentError, GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.run import train
from stride_vars.ensemble_format import EnsembleAttrs, validate_layout


@pytest.fixture(scope="module")
def together(two_targets_file, tmp_path_factory):
    experiment = load_experiment(two_targets_file)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "together")
    run.create()
    train(experiment, run, resume=False)
    return experiment, run


def drawing(experiment: ExperimentConfig, *targets: str) -> ExperimentConfig:
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update={"targets": targets})})


def open_store(path):
    return xr.open_datatree(path, engine="zarr")


def test_one_network_with_a_channel_each(together):
    spec = load_checkpoint(latest_checkpoint(together[1].checkpoints)).spec
    assert (spec.out_channels, spec.use_film_vars, spec.film_labels) == (2, False, 0)


def test_every_target_is_saved_in_its_own_units_with_its_own_transform(together, archive):
    experiment, run = together
    tree = open_store(generate(run, experiment))
    names = {node.path: {name: node[name].dims for name in node.data_vars} for node in tree.subtree if node.path != "/"}
    validate_layout(names, tree.attrs, need=("target", "pmm", "conditioning", "static"))
    attrs = EnsembleAttrs.from_attrs(tree.attrs)
    assert attrs.targets == ("prcp", "t2m")
    transforms = {entry["variable"]: entry["name"] for entry in attrs.transforms if entry["role"] == "target"}
    assert transforms == {"prcp": "asinh", "t2m": "zscore"}
    assert [tree[f"ensemble/{name}"].attrs["units"] for name in ("prcp", "t2m")] == ["mm day-1", "K"]
    original = xr.open_dataset(archive / "two.nc").isel(time=slice(12, 14), y=slice(0, 16), x=slice(0, 16))
    np.testing.assert_allclose(tree["target/prcp"], original.pr, rtol=1e-6)
    np.testing.assert_allclose(tree["target/t2m"], original.tas + 273.15, rtol=1e-5)
    assert np.isnan(tree["target/t2m"].values).any()
    members = tree["ensemble"]
    assert np.isfinite(members["prcp"]).all() and np.isfinite(members["t2m"]).all()
    assert float(members["prcp"].min()) >= 0
    assert 240 < float(members["t2m"].mean()) < 320


def test_some_of_the_targets_are_the_same_members(together, tmp_path):
    experiment, run = together
    whole = open_store(generate(run, experiment, folder=tmp_path / "whole"))
    part = open_store(generate(run, drawing(experiment, "fine.t2m"), folder=tmp_path / "part"))
    for group in ("ensemble", "pmm", "target"):
        assert list(part[group].data_vars) == ["t2m"]
        np.testing.assert_array_equal(part[f"{group}/t2m"], whole[f"{group}/t2m"])
    assert EnsembleAttrs.from_attrs(part.attrs).targets == ("t2m",)


def test_baselines_make_only_what_is_asked_for(together, tmp_path):
    experiment, run = together
    for system in ("interpolated", "quantile_mapping"):
        with pytest.raises(GenerationError, match=r"low-resolution field of 'fine\.t2m'"):
            generate(run, experiment, system, folder=tmp_path / "whole")
        tree = open_store(generate(run, drawing(experiment, "fine.prcp"), system, folder=tmp_path / "part"))
        assert list(tree["ensemble"].data_vars) == list(tree["target"].data_vars) == ["prcp"]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("[fine.prpc]", r"targets names 'fine\.prpc', which is no target.*fine\.prcp"),
        ("[fine.prcp, fine.prcp]", r"targets names 'fine\.prcp' twice"),
    ],
)
def test_targets_that_cannot_be_drawn_are_named(two_targets_file, named, says):
    with pytest.raises(ExperimentError, match=says):
        load_experiment(two_targets_file, [f"generate.targets={named}"])


def test_weights_act_on_their_own_target(two_targets_file, tmp_path):
    def first_loss(name, weights):
        overrides = ["train.budget=1steps", "train.log_every=1", f"train.target_weights={weights}"]
        run = RunFolder(tmp_path / name)
        run.create()
        train(load_experiment(two_targets_file, overrides), run, resume=False)
        return float(read_history(run.history)[0]["edm_loss"])

    plain = first_loss("plain", "{}")
    one = first_loss("one", "{fine.prcp: 3.0}") - plain
    other = first_loss("other", "{fine.t2m: 3.0}") - plain
    # Each adds twice the part of its target, and both parts together are the loss.
    assert one > 0 and other > 0 and abs(one - other) > 1e-4
    assert one + other == pytest.approx(2 * plain, rel=1e-4)
