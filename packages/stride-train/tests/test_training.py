import pytest
import torch
from stride_data.loaders import make_loader
from stride_data.store.prepare import plan_store, prepare_store
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_train.checkpoint import latest_checkpoint, list_checkpoints, load_checkpoint
from stride_train.config import Amount
from stride_train.data import open_data, prepare_statistics
from stride_train.errors import CheckpointError, ExperimentError, TrainingError
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_generator
from stride_train.training.history import read_history
from stride_train.training.run import train, training_finished


def with_train(experiment, **changes):
    return experiment.model_copy(update={"train": experiment.train.model_copy(update=changes)})


def start(experiment, folder, **options):
    run = RunFolder(folder)
    run.create()
    return run, train(experiment, run, resume=options.get("resume", False))


def without_time(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_a_run_folder_holds_what_is_needed_to_go_on(trained, experiment):
    assert sorted(path.name for path in trained.path.iterdir()) == [
        "checkpoints",
        "config.yaml",
        "history.csv",
        "history.png",
        "model.txt",
        "snapshots",
        "statistics.json",
    ]
    assert trained.load_config() == experiment
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    assert (checkpoint.state.step, checkpoint.state.images, checkpoint.state.finished) == (12, 48, True)
    assert checkpoint.data["channels"]["target"][0]["name"] == "fine.prcp"
    assert checkpoint.data["statistics"]["variables"]["fine.prcp"]["n"] > 0
    assert 0.5 < checkpoint.spec.sigma_data < 1.5
    assert training_finished(experiment, trained)


def test_the_run_folder_says_what_the_network_is(trained):
    lines = trained.model_summary.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "HR 16 x 16 in patches of 2 x 2, padded to 16 x 16; LR 4 x 4"
    assert any(line.startswith("network.encoder.1") for line in lines)
    assert lines[-2].endswith("multiply-adds per call of the network and member")


def test_the_monitors_stand_in_the_history(trained):
    rows = read_history(trained.history)
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "10", "12"]
    monitored = [row for row in rows if row["crps"]]
    assert [row["step"] for row in monitored] == ["6", "12"]
    assert 0 < float(monitored[-1]["wet_fraction_observed"]) < 1


def test_the_averaged_weights_denoise_better_than_the_first_ones(experiment, tmp_path):
    budget = {"budget": Amount.parse("60steps"), "learning_rate": 5e-3, "warmup_steps": 5, "batch_size": 8}
    run, _ = start(with_train(experiment, **budget, ema_halflife_images=40), tmp_path)
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = prepare_statistics(experiment, run)
    batch = next(iter(make_loader(adapter, "train", batch_size=10, seed=0, shuffle=True)))

    def loss(weights):
        denoiser = EDMDenoiser(checkpoint.spec)
        if weights:
            denoiser.load_state_dict(weights)
        with torch.no_grad():
            parts = EDMLoss(LogNormal(-0.4, 1.4))(
                denoiser, batch["target"], batch["cond_dynamic"], batch["cond_static"], generator=derived_generator(0)
            )
        return float(parts.edm)

    assert loss(checkpoint.average) < 0.9 * loss(None)


def test_a_resumed_run_equals_an_undisturbed_one_bit_for_bit(trained, experiment, tmp_path):
    half = with_train(experiment, budget=Amount.parse("6steps"), decay_from=1.0)
    whole = with_train(experiment, decay_from=1.0)
    undisturbed, _ = start(whole, tmp_path / "undisturbed")
    run, _ = start(half, tmp_path / "resumed")
    assert not training_finished(whole, run)
    train(whole, run, resume=True)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    assert ours.state.step == theirs.state.step == 12
    for section in ("network", "average", "optimizer"):
        for name, value in getattr(theirs, section).items():
            assert torch.equal(getattr(ours, section)[name], value), (section, name)
    assert without_time(read_history(run.history)) == without_time(read_history(undisturbed.history))


