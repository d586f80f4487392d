"""One network that serves several targets one at a time, told by a label which one."""

from collections import Counter

import numpy as np
import pytest
import torch
import xarray as xr
from stride_data.loaders import make_loader
from stride_model.noise_levels import LogNormal
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import Amount, GenerateConfig
from stride_train.data import open_data, prepare_statistics
from stride_train.errors import ExperimentError, GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.draw import draw_members
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_generator
from stride_train.training.history import read_history
from stride_train.training.objective import Objective
from stride_train.training.one_target import choose_targets
from stride_train.training.run import train
from stride_train.training.step_draws import draw_step
from stride_train.training.trainer import Trainer
from stride_vars.ensemble_format import EnsembleAttrs

ONE_AT_A_TIME = "model.targets_together=false"


def start(file, folder, *overrides):
    experiment = load_experiment(file, [ONE_AT_A_TIME, *overrides])
    run = RunFolder(folder)
    run.create()
    train(experiment, run, resume=False)
    return experiment, run


@pytest.fixture(scope="module")
def separate(two_targets_file, tmp_path_factory):
    return start(two_targets_file, tmp_path_factory.mktemp("runs") / "separate")


def drawing(experiment, **changes):
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update=changes)})


def open_store(path):
    return xr.open_datatree(path, engine="zarr")


def drawn_labels(shape, seed):
    return draw_step(LogNormal(), shape, torch.Generator().manual_seed(seed), one_target=True).labels


def test_the_drawn_target_comes_with_its_mask_and_number():
    target = torch.arange(6.0).reshape(2, 3, 1, 1).expand(2, 3, 4, 4)
    mask = target > 2  # the first sample is missing altogether
    for seed in range(5):
        labels = drawn_labels((2, 3, 4, 4), seed)
        drawn, observed = choose_targets(target, mask, labels)
        assert drawn.shape == observed.shape == (2, 1, 4, 4)
        assert labels.dtype == torch.int64
        assert drawn[:, 0, 0, 0].tolist() == [float(labels[0]), 3.0 + float(labels[1])]
        assert observed[:, 0].any(dim=(-2, -1)).tolist() == [False, True]
    assert choose_targets(target, None, labels)[1] is None


def test_every_target_is_drawn_as_often():
    counts = Counter(drawn_labels((9000, 3, 1, 1), seed=0).tolist())
    assert [counts[label] for label in range(3)] == pytest.approx([3000] * 3, abs=4 * (9000 * 2 / 9) ** 0.5)


def test_the_network_has_one_channel_and_a_label_for_each_target(separate):
    checkpoint = load_checkpoint(latest_checkpoint(separate[1].checkpoints))
    spec = checkpoint.spec
    assert (spec.out_channels, spec.use_film_vars, spec.film_labels) == (1, True, 2)
    assert checkpoint.network["label.linear.weight"].abs().max() > 0
    assert checkpoint.network["encoder.film_lr.linear.weight"].abs().max() > 0
    rows = read_history(separate[1].history)
    assert [row["step"] for row in rows if row["crps"]] == ["6", "12"]


def test_the_same_ensemble_is_saved_as_of_targets_together(separate):
    experiment, run = separate
    tree = open_store(generate(run, experiment))
    attrs = EnsembleAttrs.from_attrs(tree.attrs)
    assert attrs.targets == ("prcp", "t2m")
    assert attrs.sampler["targets_together"] is False
    assert attrs.sampler["network_calls_per_member"] == 2 * 2
    members = tree["ensemble"]
    assert [members[name].attrs["units"] for name in members.data_vars] == ["mm day-1", "K"]
    assert float(members["prcp"].min()) >= 0
    assert 240 < float(members["t2m"].mean()) < 320
    assert members["prcp"].shape == members["t2m"].shape == (2, 3, 16, 16)
    assert set(tree["pmm"].data_vars) == set(tree["target"].data_vars) == {"prcp", "t2m"}


def test_a_target_drawn_alone_or_in_other_batches_has_the_same_members(separate, tmp_path):
    experiment, run = separate
    whole = open_store(generate(run, experiment, folder=tmp_path / "whole"))
    alone = open_store(generate(run, drawing(experiment, targets=("fine.t2m",)), folder=tmp_path / "alone"))
    assert list(alone["ensemble"].data_vars) == ["t2m"]
    np.testing.assert_array_equal(alone["ensemble/t2m"], whole["ensemble/t2m"])
    assert EnsembleAttrs.from_attrs(alone.attrs).sampler["network_calls_per_member"] == 2
    batched = open_store(generate(run, drawing(experiment, batch_size=3), folder=tmp_path / "batched"))
    for name in ("prcp", "t2m"):
        np.testing.assert_allclose(batched[f"ensemble/{name}"], whole[f"ensemble/{name}"], rtol=1e-4, atol=1e-4)


