"""Judging a training by one reading of the monitors: which one was the best, and when to wait no longer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stride_train.config import TrainConfig
from stride_train.training.judged_reading import JudgedReading


class EarlyStopping:
    """Follows one column of the history.

    Its state is a function of the rows as the history file holds them and of nothing else, so that a resumed training
    stops at the very step at which the undisturbed one would have.

    Attributes:
        monitor: The column.
        best: The best reading so far.
    """

    def __init__(self, train: TrainConfig, rows: Iterable[Mapping[str, str]] = ()):
        """Takes in what was read before.

        Args:
            train: What to judge by, and how long to wait.
            rows: The history so far.
        """
        self.monitor, self.config = train.judged_by, train.early_stopping
        self.best: JudgedReading | None = None
        self._reference: JudgedReading | None = None
        self._waited = 0
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, str]) -> JudgedReading | None:
        """Takes in one row of the history.

        Args:
            row: As the history file holds it.

        Returns:
            Its reading; None when it has none.
        """
        if not row.get(self.monitor):
            return None
        reading = JudgedReading(self.monitor, float(row[self.monitor]), int(row["step"]))
        if reading.distance < (math.inf if self.best is None else self.best.distance):
            self.best = reading
        least = 0.0 if self.config is None else self.config.min_delta
        if self._reference is None or reading.distance < self._reference.distance - least:
            self._reference, self._waited = reading, 0
        else:
            self._waited += 1
        return reading

    def is_best(self, reading: JudgedReading | None) -> bool:
        """Whether a reading is the best so far."""
        return reading is not None and reading == self.best

    @property
    def reason(self) -> str | None:
        """Why training should end now, in words; None as long as it should go on."""
        if self.config is None or self._reference is None or self._waited < self.config.patience:
            return None
        by = f" by more than {self.config.min_delta:g}" if self.config.min_delta else ""
        return (
            f"{self.monitor} has not improved{by} in {self._waited} readings since step {self._reference.step} "
            f"({self._reference.value:g})"
        )
