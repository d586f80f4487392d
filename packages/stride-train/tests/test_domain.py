"""Generating more than the training crop: from the key of the experiment to the saved ensemble."""

import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from stride_data.errors import DataError
from stride_model.precondition import EDMDenoiser
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import GenerateConfig
from stride_train.data import open_data
from stride_train.errors import ExperimentError, GenerationError
from stride_train.experiments import dump_experiment, load_experiment
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.domain import generated_domain
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_vars.ensemble_format import EnsembleAttrs, validate_layout
from stride_vars.pmm import probability_matched_mean
from stride_vars.regions import Box

PART = {"y": 4, "x": 0, "height": 24, "width": 32}


def changed(experiment, **changes):
    asked = {**experiment.generate.model_dump(), **changes}
    return experiment.model_copy(update={"generate": GenerateConfig.model_validate(asked)})


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture(scope="module")
def adapter(trained, experiment):
    return open_data(experiment, statistics=trained.statistics)


def opened(path) -> xr.DataTree:
    return xr.open_datatree(path, engine="zarr")


def test_the_saved_ensemble_covers_the_domain(run, experiment, archive):
    tree = opened(generate(run, changed(experiment, domain=PART)))
    layout = {
        node.path: {name: node[name].dims for name in node.data_vars} for node in tree.subtree if node.path != "/"
    }
    validate_layout(layout, tree.attrs, need=("target", "pmm", "conditioning", "static"))
    original = xr.open_dataset(archive / "fields.nc").isel(time=slice(12, 14), y=slice(4, 28), x=slice(0, 32))
    members = tree["ensemble/prcp"]
    assert members.shape == (2, 3, 24, 32) and np.isfinite(members.values).all() and members.values.min() >= 0
    np.testing.assert_allclose(tree["ensemble"].y, original.y)
    np.testing.assert_allclose(tree["ensemble"].x, original.x)
    np.testing.assert_allclose(tree["target/prcp"], original.pr, rtol=1e-6)
    np.testing.assert_allclose(tree["static/orog"], original.height, rtol=1e-6)
    coarse = original.pr.coarsen(y=4, x=4).mean()
    np.testing.assert_allclose(tree["conditioning/prcp"], coarse, rtol=1e-5)
    np.testing.assert_allclose(tree["conditioning"].lr_x, coarse.x)
    np.testing.assert_allclose(tree["pmm/prcp"][1], probability_matched_mean(members[1].values), rtol=1e-6)
    attrs = EnsembleAttrs.from_attrs(tree.attrs)
    assert attrs.region.hr == Box(**PART) and attrs.region.lr == Box(y=1, x=0, height=6, width=8)
    assert attrs.sampler["tiles"] == {"rows": [0, 8], "columns": [0, 8, 16], "shape": [16, 16], "rim": 2}
    assert attrs.model_spec["target_hr_shape"] == [16, 16]


def test_whole_is_all_that_there_is(run, experiment):
    tree = opened(generate(run, changed(experiment, domain="whole", members=1, tiles={"overlap": 8})))
    assert tree["ensemble/prcp"].shape == (2, 1, 32, 32)
    assert EnsembleAttrs.from_attrs(tree.attrs).sampler["tiles"]["rows"] == [0, 8, 16]


def test_a_domain_of_the_crop_s_size_is_the_crop(run, experiment, tmp_path):
    """Not only the same size: the very same members, whether the box comes from data.region or from generate."""
    box = experiment.data.region.hr.model_dump(exclude_none=True)
    reference = opened(generate(run, experiment))
    same = opened(generate(run, changed(experiment, domain=box), folder=tmp_path / "same"))
    xr.testing.assert_identical(same["ensemble"].to_dataset(), reference["ensemble"].to_dataset())
    moved = opened(generate(run, changed(experiment, domain={**box, "y": 16}), folder=tmp_path / "moved"))
    assert moved["ensemble/prcp"].shape == (2, 3, 16, 16)
    assert float(moved["ensemble"].y[0]) == 16000.0


