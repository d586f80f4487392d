"""The history of a training: a CSV file that grows, and loggers that are told the same."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from stride_train.training.loggers import Logger
from stride_train.training.monitors import target_column

COLUMNS: tuple[str, ...] = (
    "step",
    "images",
    "seconds",
    "learning_rate",
    "loss",
    "edm_loss",
    "gate_loss",
    "gradient_norm",
    "crps",
    "wet_fraction",
    "wet_fraction_observed",
    "spread_skill",
    "spectrum_ratio",
    "bias",
    "bias_percent",
)
"""Columns of every history."""

_OF_TARGETS = COLUMNS[COLUMNS.index("crps") :]


class History:
    """Rows of (step, images, seconds, ...), appended to a CSV file as they come.

    Attributes:
        path: The CSV file.
    """

    def __init__(
        self,
        path: Path,
        *,
        resume_at: int | None = None,
        targets: Sequence[str] = (),
        loggers: Sequence[Logger] = (),
    ):
        """Opens a history.

        Args:
            path: The CSV file.
            resume_at: Continue an existing file: rows after this step (written after the checkpoint that is resumed)
                are dropped. None starts anew.
            targets: Names of the targets; of several, each has columns of its own for what the monitors read.
            loggers: Are told every row that is added.
        """
        self.path, self.loggers = path, loggers
        rows = [] if resume_at is None else [row for row in read_history(path) if int(row["step"]) <= resume_at]
        several = (
            [target_column(column, name) for name in targets for column in _OF_TARGETS] if len(targets) > 1 else []
        )
        # A file of another version may lack columns, or have some that this one does not know.
        self.columns = tuple(dict.fromkeys([*COLUMNS, *several, *(rows[0] if rows else ())]))
        temporary = path.with_name(f".{path.name}.partial")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(path)

    def append(self, **values: float | int) -> dict[str, str]:
        """Adds one row; columns that are not given stay empty.

        Returns:
            The row as the file holds it.
        """
        row = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in values.items()}
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)
        for logger in self.loggers:
            logger.log(int(values["step"]), {name: float(value) for name, value in values.items() if name != "step"})
        return row


def read_history(path: Path) -> list[dict[str, str]]:
    """Rows of a history file; none when the file does not exist. A last line that was cut short is left out."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        lines = file.readlines()
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(lines)]
