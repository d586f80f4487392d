"""The RainGate from experiment file to saved ensemble: reliability, calibration, and what gating removes."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import Amount, ExperimentConfig
from stride_train.data import open_data
from stride_train.errors import ExperimentError, GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.gate_calibration import calibrate_gate
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.run import train
from stride_vars.ensemble_format import EnsembleAttrs


def changed(experiment: ExperimentConfig, section: str, **changes) -> ExperimentConfig:
    return experiment.model_copy(update={section: getattr(experiment, section).model_copy(update=changes)})


def start(experiment: ExperimentConfig, folder) -> RunFolder:
    run = RunFolder(folder)
    run.create()
    train(experiment, run, resume=False)
    return run


@pytest.fixture(scope="module", params=["conditioning", "conditioning_and_denoised"])
def gated(request, experiment, tmp_path_factory) -> tuple[ExperimentConfig, RunFolder]:
    """A run whose gate was trained long enough to tell wet from dry roughly."""
    config = changed(experiment, "model", use_rain_gate=True, gate_input=request.param)
    config = changed(config, "train", budget=Amount.parse("60steps"), learning_rate=1e-2, gate_weight=1.0)
    config = changed(
        config, "train", monitor=config.train.monitor.model_copy(update={"every": Amount.parse("60steps")})
    )
    return config, start(config, tmp_path_factory.mktemp("gated") / "run")


def test_reliability_stands_in_the_run_folder(gated):
    config, run = gated
    assert run.gate_reliability_picture.stat().st_size > 10_000
    with run.gate_reliability.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["target"] for row in rows} == {"fine.prcp"}
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = open_data(config, statistics=checkpoint.data["statistics"])
    times = adapter.times("val")
    assert sum(int(row["count"]) for row in rows) == len(times) * 16 * 16
    wet = np.mean([adapter.fields(time).target > 1.0 for time in times])
    observed = sum(int(row["count"]) * float(row["observed"]) for row in rows) / (len(times) * 256)
    assert observed == pytest.approx(wet, abs=1e-4)
    # Where the gate says "dry" it is, where it says "wet" it is.
    assert float(rows[0]["observed"]) < wet < float(rows[-1]["observed"])
    assert not list(run.path.glob(".*"))


def members(path) -> xr.DataArray:
    return xr.open_datatree(path, engine="zarr")["ensemble/prcp"]


def test_gating_removes_what_was_calibrated_and_says_so(gated, tmp_path):
    config, run = gated
    on = changed(config, "generate", remove_drizzle=True)
    plain, kept = (members(generate(run, c, folder=tmp_path / name)) for c, name in ((config, "off"), (on, "on")))
    lowered = kept.values != plain.values
    assert np.all(kept.values[lowered] == 0)
    attrs = EnsembleAttrs.from_attrs(xr.open_datatree(tmp_path / "on" / "edm.zarr", engine="zarr").attrs)
    said = attrs.sampler["gate"]
    assert (said["split"], said["cases"]) == ("val", 2)
    said = said["fine.prcp"]
    assert 0 <= said["probability"] <= 0.5
    assert said["removed_observed"] <= 0.005 and said["removed_generated"] <= 0.005
    more = changed(config, "generate", remove_drizzle=True, gate_removes_at_most=0.2)
    drier = members(generate(run, more, folder=tmp_path / "more")).values
    assert np.all(drier <= kept.values)
    assert drier.sum() < 0.999 * plain.values.sum()


def test_the_mean_of_the_calibration_cases_changes_by_what_is_stated(gated):
    config, run = gated
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = open_data(config, statistics=checkpoint.data["statistics"])
    options = changed(config, "generate", remove_drizzle=True, gate_removes_at_most=0.1, members=1).generate
    system = DiffusionSystem(checkpoint, adapter, options, seed=3)
    gate = system.description["gate"]["fine.prcp"]
    times = adapter.times("val")
    kept = np.stack([system.generate(time) for time in times])
    system.gate_probabilities = None
    plain = np.stack([system.generate(time) for time in times])
    assert 1 - kept.sum() / plain.sum() == pytest.approx(gate["removed_generated"], abs=0.003)
    assert gate["removed_generated"] <= 0.1
    calibration = calibrate_gate(
        system.denoiser, adapter, lambda time: system.generate(time)[0], removes_at_most=0.0, seed=3, precision=None
    )
    assert calibration.removed_observed == calibration.removed_generated == (0.0,)


def test_a_fixed_probability_needs_no_validation_times(gated, tmp_path):
    config, run = gated
    data = config.data.model_dump(mode="json")
    del data["splits"]["val"]
    bare = config.model_copy(update={"data": type(config.data).model_validate(data)})
    with pytest.raises(GenerationError, match=r"on the split 'val', which holds no observed times.*gate_probability"):
        generate(run, changed(bare, "generate", remove_drizzle=True), folder=tmp_path)
    assert not list(tmp_path.iterdir())
    sure = changed(bare, "generate", remove_drizzle=True, gate_probability=1.0)
    assert np.all(members(generate(run, sure, folder=tmp_path)) == 0)


def test_members_are_gated_alike_in_any_batch(gated, tmp_path):
    config, run = gated
    config = changed(config, "generate", remove_drizzle=True, gate_probability=0.4)
    reference = members(generate(run, config, folder=tmp_path / "a")).values
    other = members(generate(run, changed(config, "generate", batch_size=3), folder=tmp_path / "b")).values
    assert np.mean(np.abs(reference - other) > 1e-3) < 0.002


def test_a_larger_domain_is_gated_by_the_region_s_calibration(gated, tmp_path):
    config, run = gated
    whole = changed(config, "generate", domain="whole", gate_removes_at_most=0.2)
    on = changed(whole, "generate", remove_drizzle=True)
    plain, kept = (members(generate(run, c, folder=tmp_path / name)) for c, name in ((whole, "off"), (on, "on")))
    assert kept.shape[-2:] == (32, 32)
    lowered = kept.values != plain.values
    assert 0 < lowered.mean() < 1 and np.all(kept.values[lowered] == 0)
    crop = changed(config, "generate", remove_drizzle=True, gate_removes_at_most=0.2)
    generate(run, crop, folder=tmp_path / "crop")

    def said(name):
        return EnsembleAttrs.from_attrs(xr.open_datatree(tmp_path / name / "edm.zarr", engine="zarr").attrs).sampler

    assert said("on")["gate"] == said("crop")["gate"]


@pytest.mark.slow
def test_a_run_with_a_gate_resumes_exactly(experiment, tmp_path):
    config = changed(experiment, "model", use_rain_gate=True, gate_input="conditioning_and_denoised")
    config = changed(config, "train", decay_from=1.0, gate_reweighting=2.0)
    whole = start(config, tmp_path / "whole")
    half = start(changed(config, "train", budget=Amount.parse("6steps")), tmp_path / "half")
    train(config, half, resume=True)
    ours, theirs = (load_checkpoint(latest_checkpoint(run.checkpoints)) for run in (half, whole))
    assert all(torch.equal(ours.network[name], value) for name, value in theirs.network.items())
    assert half.gate_reliability.read_text() == whole.gate_reliability.read_text()


def test_reweighting_changes_the_loss_of_the_first_step_only_through_the_weights(experiment, tmp_path):
    def first(folder, **changes):
        config = changed(changed(experiment, "model", use_rain_gate=True), "train", budget=Amount.parse("1steps"))
        run = start(changed(config, "train", log_every=1, **changes), tmp_path / folder)
        return read_history(run.history)[0]

    plain, weighted = first("plain"), first("weighted", gate_reweighting=5.0)
    assert plain["gate_loss"] == weighted["gate_loss"]
    assert float(weighted["edm_loss"]) == pytest.approx(float(plain["edm_loss"]), rel=0.3)
    assert weighted["edm_loss"] != plain["edm_loss"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.gate_reweighting=1"], "gate_reweighting needs a RainGate; set model.use_rain_gate true"),
        (["model.use_rain_gate=true", "train.gate_reweighting=1", "train.gate_weight=0"], "gate_weight is 0; raise it"),
        (["model.gate_input=both"], "gate_input"),
    ],
)
def test_options_that_do_not_go_together_are_refused(experiment_file, overrides, message):
    with pytest.raises(ExperimentError, match=message):
        load_experiment(experiment_file, overrides)


def test_an_input_without_a_gate_is_refused(experiment, tmp_path):
    with pytest.raises(
        ExperimentError, match="gate_input conditioning_and_denoised is given but use_rain_gate is false"
    ):
        start(changed(experiment, "model", gate_input="conditioning_and_denoised"), tmp_path / "run")


def test_ensembles_of_before_the_gates_keys_are_kept(gated, tmp_path):
    config, run = gated
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    path = generate(copy, config)
    written = (path / "zarr.json").stat().st_mtime_ns
    generate(copy, changed(config, "generate", gate_removes_at_most=0.1))
    assert (path / "zarr.json").stat().st_mtime_ns == written
