import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_train.checkpoint import (
    TrainingState,
    flatten_optimizer,
    latest_checkpoint,
    list_checkpoints,
    load_checkpoint,
    require_same_spec,
    restore_optimizer,
    save_checkpoint,
)
from stride_train.errors import CheckpointError

SPEC = ModelSpec(
    in_dynamic_channels=1,
    out_channels=1,
    cond_lr_shape=(4, 4),
    target_hr_shape=(16, 16),
    channels=(8,),
    blocks=1,
    lr_channels=8,
    lr_blocks=1,
    embedding_channels=16,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return EDMDenoiser(SPEC)


def save(folder, network, step=1, keep_last=2):
    weights = network.state_dict()
    return save_checkpoint(
        folder,
        spec=SPEC,
        network=weights,
        average={name: 2 * value for name, value in weights.items()},
        optimizer={"0.step": torch.tensor(3.0)},
        state=TrainingState(step, 8 * step, 1.5, False),
        data={"statistics_id": "abc", "names": {"target": ["a.b"]}},
        config={"seed": 1},
        keep_last=keep_last,
    )


def test_everything_comes_back(tmp_path, network):
    loaded = load_checkpoint(save(tmp_path, network))
    assert loaded.spec == SPEC
    assert loaded.state == TrainingState(1, 8, 1.5, False)
    assert loaded.data["statistics_id"] == "abc"
    assert loaded.versions["torch"] == torch.__version__.split("+")[0] or loaded.versions["torch"] == torch.__version__
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.network[name], value)
        assert torch.equal(loaded.average[name], 2 * value)
    EDMDenoiser(loaded.spec).load_state_dict(loaded.network)


def test_the_file_is_safetensors_with_json(tmp_path, network):
    with safe_open(save(tmp_path, network), framework="np") as file:
        header = json.loads(file.metadata()["stride"])
    assert header["format"] == "stride-checkpoint"


def test_the_last_ones_are_kept_and_nothing_else_is_left(tmp_path, network):
    for step in (1, 2, 3):
        save(tmp_path, network, step)
    assert [path.name for path in list_checkpoints(tmp_path)] == [
        "step_000000002.safetensors",
        "step_000000003.safetensors",
    ]
    assert len(list(tmp_path.iterdir())) == 2
    assert latest_checkpoint(tmp_path).name == "step_000000003.safetensors"


@pytest.mark.parametrize("keep", [0, 100, 0.5, -1])
def test_a_file_cut_short_gives_one_sentence(tmp_path, network, keep):
    path = save(tmp_path, network)
    content = path.read_bytes()
    length = int(keep * len(content)) if isinstance(keep, float) else keep
    path.write_bytes(content[:length])
    with pytest.raises(CheckpointError, match=r"cannot be read, it was probably cut short .* delete it"):
        load_checkpoint(path)


def test_other_safetensors_are_no_checkpoint(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="is no checkpoint of stride-train"):
        load_checkpoint(tmp_path / "other.safetensors")


def test_a_newer_format_says_what_to_install(tmp_path, network):
    header = {"format": "stride-checkpoint", "format_version": 99, "versions": {"stride-train": "7.0.0"}}
    save_file({"a": torch.zeros(1)}, tmp_path / "new.safetensors", metadata={"stride": json.dumps(header)})
    with pytest.raises(CheckpointError, match=r"has format 99, .* install stride-train 7\.0\.0 or newer"):
        load_checkpoint(tmp_path / "new.safetensors")


def test_a_spec_of_before_with_one_margin_for_all_sides(tmp_path, network):
    path = save(tmp_path, network)
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["stride"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del header["spec"]["lr_margins"]
    header["spec"]["lr_margin"] = 1
    save_file(tensors, path, metadata={"stride": json.dumps(header)})
    assert load_checkpoint(path).spec == SPEC.model_copy(update={"lr_margins": (1, 1, 1, 1)})


def test_a_missing_one_says_to_train(tmp_path):
    with pytest.raises(CheckpointError, match="train first"):
        latest_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "step_000000001.safetensors")


def test_a_checkpoint_of_another_spec_names_what_differs(tmp_path, network):
    loaded = load_checkpoint(save(tmp_path, network))
    require_same_spec(loaded, SPEC.model_copy(update={"sigma_data": 7.0}))
    with pytest.raises(
        CheckpointError, match=r"in_dynamic_channels 1 against 5.*use the experiment it was trained with"
    ):
        require_same_spec(loaded, SPEC.model_copy(update={"in_dynamic_channels": 5}))


def test_the_optimizer_goes_on_as_if_it_had_not_been_saved(network):
    def step(model, optimizer):
        optimizer.zero_grad()
        sum(parameter.square().sum() for parameter in model.parameters()).backward()
        optimizer.step()

    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    step(network, optimizer)
    twin = EDMDenoiser(SPEC)
    twin.load_state_dict(network.state_dict())
    restored = torch.optim.AdamW(twin.parameters(), lr=1e-2)
    restore_optimizer(restored, flatten_optimizer(optimizer))
    step(network, optimizer)
    step(twin, restored)
    for mine, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, theirs)