def test_members_depend_on_seed_time_and_number_alone(run, experiment, tmp_path):
    def members(name, **changes):
        config = changed(experiment, domain=PART, **changes)
        return opened(generate(run, config, folder=tmp_path / name))["ensemble/prcp"].values

    reference = members("a")
    for name, change in {"b": {"batch_size": 3}, "c": {"tiles": {"batch": 1}}, "d": {"members": 4}}.items():
        np.testing.assert_allclose(members(name, **change)[:, :3], reference, rtol=1e-4, atol=1e-4)
    assert np.abs(members("e", tiles={"overlap": 12}) - reference).max() > 1e-3, "the tiles matter"


def test_conditioning_of_a_case_is_encoded_once_per_tile(trained, experiment, adapter, monkeypatch):
    encoded = []
    encode = EDMDenoiser.encode

    def counted(self, dynamic, *rest, **named):
        encoded.append(dynamic.shape[0])
        return encode(self, dynamic, *rest, **named)

    monkeypatch.setattr(EDMDenoiser, "encode", counted)
    config = changed(experiment, domain=PART, tiles={"batch": 4}).generate
    domain = generated_domain(adapter, config)
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    system = DiffusionSystem(checkpoint, adapter, config, seed=0, domain=domain)
    assert system.generate(adapter.times("test")[0]).shape == (3, 1, 24, 32)
    assert encoded == [4, 2], "six tiles, for three members and five calls of the network each"


def test_every_tile_is_conditioned_by_what_lies_there(adapter, experiment, trained):
    """A tile's denoised field is that of a sample drawn at its place."""
    config = changed(experiment, domain=PART).generate
    domain = generated_domain(adapter, config)
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    system = DiffusionSystem(checkpoint, adapter, config, seed=0, domain=domain)
    from stride_train.generation.tiled import tile_samples

    time = adapter.times("test")[0]
    samples = tile_samples(adapter, time, domain.boxes)
    for number, (row, column) in enumerate(domain.tiling.corners):
        box = Box(y=4 + row, x=column, height=16, width=16)
        alone = adapter.sample(time, hr_box=box)
        np.testing.assert_array_equal(samples["cond_dynamic"][number], alone["cond_dynamic"])
        np.testing.assert_array_equal(samples["cond_static"][number], alone["cond_static"])
    assert samples["cond_time"] is None and samples["cond_context_dynamic"] is None
    assert system.tiled is not None
    with torch.no_grad():
        case = system.tiled.encode(*(torch.as_tensor(samples[key]) for key in ("cond_dynamic", "cond_static")))
        x, sigma = torch.zeros(1, 1, 24, 32), torch.tensor(1.0)
        alone = adapter.sample(time, hr_box=domain.boxes[0])
        maps = system.denoiser.encode(*(torch.as_tensor(alone[key])[None] for key in ("cond_dynamic", "cond_static")))
        corner = system.denoiser(x[..., :16, :16], sigma, maps)[..., :4, :4]
        torch.testing.assert_close(system.tiled(x, sigma, case)[..., :4, :4], corner, rtol=1e-5, atol=1e-6)


def test_baselines_cover_the_same_domain(run, experiment):
    config = changed(experiment, domain=PART)
    trees = {name: opened(generate(run, config, name)) for name in ("edm", "interpolated", "quantile_mapping")}
    for name in ("interpolated", "quantile_mapping"):
        assert trees[name]["ensemble/prcp"].shape == (2, 1, 24, 32)
        assert EnsembleAttrs.from_attrs(trees[name].attrs).region == EnsembleAttrs.from_attrs(trees["edm"].attrs).region
        xr.testing.assert_identical(trees[name]["target"].to_dataset(), trees["edm"]["target"].to_dataset())


def test_scale_control_starts_from_the_domain_s_field(run, experiment):
    config = changed(experiment, domain=PART, start={"sigma": 0.01})
    member = opened(generate(run, config))["ensemble/prcp"].values
    interpolated = opened(generate(run, config, "interpolated"))["ensemble/prcp"].values
    assert np.abs(member - interpolated).mean() < 0.1 * interpolated.std()


class Broken(Exception):
    pass


