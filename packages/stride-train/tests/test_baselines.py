"""Baselines from the experiment file to the saved ensemble; none needs a checkpoint."""

import numpy as np
import pytest
import xarray as xr
import yaml
from stride_train.config import GenerateConfig
from stride_train.config.generation import BASELINES
from stride_train.data import prepare_statistics
from stride_train.errors import ExperimentError, GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_vars.ensemble_format import EnsembleAttrs, validate_layout

PART = {"y": 4, "x": 0, "height": 24, "width": 32}
OBSERVED = ("climatology", "analogues")


def prepared(experiment, folder) -> RunFolder:
    run = RunFolder(folder)
    run.create()
    prepare_statistics(experiment, run)
    return run


@pytest.fixture(scope="module")
def run(experiment, tmp_path_factory):
    return prepared(experiment, tmp_path_factory.mktemp("runs") / "baselines")


def changed(experiment, **changes):
    asked = {**experiment.generate.model_dump(), **changes}
    return experiment.model_copy(update={"generate": GenerateConfig.model_validate(asked)})


def opened(path) -> xr.DataTree:
    return xr.open_datatree(path, engine="zarr")


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_a_saved_ensemble_of_the_domain(run, experiment, tmp_path, name):
    tree = opened(generate(run, changed(experiment, domain=PART), name, folder=tmp_path))
    found = {node.path: {key: node[key].dims for key in node.data_vars} for node in tree.subtree if node.path != "/"}
    validate_layout(found, tree.attrs, need=("target", "conditioning", "static"))
    size = experiment.generate.members if name in OBSERVED else 1
    members = tree["ensemble/prcp"]
    assert members.shape == (2, size, 24, 32)
    assert np.isfinite(members.values).all() and members.values.min() >= 0
    assert ("pmm" in tree.children) == (size > 1)
    attrs = EnsembleAttrs.from_attrs(tree.attrs)
    assert attrs.system == name and attrs.model_spec is None and attrs.sampler["method"]


@pytest.mark.parametrize("name", OBSERVED)
def test_members_are_observed_fields_of_the_training_split_at_the_same_place(run, experiment, archive, tmp_path, name):
    """The training crops are drawn all over the grid; members are of the domain."""
    tree = opened(generate(run, changed(experiment, domain=PART), name, folder=tmp_path))
    fields = xr.open_dataset(archive / "fields.nc").pr.isel(y=slice(4, 28), x=slice(0, 32)).values
    for members in tree["ensemble/prcp"].values:
        same = (np.abs(members[:, None] - fields[None]) < 1e-5).all(axis=(2, 3))
        days = [int(np.flatnonzero(row).item()) for row in same]
        assert len(set(days)) == 3 and max(days) < 10, "the first ten days are the training split"
    assert EnsembleAttrs.from_attrs(tree.attrs).sampler["training_times"] == 10


def test_the_nearest_analogue_is_nearer_than_climatology_on_the_coarse_grid(run, experiment, tmp_path):
    def error(name):
        tree = opened(generate(run, changed(experiment, members=1), name, folder=tmp_path))
        coarse = tree["ensemble/prcp"][:, 0].coarsen(y=4, x=4).mean().values
        return np.abs(np.log(coarse + 1) - np.log(tree["conditioning/prcp"].values + 1)).mean()

    assert error("analogues") < error("climatology")


@pytest.mark.parametrize("name", OBSERVED)
def test_fewer_training_times_than_members_are_said(run, experiment, tmp_path, capsys, name):
    tree = opened(generate(run, changed(experiment, members=50), name, folder=tmp_path / "test"))
    assert tree["ensemble/prcp"].sizes["member"] == 10
    assert f"{name}: 10 members, not 50" in capsys.readouterr().err
    own = opened(generate(run, changed(experiment, members=50, split="train"), name, folder=tmp_path / "train"))
    assert own["ensemble/prcp"].sizes["member"] == 9
    itself = (own["ensemble/prcp"] - own["target/prcp"]).values
    assert not (np.abs(itself) < 1e-6).all(axis=(2, 3)).any(), "no time is a member of itself"


def test_what_a_baseline_does_not_look_at_leaves_it_as_it_is(run, experiment, tmp_path):
    def made(name, **changes):
        return (generate(run, changed(experiment, **changes), name, folder=tmp_path) / "zarr.json").stat().st_mtime_ns

    names = ("interpolated", "climatology", "analogues")
    before = {name: made(name) for name in names}
    after = {name: made(name, climatology_window_days=3) for name in names}
    assert [name for name in names if before[name] != after[name]] == ["climatology"]
    assert made("analogues", analogue_fields="all") != before["analogues"]


def test_several_targets_are_of_one_time_and_missing_where_never_observed(two_targets_file, archive, tmp_path):
    experiment = load_experiment(two_targets_file, ["generate.analogue_fields=all"])
    run = prepared(experiment, tmp_path / "run")
    warmth = xr.open_dataset(archive / "two.nc").tas.isel(y=slice(0, 16), x=slice(0, 16)).values + 273.15
    rain = xr.open_dataset(archive / "two.nc").pr.isel(y=slice(0, 16), x=slice(0, 16)).values
    for name in OBSERVED:
        tree = opened(generate(run, experiment, name))
        assert EnsembleAttrs.from_attrs(tree.attrs).sampler["left_out_for_gaps"] == 0
        t2m, prcp = tree["ensemble/t2m"].values, tree["ensemble/prcp"].values
        assert np.isnan(t2m[..., :4, :4]).all() and np.isfinite(t2m).sum() == t2m.size * 240 / 256
        for member, (row, other) in enumerate(zip(t2m[0], prcp[0], strict=True)):
            (day,) = np.flatnonzero((np.abs(np.nan_to_num(warmth - row)) < 1e-3).all(axis=(1, 2)))
            np.testing.assert_allclose(other, rain[day], atol=1e-5, err_msg=f"{name}, member {member}")
    with pytest.raises(GenerationError, match=r"field of 'fine\.t2m'.*set generate\.analogue_fields to all"):
        generate(run, changed(experiment, analogue_fields="own"), "analogues")


def test_of_a_stack_the_step_of_the_target_is_compared_and_mapped(experiment_file, archive, tmp_path):
    content = yaml.safe_load(experiment_file.read_text())
    content["data"] |= {"lags": ["-1 day", "0 days"], "lag_gaps": "drop"}
    path = archive / "stacked_baselines.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    stacked, plain = load_experiment(path), load_experiment(experiment_file, ["data.splits.train.start=2001-01-02"])
    for name in ("analogues", "quantile_mapping_per_pixel"):
        one, other = (
            opened(generate(prepared(experiment, tmp_path / label), experiment, name))["ensemble/prcp"].values
            for label, experiment in (("stacked", stacked), ("plain", plain))
        )
        np.testing.assert_allclose(one, other, rtol=1e-5, err_msg=name)


def test_a_baseline_that_does_not_exist_is_named(experiment_file, run, experiment):
    with pytest.raises(ExperimentError, match=r"generate\.baselines.*'climatologie'.*climatology"):
        load_experiment(experiment_file, ["generate.baselines=[climatologie]"])
    with pytest.raises(GenerationError, match=r"No system is called 'analogue'.*analogues"):
        generate(run, experiment, "analogue")
