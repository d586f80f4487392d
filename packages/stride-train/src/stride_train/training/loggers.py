"""TensorBoard and Weights & Biases as places where the history goes too; the libraries are optional extras."""

from __future__ import annotations

import importlib
import importlib.util
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stride_train.errors import ExperimentError
from stride_train.run_folder import RunFolder, write_text

_OF_TRAINING = ("images", "seconds", "learning_rate", "loss", "edm_loss", "gate_loss", "gradient_norm")


class Logger(Protocol):
    """Is told what the history is told."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Takes one row.

        Args:
            step: Optimiser steps done.
            values: By the history's columns.
        """
        ...

    def picture(self, step: int, name: str, path: Path) -> None:
        """Takes a PNG file."""
        ...

    def close(self) -> None:
        """Writes out what is still held back."""
        ...


def require_loggers(names: Sequence[str]) -> None:
    """Refuses loggers whose library is not installed.

    Raises:
        ExperimentError: Naming what to install.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise ExperimentError(
                f"train.loggers names '{name}', which is not installed: run pip install 'stride-train[{name}]', or "
                "leave it out."
            )


def open_loggers(
    names: Sequence[str], run: RunFolder, *, experiment: str, config: Mapping[str, Any], resume_at: int | None
) -> list[Logger]:
    """Starts the loggers of an experiment.

    Args:
        names: `tensorboard`, `wandb`.
        run: The run folder, in which they write.
        experiment: Its name.
        config: The resolved experiment, which W&B shows.
        resume_at: Step of the checkpoint that is resumed; None at the start of a training.

    Raises:
        ExperimentError: If a library is not installed or cannot start.
    """
    require_loggers(names)
    opened: list[Logger] = []
    for name in names:
        if name == "tensorboard":
            opened.append(TensorBoardLogger(run.tensorboard, resume_at))
        else:
            opened.append(WandbLogger(run.path, experiment, config, resume_at))
    return opened


def grouped(column: str) -> str:
    """A column of the history under the heading that it belongs to, `train/` or `val/`."""
    return f"{'train' if column in _OF_TRAINING else 'val'}/{column}"


class TensorBoardLogger:
    """Event files for TensorBoard, through torch's own writer."""

    def __init__(self, folder: Path, resume_at: int | None):
        """Begins an event file.

        Args:
            folder: Where it goes.
            resume_at: TensorBoard leaves out what earlier files say of steps after this one; of all steps when None.
        """
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=0 if resume_at is None else resume_at + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Takes one row."""
        for name, value in values.items():
            self._writer.add_scalar(grouped(name), value, step)

    def picture(self, step: int, name: str, path: Path) -> None:
        """Takes a PNG file."""
        from matplotlib.image import imread

        pixels = np.round(255 * imread(path)[..., :3]).astype(np.uint8)
        self._writer.add_image(name, pixels, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Writes out what is still held back."""
        self._writer.close()


class WandbLogger:
    """One run of Weights & Biases for one run folder, also over several sessions.

    Project, entity and mode are W&B's own environment variables (WANDB_PROJECT, WANDB_ENTITY, WANDB_MODE=offline); the
    project is `stride` where none is set.
    """

    def __init__(self, folder: Path, experiment: str, config: Mapping[str, Any], resume_at: int | None):
        """Begins a run, or goes on with that of an earlier session.

        Args:
            folder: The run folder.
            experiment: Name of the run.
            config: The resolved experiment.
            resume_at: Step of the checkpoint that is resumed; None begins a new run.

        Raises:
            ExperimentError: If W&B cannot start, such as without a login.
        """
        self._wandb = wandb = importlib.import_module("wandb")
        # An id of our own, since only a run whose id is known can be gone on with.
        remembered = folder / "wandb-id.txt"
        if resume_at is None or not remembered.is_file():
            write_text(remembered, f"{uuid.uuid4().hex[:12]}\n")
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "stride"),
                name=experiment,
                id=remembered.read_text(encoding="utf-8").strip(),
                resume="allow",
                dir=str(folder),
                config=dict(config),
            )
        except wandb.Error as error:
            raise ExperimentError(
                f"train.loggers: W&B cannot start ({' '.join(str(error).split())}): run wandb login, set "
                "WANDB_MODE=offline, or leave wandb out."
            ) from error

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Takes one row; W&B itself leaves out steps that it has had in an earlier session."""
        self._run.log({grouped(name): value for name, value in values.items()}, step=step)

    def picture(self, step: int, name: str, path: Path) -> None:
        """Takes a PNG file."""
        self._run.log({name: self._wandb.Image(str(path))}, step=step)

    def close(self) -> None:
        """Writes out what is still held back."""
        self._run.finish()