def test_label_and_noise_are_the_targets_own(separate, monkeypatch):
    experiment, run = separate
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = open_data(experiment, statistics=checkpoint.data["statistics"])
    denoiser = DiffusionSystem(checkpoint, adapter, experiment.generate, seed=3).denoiser
    time, labels, seen = adapter.times("test")[0], [], []
    encode = denoiser.encode

    def spy(*fields, **options):
        labels.append(options["labels"].tolist())
        return encode(*fields, **options)

    monkeypatch.setattr(denoiser, "encode", spy)
    denoiser.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    draw_members(
        denoiser, adapter.sample(time), adapter, experiment.generate.sampler,
        seed=3, time=time, members=range(2), batch_size=2,
    )  # fmt: skip
    assert labels == [[0], [1]], "each target's conditioning is encoded once, with its label"
    prcp, t2m = seen[0], seen[3]  # where the sampler's three calls for each begin
    assert prcp.shape == t2m.shape == (2, 1, 16, 16)
    correlation = torch.corrcoef(torch.stack([prcp.flatten(), t2m.flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.2


def test_each_target_starts_from_its_own_field(separate):
    experiment, run = separate
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = open_data(experiment, statistics=checkpoint.data["statistics"])
    denoiser = DiffusionSystem(checkpoint, adapter, experiment.generate, seed=3).denoiser
    time, sigma = adapter.times("test")[0], 0.01
    fields = np.stack([np.full((16, 16), 0.5), np.full((16, 16), -0.5)]).astype(np.float32)
    members = draw_members(
        denoiser, adapter.sample(time), adapter, experiment.generate.sampler,
        seed=3, time=time, members=range(2), batch_size=2, start=(fields, sigma), targets=(1,),
    )  # fmt: skip
    assert members.shape == (2, 1, 16, 16)
    np.testing.assert_allclose(adapter.forward_target(np.repeat(members, 2, axis=1))[:, 1], -0.5, atol=6 * sigma)


def test_batches_and_labels_are_the_same_with_any_number_of_workers(separate):
    experiment, run = separate
    trainer = Trainer(
        experiment, prepare_statistics(experiment, run), load_checkpoint(latest_checkpoint(run.checkpoints)).spec, run
    )

    def losses(workers):
        loader = make_loader(trainer.adapter, "train", batch_size=4, seed=3, shuffle=True, num_workers=workers)
        objective: Objective = trainer.objective
        return [
            objective(batch, objective.draw(batch["target"].shape, derived_generator(3, "noise", k)))["edm"].item()
            for k, batch in enumerate(loader)
        ]

    assert losses(0) == losses(2)


@pytest.mark.slow
def test_a_resumed_run_equals_an_undisturbed_one_bit_for_bit(two_targets_file, separate, tmp_path):
    constant = "train.decay_from=1.0"
    whole, undisturbed = start(two_targets_file, tmp_path / "undisturbed", constant)
    half = whole.model_copy(update={"train": whole.train.model_copy(update={"budget": Amount.parse("6steps")})})
    run = RunFolder(tmp_path / "resumed")
    run.create()
    train(half, run, resume=False)
    train(whole, run, resume=True)
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    for section in ("network", "average"):
        for name, value in getattr(theirs, section).items():
            assert torch.equal(getattr(ours, section)[name], value), (section, name)


def test_weights_of_targets_act_on_the_samples_of_the_target(two_targets_file, tmp_path):
    def first_loss(name, weights):
        overrides = ["train.budget=1steps", "train.log_every=1", f"train.target_weights={weights}"]
        _, run = start(two_targets_file, tmp_path / name, *overrides)
        return float(read_history(run.history)[0]["edm_loss"])

    plain = first_loss("plain", "{}")
    one = first_loss("one", "{fine.prcp: 3.0}") - plain
    other = first_loss("other", "{fine.t2m: 3.0}") - plain
    assert one > 0 and other > 0 and abs(one - other) > 1e-4
    assert one + other == pytest.approx(2 * plain, rel=1e-4)


def test_a_checkpoint_goes_with_its_mode(separate):
    experiment, run = separate
    other = experiment.model_copy(update={"model": experiment.model.model_copy(update={"targets_together": True})})
    with pytest.raises(GenerationError, match=r"was trained with model\.targets_together: false, but the experiment"):
        generate(run, other)
    with pytest.raises(ExperimentError, match=r"model\.targets_together was False, is True"):
        train(other, run, resume=True)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["data.target=[fine.prcp]"], "targets_together: false is for several targets, and data.target names one"),
        (["model.use_rain_gate=true"], "use_rain_gate needs targets_together: true"),
    ],
)
def test_what_does_not_go_together_is_refused(two_targets_file, overrides, says):
    with pytest.raises(ExperimentError, match=says):
        load_experiment(two_targets_file, [ONE_AT_A_TIME, *overrides])


def test_a_larger_domain_by_tiles(separate):
    """Every target with its label in every tile; the same for a target whether the others are drawn or not."""
    experiment, run = separate
    asked = {**experiment.generate.model_dump(), "domain": "whole", "members": 2, "pmm": False}
    config = experiment.model_copy(update={"generate": GenerateConfig.model_validate(asked)})
    names = open_data(config, statistics=run.statistics).target_names
    both = open_store(generate(run, config, folder=run.path / "whole"))["ensemble"]
    assert all(field.shape == (2, 2, 32, 32) and field.std() > 0 for field in both.data_vars.values())
    one = drawing(config, targets=names[1:])
    alone = open_store(generate(run, one, folder=run.path / "one"))["ensemble"]
    (key,) = alone.data_vars
    np.testing.assert_array_equal(alone[key], both[key])