def test_a_prepared_store_may_replace_the_archive_between_sessions(experiment, tmp_path):
    """The same batches, so the same weights, bit for bit; and a finished ensemble is not made again."""
    whole = with_train(experiment, decay_from=1.0)
    undisturbed, _ = start(whole, tmp_path / "undisturbed")
    run, _ = start(with_train(experiment, decay_from=1.0, budget=Amount.parse("6steps")), tmp_path / "resumed")
    plan = plan_store(open_data(experiment))
    prepare_store(plan, tmp_path / "store.zarr")
    data = experiment.data.model_copy(update={"store": str(tmp_path / "store.zarr"), "root": "/nowhere"})
    stored = whole.model_copy(update={"data": data})
    train(stored, run, resume=True)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    for name, value in theirs.network.items():
        assert torch.equal(ours.network[name], value), name
    first = generate(run, stored)
    written = (first / "zarr.json").stat().st_mtime_ns
    assert generate(run, whole) == first
    assert (first / "zarr.json").stat().st_mtime_ns == written


def test_a_balanced_loss_resumes_exactly_too(experiment, tmp_path):
    options = {"uncertainty_weighting": True, "noise_levels": "loguniform", "decay_from": 1.0}
    whole = with_train(experiment, **options)
    undisturbed, _ = start(whole, tmp_path / "undisturbed")
    run, _ = start(with_train(experiment, **options, budget=Amount.parse("6steps")), tmp_path / "resumed")
    train(whole, run, resume=True)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    assert theirs.uncertainty["linear.weight"].abs().max() > 0
    for section in ("network", "uncertainty"):
        for name, value in getattr(theirs, section).items():
            assert torch.equal(getattr(ours, section)[name], value), (section, name)


def test_weights_of_targets_change_the_loss(experiment, tmp_path):
    def first_loss(folder, **changes):
        run, _ = start(with_train(experiment, budget=Amount.parse("1steps"), log_every=1, **changes), tmp_path / folder)
        return float(read_history(run.history)[0]["edm_loss"])

    plain, doubled = first_loss("plain"), first_loss("doubled", target_weights={"fine.prcp": 2.0})
    assert doubled == pytest.approx(2 * plain, rel=1e-5)  # the history keeps six digits


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(trained, experiment, tmp_path):
    reference = load_checkpoint(latest_checkpoint(trained.checkpoints)).network
    same, _ = start(experiment, tmp_path / "same")
    other, _ = start(experiment.model_copy(update={"seed": 4}), tmp_path / "other")
    assert all(
        torch.equal(v, reference[k]) for k, v in load_checkpoint(latest_checkpoint(same.checkpoints)).network.items()
    )
    different = load_checkpoint(latest_checkpoint(other.checkpoints)).network
    assert not all(torch.equal(value, reference[name]) for name, value in different.items())


def test_a_trained_run_is_not_overwritten(trained, experiment):
    with pytest.raises(ExperimentError, match=r"already holds a trained model: add --resume"):
        train(experiment, trained, resume=False)


def test_resuming_another_experiment_names_the_key(trained, experiment):
    wider = experiment.model_copy(update={"model": experiment.model.model_copy(update={"channels": (8, 24)})})
    with pytest.raises(ExperimentError, match=r"model\.channels was \[8, 16\], is \[8, 24\]"):
        train(wider, trained, resume=True)


def test_resuming_nothing_says_to_train(experiment, tmp_path):
    with pytest.raises(CheckpointError, match="train first"):
        train(experiment, RunFolder(tmp_path), resume=True)


def test_a_loss_that_is_not_finite_stops_with_the_times_and_keeps_the_checkpoint(experiment, tmp_path):
    broken = with_train(
        experiment, learning_rate=1e30, gradient_clip=1e30, warmup_steps=0, checkpoint_every=Amount.parse("1steps")
    )
    run = RunFolder(tmp_path)
    run.create()
    with pytest.raises(TrainingError, match=r"not finite at step \d+ \(times 2001-01-"):
        train(broken, run, resume=False)
    assert list_checkpoints(run.checkpoints)
    assert not list(run.checkpoints.glob(".*"))


def test_a_time_budget_ends_training(experiment, tmp_path):
    timed = with_train(experiment, budget=Amount.parse("2s"))
    run, result = start(timed, tmp_path)
    assert result.state.finished
    assert result.state.step > 0
    assert training_finished(timed, run)
    assert not training_finished(with_train(timed, budget=Amount.parse("1h")), run)


def test_the_gate_is_trained_behind_its_flag(experiment, tmp_path):
    gated = experiment.model_copy(update={"model": experiment.model.model_copy(update={"use_rain_gate": True})})
    run, _ = start(gated, tmp_path)
    assert all(float(row["gate_loss"]) > 0 for row in read_history(run.history))
    assert load_checkpoint(latest_checkpoint(run.checkpoints)).spec.gated_channels == (0,)