def test_what_was_broken_off_goes_on_and_equals_an_undisturbed_run(run, experiment, tmp_path, monkeypatch):
    config = changed(experiment, domain=PART)
    undisturbed = opened(generate(run, config, folder=tmp_path / "undisturbed"))
    original, calls = DiffusionSystem.generate, []

    def failing(self, time, members=None):
        calls.append(time)
        if len(calls) == 2:
            raise Broken
        return original(self, time, members)

    monkeypatch.setattr(DiffusionSystem, "generate", failing)
    with pytest.raises(Broken):
        generate(run, config)
    resumed = opened(generate(run, config))
    assert len(calls) == 5, "of four pieces the first is not drawn again"
    for group in ("ensemble", "pmm", "target", "conditioning", "static"):
        xr.testing.assert_identical(resumed[group].to_dataset(), undisturbed[group].to_dataset())


def test_another_domain_is_another_ensemble_and_the_crop_keeps_its_identity(run, experiment):
    path = generate(run, experiment)
    before = (path / "zarr.json").stat().st_mtime_ns
    generate(run, changed(experiment, tiles={"overlap": 8}))
    assert (path / "zarr.json").stat().st_mtime_ns == before, "tiles mean nothing without a domain"
    generate(run, changed(experiment, domain=PART))
    assert opened(path)["ensemble/prcp"].shape == (2, 3, 24, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"domain": {**PART, "height": 12}},
            r"generate\.domain: 12 x 32 cells are fewer .*16 x 16 \(data\.region\.hr\)",
        ),
        (
            {"domain": {**PART, "height": 22}},
            r"generate\.domain\.height: 22 cells are no whole number .*; use 20 or 24",
        ),
        (
            {"domain": {**PART, "height": 32}},
            r"generate\.domain: the box rows 4 to 35, .* leaves the domain rows 0 to 31",
        ),
        (
            {"domain": PART, "tiles": {"overlap": 16}},
            r"generate\.tiles\.overlap: 16 cells leave tiles .*: use at most 12",
        ),
    ],
)
def test_a_domain_that_cannot_be_is_refused_before_anything_is_written(run, experiment, change, message):
    with pytest.raises((DataError, GenerationError), match=message) as raised:
        generate(run, changed(experiment, **change))
    assert "\n" not in str(raised.value)
    assert not (run.path / "ensembles").exists()


def test_a_domain_that_cannot_be_is_refused_before_training(experiment, tmp_path):
    from stride_train.training.run import train

    run = RunFolder(tmp_path / "run")
    run.create()
    with pytest.raises(DataError, match=r"generate\.domain: 12 x 32 cells are fewer"):
        train(changed(experiment, domain={**PART, "height": 12}), run, resume=False)
    assert not run.checkpoints.exists() and not run.config.exists()


def test_the_key_is_read_overridden_and_written_back(experiment_file, tmp_path):
    experiment = load_experiment(experiment_file, ["generate.domain=whole", "generate.tiles.overlap=8"])
    assert experiment.generate.domain == "whole" and experiment.generate.tiles.overlap == 8
    boxed = load_experiment(experiment_file, ["generate.domain={south: 0, north: 31000, west: 0, east: 31000}"])
    (tmp_path / "again.yaml").write_text(dump_experiment(boxed))
    again = load_experiment(tmp_path / "again.yaml", [f"data.root={boxed.data.root}"])
    assert again.generate == boxed.generate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("generate.domain=all", r"generate\.domain = 'all': write whole, or a box such as"),
        ("generate.domain={y: 0, x: 0, heigth: 24, width: 24}", r"unknown key .*'generate\.domain\.heigth'.*height"),
        ("generate.domain={y: 0, x: 0}", r"generate\.domain = .*give a box either as"),
        ("generate.tiles.overlap=-1", r"generate\.tiles\.overlap = -1: "),
    ],
)
def test_a_wrong_key_is_named(experiment_file, text, message):
    with pytest.raises(ExperimentError, match=message) as raised:
        load_experiment(experiment_file, [text])
    assert "BoxConfig" not in str(raised.value)
