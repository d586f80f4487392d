import json
import shutil

import pytest
import torch
import xarray as xr
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from stride_model.precondition import EDMDenoiser
from stride_train.averages.choice import choose_weights
from stride_train.averages.snapshots import drop_snapshots_after, list_snapshots, save_snapshot, training_id
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import Amount, GenerateConfig, MonitorConfig, TrainConfig
from stride_train.errors import CheckpointError, ExperimentError, GenerationError, TrainingError
from stride_train.experiments import parse_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.run import train
from stride_vars.ensemble_format import EnsembleAttrs

FLAT = {"0.05/a": torch.tensor([1.0, 2.5]), "0.1/a": torch.tensor([3.0, 1e6])}


def with_train(experiment, **changes):
    return experiment.model_copy(update={"train": experiment.train.model_copy(update=changes)})


def with_weights(experiment, weights):
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update={"weights": weights})})


def start(experiment, folder, resume=False):
    run = RunFolder(folder)
    run.create()
    train(experiment, run, resume=resume)
    return run


@pytest.fixture
def run(trained, tmp_path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_a_snapshot_is_listed_with_what_it_is_and_comes_back(tmp_path):
    for step in (20, 3):
        save_snapshot(tmp_path, FLAT, step=step, images=8 * step, training="t")
    found = list_snapshots(tmp_path)
    assert [(one.step, one.images, one.lengths, one.training) for one in found] == [
        (3, 24, (0.05, 0.1), "t"),
        (20, 160, (0.05, 0.1), "t"),
    ]
    tensors = found[0].read()
    assert tensors["0.05/a"].dtype == torch.float16 and tensors["0.05/a"].tolist() == [1.0, 2.5]
    assert tensors["0.1/a"].tolist() == [3.0, 1e6], "beyond half precision in single precision"
    assert len(list(tmp_path.iterdir())) == 2


def test_later_ones_and_half_written_ones_are_dropped(tmp_path):
    for step in (1, 2, 3):
        save_snapshot(tmp_path, FLAT, step=step, images=step, training="t")
    (tmp_path / ".step_000000004.safetensors.partial").write_bytes(b"half")
    drop_snapshots_after(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step_000000001.safetensors",
        "step_000000002.safetensors",
    ]
    drop_snapshots_after(tmp_path / "nowhere", 2)


def test_files_that_are_no_snapshots_give_one_sentence(tmp_path):
    path = save_snapshot(tmp_path, FLAT, step=1, images=1, training="t")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"cut short .*: delete it, the others are then used"):
        list_snapshots(tmp_path)
    save_file(FLAT, path)
    with pytest.raises(CheckpointError, match="is no snapshot of stride-train"):
        list_snapshots(tmp_path)
    newer = {"format": "stride-snapshot", "format_version": 9, "versions": {"stride-train": "7.0.0"}}
    save_file(FLAT, path, metadata={"stride": json.dumps(newer)})
    with pytest.raises(CheckpointError, match=r"has format 9, .* install stride-train 7\.0\.0 or newer"):
        list_snapshots(tmp_path)


def test_a_snapshot_that_cannot_be_written_stops_with_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(TrainingError, match=r"The snapshot .* cannot be written .* --resume"):
        save_snapshot(tmp_path / "taken", FLAT, step=1, images=1, training="t")


def test_training_leaves_snapshots_spread_over_its_budget(trained):
    found = list_snapshots(trained.snapshots)
    assert [one.step for one in found] == list(range(1, 13)), "one a step, where the budget has fewer steps than that"
    assert [one.images for one in found] == [4 * step for step in range(1, 13)]
    assert {one.training for one in found} == {found[0].training}
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    names = {name for name in checkpoint.power if name.startswith("0.05/")}
    assert names == {f"0.05/{name}" for name in checkpoint.network}
    last = found[-1].read()
    assert all(torch.equal(last[name], value.half()) for name, value in checkpoint.power.items())


def test_none_are_kept_where_none_are_asked_for(experiment, tmp_path):
    short = with_train(experiment, budget=Amount.parse("1steps"), monitor=MonitorConfig(cases=0))
    run = start(with_train(short, power_averages=()), tmp_path / "none")
    assert not run.snapshots.exists()
    with pytest.raises(GenerationError, match="There is no stored average of the weights"):
        generate(run, with_weights(experiment, 0.08))
    run = start(with_train(short, snapshots=0), tmp_path / "followed")
    assert not run.snapshots.exists()
    assert load_checkpoint(latest_checkpoint(run.checkpoints)).power


class Killed(BaseException):
    pass


