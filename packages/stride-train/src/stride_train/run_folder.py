"""Where a run keeps what: one folder, the same names whether a person types each stage or `stride run` does."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stride_train.config import ExperimentConfig
from stride_train.errors import ExperimentError
from stride_train.experiments import dump_experiment, load_experiment


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved experiment."""
        return self.path / "config.yaml"

    @property
    def statistics(self) -> Path:
        """Offline statistics of the training split."""
        return self.path / "statistics.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def snapshots(self) -> Path:
        """Folder of snapshots of the power-function averages."""
        return self.path / "snapshots"

    @property
    def model_summary(self) -> Path:
        """The network in words: channels, grids, parameters and multiply-adds of its stages."""
        return self.path / "model.txt"

    @property
    def history(self) -> Path:
        """History of training, a row every few steps."""
        return self.path / "history.csv"

    @property
    def history_picture(self) -> Path:
        """Picture of the history."""
        return self.path / "history.png"

    @property
    def quicklooks(self) -> Path:
        """Folder of the monitors' pictures, one for each reading."""
        return self.path / "quicklooks"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files, where that is switched on."""
        return self.path / "tensorboard"

    @property
    def gate_reliability(self) -> Path:
        """Reliability of the RainGate on validation times, where there is one."""
        return self.path / "gate_reliability.csv"

    @property
    def gate_reliability_picture(self) -> Path:
        """Picture of it."""
        return self.path / "gate_reliability.png"

    @property
    def evaluation(self) -> Path:
        """Folder of scores, figures and the report."""
        return self.path / "evaluation"

    def ensemble(self, system: str) -> Path:
        """Saved ensemble of a system."""
        return self.path / "ensembles" / f"{system}.zarr"

    def create(self) -> None:
        """Makes the folder.

        Raises:
            ExperimentError: If the path is taken by a file or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ExperimentError(f"The run folder '{self.path}' is a file: name another with --out.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExperimentError(
                f"The run folder '{self.path}' cannot be made ({error.strerror}): name another with --out."
            ) from error
        if not os.access(self.path, os.W_OK):
            raise ExperimentError(f"The run folder '{self.path}' cannot be written to: name another with --out.")

    def save_config(self, config: ExperimentConfig) -> None:
        """Writes the resolved experiment, whole or not at all."""
        write_text(self.config, dump_experiment(config))

    def load_config(self, overrides: tuple[str, ...] | list[str] = ()) -> ExperimentConfig:
        """Reads the experiment of this run.

        Raises:
            ExperimentError: If the folder is not a run folder.
        """
        if not self.path.is_dir():
            raise ExperimentError(f"There is no run folder '{self.path}': train first, or check the path.")
        if not self.config.is_file():
            raise ExperimentError(
                f"'{self.path}' is no run folder (it has no config.yaml): name the folder that stride-train wrote."
            )
        return load_experiment(self.config, overrides)


def write_text(path: Path, text: str) -> None:
    """Writes a text file under a temporary name, then renames it, so that it is never half written."""
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
