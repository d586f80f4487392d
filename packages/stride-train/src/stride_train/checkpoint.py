"""Checkpoints: one safetensors file that carries everything needed to generate or to go on training.

Tensors stand under the prefixes `network.`, `average.`, `optimizer.`, `uncertainty.` and `power.`; the header holds one
JSON text with the model spec, the data's description (variables, transforms, statistics), the training state, the
config and versions. Loading reads numbers and JSON only, so it never executes code. A file is written under a temporary
name and renamed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from stride_model.spec import ModelSpec

from stride_train.errors import CheckpointError
from stride_train.provenance import content_id, package_versions
from stride_train.sharding import shared_out_as
from stride_train.tensor_file import NOT_WRITTEN, write_tensors
from stride_train.training.judged_reading import JudgedReading

FORMAT = "stride-checkpoint"
FORMAT_VERSION = 1
_NAME = re.compile(r"^step_(\d{9})\.safetensors$")
_SECTIONS = ("network", "average", "optimizer", "uncertainty", "power")


@dataclass(frozen=True)
class TrainingState:
    """How far training is.

    Attributes:
        step: Optimiser steps done.
        images: Images seen.
        seconds: Wall-clock time spent, over all sessions.
        finished: Whether the budget was used up.
    """

    step: int = 0
    images: int = 0
    seconds: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a checkpoint holds.

    Attributes:
        spec: The network's spec.
        network: State dict of the network.
        average: State dict of the averaged weights.
        optimizer: Optimiser state, flat: `<parameter index>.<name>` to tensor.
        uncertainty: State dict of what balances the noise levels; empty where nothing does.
        state: How far training was.
        data: What the adapter says of itself: variables, transforms, statistics, region, splits.
        config: The resolved experiment.
        versions: Package versions of the writer.
        id: Id of spec, data, config and state.
        reading: What the monitors read of its averaged weights, by which checkpoints are compared; None when they did
            not look at this step.
        path: The file, once written or read.
        power: Power-function averages, flat: `<length>/<parameter>` to tensor; empty where none are followed.
    """

    spec: ModelSpec
    network: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    uncertainty: dict[str, torch.Tensor]
    state: TrainingState
    data: dict[str, Any]
    config: dict[str, Any]
    versions: dict[str, str]
    id: str
    reading: JudgedReading | None = None
    path: Path | None = None
    power: dict[str, torch.Tensor] = field(default_factory=dict)


def checkpoint_id(spec: ModelSpec, data: dict[str, Any], config: dict[str, Any], state: TrainingState) -> str:
    """Id of a checkpoint, made from what determines its weights."""
    return content_id(
        {
            "spec": spec.model_dump(mode="json"),
            "statistics": data.get("statistics_id"),
            "seed": config.get("seed"),
            "train": config.get("train"),
            "data": config.get("data"),
            "step": state.step,
        }
    )


def save_checkpoint(
    folder: Path,
    *,
    spec: ModelSpec,
    network: dict[str, torch.Tensor],
    average: dict[str, torch.Tensor],
    optimizer: dict[str, torch.Tensor],
    state: TrainingState,
    data: dict[str, Any],
    config: dict[str, Any],
    keep_last: int,
    uncertainty: dict[str, torch.Tensor] | None = None,
    power: dict[str, torch.Tensor] | None = None,
    reading: JudgedReading | None = None,
) -> Path:
    """Writes a checkpoint, whole or not at all, and removes those older than the last `keep_last`, but for the best.

    Returns:
        The file written, `folder/step_<9 digits>.safetensors`.

    Raises:
        CheckpointError: If it cannot be written, such as on a full disk; those from before are kept.
    """
    tensors = {
        f"{section}.{name}": value
        for section, values in zip(
            _SECTIONS, (network, average, optimizer, uncertainty or {}, power or {}), strict=True
        )
        for name, value in values.items()
    }
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": checkpoint_id(spec, data, config, state),
        "spec": spec.model_dump(mode="json"),
        "state": state.__dict__,
        "data": data,
        "config": config,
        "versions": package_versions(),
        **({} if reading is None else {"reading": {"monitor": reading.monitor, "value": reading.value}}),
    }
    path = folder / f"step_{state.step:09d}.safetensors"
    try:
        write_tensors(path, tensors, json.dumps(header))
    except NOT_WRITTEN as error:
        raise CheckpointError(
            f"The checkpoint '{path}' cannot be written ({error}): make room or mend that, then go on with --resume; "
            "the one before it is kept."
        ) from error
    older = list_checkpoints(folder)[:-keep_last]
    best = find_best(folder, None if reading is None else reading.monitor) if older else None
    for old in older:
        if old != best:
            old.unlink()
    return path