def test_a_killed_training_ends_with_the_snapshots_of_an_undisturbed_one(experiment, tmp_path, monkeypatch):
    from stride_train.training.trainer import Trainer

    config = with_train(
        experiment, snapshots=8, checkpoint_every=Amount.parse("5steps"), monitor=MonitorConfig(cases=0)
    )
    undisturbed = start(config, tmp_path / "undisturbed")
    original = Trainer._step

    def dying(self, mine, counts, step, *rest):
        if step == 9:
            raise Killed
        return original(self, mine, counts, step, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", dying)
        with pytest.raises(Killed):
            start(config, tmp_path / "killed")
    run = RunFolder(tmp_path / "killed")
    steps = [one.step for one in list_snapshots(run.snapshots)]
    assert steps == [2, 3, 5, 6, 8, 9], "beyond the checkpoint of step 5"
    for path in run.snapshots.glob("step_00000000[69]*"):
        path.write_bytes(b"of another time line")
    train(config, run, resume=True)
    names = sorted(path.name for path in undisturbed.snapshots.iterdir())
    assert sorted(path.name for path in run.snapshots.iterdir()) == names and len(names) == 8
    for name in names:
        ours, theirs = load_file(run.snapshots / name), load_file(undisturbed.snapshots / name)
        assert all(torch.equal(ours[key], value) for key, value in theirs.items())
    ours, theirs = (load_checkpoint(latest_checkpoint(folder.checkpoints)) for folder in (run, undisturbed))
    assert all(torch.equal(ours.power[key], value) for key, value in theirs.power.items())


def test_a_folder_without_a_checkpoint_begins_without_old_snapshots(experiment, tmp_path):
    save_snapshot(tmp_path / "snapshots", FLAT, step=700, images=1, training="old")
    run = start(with_train(experiment, budget=Amount.parse("1steps"), monitor=MonitorConfig(cases=0)), tmp_path)
    assert [one.step for one in list_snapshots(run.snapshots)] == [1]


def test_a_run_of_before_goes_on_without_averages(run, experiment, capsys):
    path = latest_checkpoint(run.checkpoints)
    shutil.rmtree(run.snapshots)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("power.")}  # noqa: SIM118
    save_file(tensors, path, metadata=metadata)
    longer = with_train(experiment, budget=Amount.parse("14steps"), monitor=MonitorConfig(cases=0))
    train(longer, run, resume=True)
    assert "began without power-function averages" in capsys.readouterr().err
    assert not list_snapshots(run.snapshots)
    assert load_checkpoint(latest_checkpoint(run.checkpoints)).power == {}


def members(path):
    tree = xr.open_datatree(path, engine="zarr")
    return tree["ensemble/prcp"].values, EnsembleAttrs.from_attrs(tree.attrs).sampler


def test_a_generation_takes_the_length_that_is_asked_for_and_records_it(run, experiment, tmp_path):
    plain, sampler = members(generate(run, experiment))
    assert sampler["weights"] == "ema" and "average" not in sampler
    path = generate(run, with_weights(experiment, 0.08))
    found, sampler = members(path)
    assert abs(found - plain).max() > 0
    assert sampler["weights"] == 0.08
    assert [one["step"] for one in sampler["average"]["made_of"]] == list(range(1, 13))
    assert sampler["average"]["residual"] < 0.01
    written = (path / "zarr.json").stat().st_mtime_ns
    generate(run, with_weights(experiment, 0.08))
    assert (path / "zarr.json").stat().st_mtime_ns == written, "the same request is not made again"
    (run.snapshots / "step_000000007.safetensors").unlink()
    other, sampler = members(generate(run, with_weights(experiment, 0.08)))
    assert 7 not in [one["step"] for one in sampler["average"]["made_of"]]
    assert abs(other - found).max() > 0, "other snapshots make other weights, so it is made anew"


def test_the_checkpoint_alone_gives_the_lengths_that_were_followed(trained):
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    denoiser = EDMDenoiser(checkpoint.spec)
    choose_weights(checkpoint, 0.05).load_into(denoiser)
    state = denoiser.state_dict()
    assert all(torch.equal(state[name], checkpoint.power[f"0.05/{name}"]) for name in checkpoint.network)
    with pytest.raises(GenerationError, match=r"length 0\.03 .* cannot be made of the 2 stored ones"):
        choose_weights(checkpoint, 0.03)


def test_snapshots_of_another_training_are_refused(run, experiment):
    flat = {name: value.float() for name, value in list_snapshots(run.snapshots)[0].read().items()}
    save_snapshot(run.snapshots, flat, step=4, images=16, training="other")
    with pytest.raises(GenerationError, match=r"step_000000004.* is of another training than the checkpoint"):
        generate(run, with_weights(experiment, 0.08))
    assert generate(run, experiment), "nothing of it concerns the weights ema"


def test_a_training_is_known_by_what_it_learns_from_and_not_by_how_long(trained):
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))

    def known_as(**changes):
        return training_id(checkpoint.spec, checkpoint.data, {**checkpoint.config, **changes})

    train = checkpoint.config["train"]
    assert known_as() == list_snapshots(trained.snapshots)[0].training
    assert known_as(train={**train, "budget": "7h"}) == known_as()
    assert known_as(seed=99) != known_as()
    assert known_as(train={**train, "learning_rate": 1.0}) != known_as()


def test_averages_of_another_network_are_refused(trained):
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    name = next(iter(checkpoint.network))
    checkpoint.power[f"0.05/{name}.x"] = checkpoint.power.pop(f"0.05/{name}")
    with pytest.raises(GenerationError, match="are not those of the network"):
        choose_weights(checkpoint, 0.05).load_into(EDMDenoiser(checkpoint.spec))


@pytest.mark.parametrize("weights", ["emma", 0.9, 0, True, None, [0.1]])
def test_other_weights_are_refused(weights):
    with pytest.raises(ValueError, match="write ema, raw, or the length of an average"):
        GenerateConfig.model_validate({"weights": weights})


@pytest.mark.parametrize(("lengths", "message"), [([0.5], "at most 1/sqrt"), ([0.1, 0.1], "stands there twice")])
def test_other_lengths_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig.model_validate({"power_averages": lengths})


def test_a_wrong_length_in_a_file_is_one_sentence(experiment):
    content = experiment.model_dump(mode="json")
    content["generate"]["weights"] = 0.9
    with pytest.raises(ExperimentError, match=r"generate\.weights = 0\.9: write ema, raw, or the length of an average"):
        parse_experiment(content, "file.yaml")
