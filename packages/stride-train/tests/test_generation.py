import json
import shutil

import numpy as np
import pytest
import xarray as xr
from stride_train.config import ExperimentConfig, SamplerConfig
from stride_train.errors import CheckpointError, ExperimentError, GenerationError
from stride_train.generation.run import generate
from stride_train.generation.system import System
from stride_train.run_folder import RunFolder
from stride_vars.ensemble_format import EnsembleAttrs, validate_layout
from stride_vars.pmm import probability_matched_mean


def changed(experiment: ExperimentConfig, **changes) -> ExperimentConfig:
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update=changes)})


@pytest.fixture
def run(trained, tmp_path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def layout(tree: xr.DataTree) -> dict:
    return {node.path: {name: node[name].dims for name in node.data_vars} for node in tree.subtree if node.path != "/"}


def test_a_saved_ensemble_holds_everything_in_physical_units(run, experiment, archive):
    path = generate(run, experiment)
    tree = xr.open_datatree(path, engine="zarr")
    validate_layout(layout(tree), tree.attrs, need=("target", "pmm", "conditioning", "static"))
    attrs = EnsembleAttrs.from_attrs(tree.attrs)
    assert (attrs.system, attrs.seed, attrs.split, attrs.experiment) == ("edm", 3, "test", "tiny")
    assert attrs.sampler["network_calls_per_member"] == 3
    assert attrs.model_spec["out_channels"] == 1
    assert attrs.transforms
    assert attrs.package_versions["stride-train"]
    original = xr.open_dataset(archive / "fields.nc").isel(time=slice(12, 14), y=slice(8, 24), x=slice(8, 24))
    np.testing.assert_allclose(tree["target/prcp"], original.pr, rtol=1e-6)
    assert tree["target/prcp"].attrs["units"] == "mm day-1"
    np.testing.assert_array_equal(tree["ensemble"].time, original.time)
    np.testing.assert_allclose(tree["ensemble"].y, original.y)
    np.testing.assert_allclose(tree["static/orog"], original.height, rtol=1e-6)
    coarse = original.pr.coarsen(y=4, x=4).mean()
    np.testing.assert_allclose(tree["conditioning/prcp"], coarse, rtol=1e-5)
    np.testing.assert_allclose(tree["conditioning"].lr_y, coarse.y)
    members = tree["ensemble/prcp"]
    assert members.dims == ("time", "member", "y", "x")
    assert members.shape == (2, 3, 16, 16)
    assert np.all(members.values >= 0)
    for index in range(2):
        np.testing.assert_allclose(tree["pmm/prcp"][index], probability_matched_mean(members[index].values), rtol=1e-6)


def test_members_depend_on_seed_time_and_number_alone(run, experiment, tmp_path):
    def members(config, name):
        return xr.open_datatree(generate(run, config, folder=tmp_path / name), engine="zarr")["ensemble/prcp"].values

    reference = members(experiment, "a")
    np.testing.assert_allclose(members(changed(experiment, batch_size=3), "b"), reference, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(members(changed(experiment, members=4), "c")[:, :3], reference, rtol=1e-4, atol=1e-5)
    other = members(experiment.model_copy(update={"seed": 9}), "d")
    assert not np.allclose(other, reference)
    assert not np.allclose(reference[:, 0], reference[:, 1])


def test_a_finished_ensemble_is_kept_and_a_changed_request_is_made_anew(run, experiment):
    path = generate(run, experiment)
    before = (path / "zarr.json").stat().st_mtime_ns
    generate(run, experiment)
    assert (path / "zarr.json").stat().st_mtime_ns == before
    generate(run, changed(experiment, members=2))
    assert xr.open_datatree(path, engine="zarr")["ensemble/prcp"].sizes["member"] == 2
    assert [entry.name for entry in path.parent.iterdir()] == ["edm.zarr"]


class Broken(Exception):
    pass


def test_what_was_broken_off_goes_on_and_equals_an_undisturbed_run(run, experiment, tmp_path, monkeypatch):
    from stride_train.generation.diffusion import DiffusionSystem

    undisturbed = xr.open_datatree(generate(run, experiment, folder=tmp_path / "undisturbed"), engine="zarr")
    original, calls = DiffusionSystem.generate, []

    def failing(self: System, time: str, members=None):
        calls.append(time)
        if len(calls) == 2:
            raise Broken
        return original(self, time, members)

    monkeypatch.setattr(DiffusionSystem, "generate", failing)
    with pytest.raises(Broken):
        generate(run, experiment)
    assert not run.ensemble("edm").exists()
    path = generate(run, experiment)
    assert len(calls) == 5, "of four pieces the first is not drawn again"
    resumed = xr.open_datatree(path, engine="zarr")
    for group in ("ensemble", "pmm", "target", "conditioning", "static"):
        xr.testing.assert_identical(resumed[group].to_dataset(), undisturbed[group].to_dataset())


def test_baselines_go_through_the_same_writer(run, experiment):
    for name in ("interpolated", "quantile_mapping"):
        tree = xr.open_datatree(generate(run, experiment, name), engine="zarr")
        validate_layout(layout(tree), tree.attrs, need=("target",))
        assert tree["ensemble/prcp"].shape == (2, 1, 16, 16)
        assert "pmm" not in tree.children
        assert json.loads(tree.attrs["model_spec"]) is None
    interpolated = xr.open_datatree(run.ensemble("interpolated"), engine="zarr")
    error = np.abs(interpolated["ensemble/prcp"][:, 0] - interpolated["target/prcp"]).mean()
    assert error < interpolated["target/prcp"].std()


@pytest.mark.parametrize(
    ("sampler", "calls"),
    [({"method": "heun"}, 7), ({"method": "euler"}, 4), ({"method": "dpmpp_2m_sde", "eta": 0.5}, 4)],
)
def test_every_sampler_is_one_key(run, experiment, tmp_path, sampler, calls):
    def members(**options):
        config = changed(experiment, sampler=SamplerConfig(steps=4, **options))
        tree = xr.open_datatree(
            generate(run, config, folder=tmp_path / options.get("method", "default")), engine="zarr"
        )
        return tree["ensemble/prcp"].values, EnsembleAttrs.from_attrs(tree.attrs).sampler

    values, described = members(**sampler)
    assert described["method"] == sampler["method"] and described["network_calls_per_member"] == calls
    assert np.isfinite(values).all() and np.abs(values - members()[0]).max() > 1e-3


def test_churn_belongs_to_samplers_that_have_it():
    with pytest.raises(ValueError, match="s_churn belongs to heun and euler, not to dpmpp_2m"):
        SamplerConfig(method="dpmpp_2m", s_churn=5.0)


def test_removing_drizzle_needs_a_gate(run, experiment):
    with pytest.raises(GenerationError, match="needs a network with a RainGate"):
        generate(run, changed(experiment, remove_drizzle=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"split": "tset"}, r"names 'tset', which data.splits lacks.*test")],
)
def test_a_split_that_does_not_exist_is_named(run, experiment, change, message):
    with pytest.raises(GenerationError, match=message):
        generate(run, changed(experiment, **change))


def test_an_unknown_system_is_named(run, experiment):
    with pytest.raises(GenerationError, match=r"No system is called 'edmm'.*edm"):
        generate(run, experiment, "edmm")


def test_data_of_another_shape_than_the_checkpoint_are_refused(run, experiment):
    data = experiment.data.model_dump(mode="json")
    data["region"]["hr"] = {"y": 0, "x": 0, "height": 32, "width": 32}
    data["region"]["shuffle"] = None
    other = experiment.model_copy(update={"data": type(experiment.data).model_validate(data)})
    with pytest.raises(
        GenerationError, match=r"trained with target_hr_shape \(16, 16\), but data.region gives \(32, 32\)"
    ):
        generate(run, other)


def test_without_a_checkpoint_the_sentence_says_to_train(experiment, tmp_path):
    with pytest.raises(CheckpointError, match="train first"):
        generate(RunFolder(tmp_path), experiment)


def test_a_folder_that_is_no_run_folder_is_named(tmp_path):
    with pytest.raises(ExperimentError, match="is no run folder"):
        RunFolder(tmp_path).load_config()
    with pytest.raises(ExperimentError, match="There is no run folder"):
        RunFolder(tmp_path / "nowhere").load_config()