def list_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("step_*.safetensors") if _NAME.match(path.name))


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint of a folder.

    Raises:
        CheckpointError: If there is none.
    """
    found = list_checkpoints(folder)
    if not found:
        raise CheckpointError(f"There is no checkpoint in '{folder}': train first, with stride-train.")
    return found[-1]


def find_best(folder: Path, monitor: str | None = None) -> Path | None:
    """The checkpoint of a folder with the best reading of the monitors; the earlier one of two that are equal.

    Args:
        folder: Of checkpoints.
        monitor: Which reading; that of the newest checkpoint with one when None, since readings of different kinds do
            not compare.

    Returns:
        The file; None when no checkpoint has such a reading.
    """
    readings = [(reading, path) for path in list_checkpoints(folder) if (reading := _reading_of(path)) is not None]
    monitor = readings[-1][0].monitor if readings and monitor is None else monitor
    same = [(reading.distance, path) for reading, path in readings if reading.monitor == monitor]
    return min(same, default=(None, None))[1]


def best_checkpoint(folder: Path) -> Path:
    """The checkpoint of a folder with the best reading of the monitors.

    Raises:
        CheckpointError: If there is none.
    """
    latest_checkpoint(folder)
    found = find_best(folder)
    if found is None:
        raise CheckpointError(
            f"No checkpoint in '{folder}' was judged by the monitors (they need data.splits.val and "
            "train.monitor.cases): take the last one, with generate.checkpoint: last."
        )
    return found


def _reading_of(path: Path) -> JudgedReading | None:
    """The reading in a checkpoint's header; None when there is none or the file cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("stride", "null"))
    except (SafetensorError, json.JSONDecodeError, OSError):
        return None
    return _reading(header) if isinstance(header, dict) else None


def _reading(header: dict[str, Any]) -> JudgedReading | None:
    found = header.get("reading")
    return None if found is None else JudgedReading(found["monitor"], found["value"], header["state"]["step"])


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint without executing any code from it.

    Raises:
        CheckpointError: If the file is missing, cut short, not a checkpoint, or of a newer format.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint '{path}': check the path, or train first with stride-train.")
    sections: dict[str, dict[str, torch.Tensor]] = {section: {} for section in _SECTIONS}
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("stride", "null"))
            for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
                section, _, rest = name.partition(".")
                if section in sections:
                    sections[section][rest] = file.get_tensor(name)
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise CheckpointError(
            f"The checkpoint '{path}' cannot be read, it was probably cut short ({error}): delete it, the one before "
            "it is then used.",
            cut_short=True,
        ) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is no checkpoint of stride-train: name one that it wrote.")
    if header["format_version"] > FORMAT_VERSION:
        raise CheckpointError(
            f"The checkpoint '{path}' has format {header['format_version']}, but this stride-train reads up to "
            f"{FORMAT_VERSION}: install stride-train {header['versions'].get('stride-train', 'of a newer version')} "
            "or newer."
        )
    try:
        spec = ModelSpec.model_validate(_current(header["spec"]))
    except (ValidationError, ValueError) as error:
        raise CheckpointError(
            f"The checkpoint '{path}' holds a model spec that this stride-model does not know: install the versions it "
            f"was written with ({header['versions']})."
        ) from error
    return Checkpoint(
        spec=spec,
        state=TrainingState(**header["state"]),
        data=header["data"],
        config=header["config"],
        versions=header["versions"],
        id=header["id"],
        reading=_reading(header),
        path=path,
        **sections,
    )


def _current(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec as it is written today; before, one `lr_margin` stood for all four sides."""
    if "lr_margin" not in spec:
        return spec
    others = {name: value for name, value in spec.items() if name != "lr_margin"}
    return {**others, "lr_margins": [spec["lr_margin"]] * 4}


def require_same_spec(checkpoint: Checkpoint, spec: ModelSpec) -> None:
    """Refuses a checkpoint of another network than the experiment assembles.

    Raises:
        CheckpointError: Naming every field that differs, with both values.
    """
    theirs, ours = checkpoint.spec.model_dump(), spec.model_dump()
    # Some is measured on the data; a checkpoint brings its own.
    measured = ("sigma_data", "fine_scale_std")
    different = [name for name in ours if name not in measured and theirs.get(name) != ours[name]]
    if different:
        listed = ", ".join(f"{name} {theirs.get(name)} against {ours[name]}" for name in different)
        raise CheckpointError(
            f"The checkpoint '{checkpoint.path}' was made for another model than this experiment describes ({listed}): "
            "use the experiment it was trained with, or another --out."
        )


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Per-parameter state of an optimiser as flat tensors, `<index>.<name>`."""
    return {
        f"{index}.{name}": value if isinstance(value, torch.Tensor) else torch.as_tensor(value)
        for index, entries in optimizer.state_dict()["state"].items()
        for name, value in entries.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, torch.Tensor]) -> None:
    """Puts flat tensors of `flatten_optimizer` back into an optimiser of the same parameters."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for key, value in flat.items():
        index, _, name = key.partition(".")
        parameter = parameters[int(index)]
        # A parameter may be shared out over processes; its moments are then in the same shares.
        mine = shared_out_as(parameter.detach(), value) if value.shape == parameter.shape else value
        state.setdefault(int(index), {})[name] = mine.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
