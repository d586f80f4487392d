"""Snapshots of power-function averages: small safetensors files, written as training goes on.

A snapshot holds the averages of all lengths at one time, in half precision, with a header that says when they were
taken and of which training.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from stride_model.spec import ModelSpec

from stride_train.averages.power import lengths_in
from stride_train.errors import CheckpointError, TrainingError
from stride_train.provenance import content_id, package_versions
from stride_train.tensor_file import NOT_WRITTEN, write_tensors

FORMAT = "stride-snapshot"
FORMAT_VERSION = 1
_NAME = re.compile(r"^step_(\d{9})\.safetensors$")


@dataclass(frozen=True)
class StoredAverages:
    """Averages of one time: those of a snapshot, or of a checkpoint.

    Attributes:
        step: Optimiser steps done.
        images: Images seen.
        lengths: Relative widths sigma_rel of the averages, ascending.
        training: Id of the training, see `training_id`.
        read: Gives the tensors by their flat names (`0.05/<parameter>`).
        path: The file.
    """

    step: int
    images: int
    lengths: tuple[float, ...]
    training: str
    read: Callable[[], dict[str, torch.Tensor]]
    path: Path


def training_id(spec: ModelSpec, data: dict[str, Any], config: dict[str, Any]) -> str:
    """Id of a training, the same throughout it; two that could be mistaken for each other differ in it.

    Args:
        spec: The network.
        data: What the adapter says of itself.
        config: The resolved experiment.
    """
    options = config.get("train") or {}
    return content_id(
        {
            # Keys that later versions add have defaults that mean "as before".
            "spec": spec.model_dump(mode="json", exclude_defaults=True),
            "statistics": data.get("statistics_id"),
            "seed": config.get("seed"),
            **{key: options.get(key) for key in ("batch_size", "learning_rate")},
        }
    )


def save_snapshot(folder: Path, flat: dict[str, torch.Tensor], *, step: int, images: int, training: str) -> Path:
    """Writes a snapshot, whole or not at all; one of the same step is replaced.

    Args:
        folder: The run's folder of snapshots.
        flat: Averages by their flat names.
        step: Optimiser steps done.
        images: Images seen.
        training: Id of the training.

    Raises:
        TrainingError: If it cannot be written, such as on a full disk.
    """
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "step": step,
        "images": images,
        "lengths": lengths_in(list(flat)),
        "training": training,
        "versions": package_versions(),
    }
    path = folder / f"step_{step:09d}.safetensors"
    try:
        write_tensors(path, {name: _halved(value.detach().cpu()) for name, value in flat.items()}, json.dumps(header))
    except NOT_WRITTEN as error:
        raise TrainingError(
            f"The snapshot '{path}' cannot be written ({error}): make room, then go on with --resume, with fewer of "
            "train.snapshots if need be."
        ) from error
    return path


def _halved(value: torch.Tensor) -> torch.Tensor:
    # Half precision rounds by 1/2048, far less than averages of different lengths differ; it ends at 65504.
    half = value.half()
    return half if bool(half.isfinite().all()) else value


def list_snapshots(folder: Path) -> list[StoredAverages]:
    """Snapshots of a folder with what their headers say, oldest first; none when there is no such folder.

    Raises:
        CheckpointError: If a file is cut short, is no snapshot, or has a newer format.
    """
    return [_described(path) for path in _files(folder)]


def drop_snapshots_after(folder: Path, step: int) -> None:
    """Removes snapshots later than a step, and what a killed process left half written."""
    for path in _files(folder):
        if int(path.stem.removeprefix("step_")) > step:
            path.unlink()
    for path in folder.glob(".step_*.partial"):
        path.unlink()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step_*.safetensors") if _NAME.match(path.name))


def _described(path: Path) -> StoredAverages:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("stride", "null"))
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise CheckpointError(
            f"The snapshot '{path}' cannot be read, it was probably cut short ({error}): delete it, the others are "
            "then used."
        ) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is no snapshot of stride-train: move it out of that folder.")
    if header["format_version"] > FORMAT_VERSION:
        raise CheckpointError(
            f"The snapshot '{path}' has format {header['format_version']}, but this stride-train reads up to "
            f"{FORMAT_VERSION}: install stride-train {header['versions'].get('stride-train', 'of a newer version')} "
            "or newer."
        )
    return StoredAverages(
        step=header["step"],
        images=header["images"],
        lengths=tuple(header["lengths"]),
        training=header["training"],
        read=lambda: load_file(path),
        path=path,
    )
