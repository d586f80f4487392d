"""The record of a training in its run folder: history, its picture, loggers, quicklooks, and the judgement of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser

from stride_train.config import ExperimentConfig
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_seed
from stride_train.training.early_stopping import EarlyStopping
from stride_train.training.history import History, read_history
from stride_train.training.history_picture import draw_history
from stride_train.training.judged_reading import JudgedReading
from stride_train.training.loggers import open_loggers
from stride_train.training.monitors import monitor
from stride_train.training.quicklook import draw_quicklook

MONITORED_SPLIT = "val"

_SECONDS_BETWEEN_PICTURES = 10.0


@dataclass(frozen=True)
class Verdict:
    """What a row of the history means for the training.

    Attributes:
        reading: By which checkpoints are compared; None when the row has none.
        best: Whether it is the best so far.
        stop: Why training should end now, None when it should go on.
    """

    reading: JudgedReading | None
    best: bool
    stop: str | None


class Record:
    """Written by one process of a training alone.

    Attributes:
        stopping: Which reading was the best, and whether training should end early.
    """

    def __init__(self, config: ExperimentConfig, adapter: Adapter, run: RunFolder, *, resume_at: int | None):
        """Opens the history and the loggers.

        Args:
            config: The experiment.
            adapter: Its data.
            run: The run folder.
            resume_at: Step of the checkpoint that is resumed, after which what is recorded is dropped; None at the
                start of a training.

        Raises:
            ExperimentError: If a logger cannot start.
        """
        self.config, self.adapter, self.run = config, adapter, run
        self._loggers = open_loggers(
            config.train.loggers,
            run,
            experiment=config.name,
            config=config.model_dump(mode="json"),
            resume_at=resume_at,
        )
        self._history = History(run.history, resume_at=resume_at, targets=adapter.target_names, loggers=self._loggers)
        self.stopping = EarlyStopping(config.train, read_history(run.history))
        self._rows_are_new, self._drawn_at = True, -math.inf

    def monitor(self, denoiser: EDMDenoiser, step: int, precision: torch.dtype | None) -> dict[str, float]:
        """Reads the monitors and draws the quicklook.

        Args:
            denoiser: The network with averaged weights.
            step: Optimiser steps done.
            precision: Autocast to this type; None computes in float32.

        Returns:
            Columns of the history; none when there is nothing to compare with.
        """
        options = self.config.train.monitor
        reading = monitor(
            denoiser,
            self.adapter,
            options,
            self.config.generate.sampler,
            seed=derived_seed(self.config.seed, "monitor"),
            split=MONITORED_SPLIT,
            precision=precision,
        )
        if reading is None:
            return {}
        if reading.shown:
            picture = self.run.quicklooks / f"step_{step:09d}.png"
            title = f"{self.config.name} on validation times, step {step:,}"
            draw_quicklook(reading.shown, self.adapter, picture, title=title, members=options.quicklook_members)
            for logger in self._loggers:
                logger.picture(step, "quicklook", picture)
        return reading.row(several=len(self.adapter.target_names) > 1)

    def add(self, **values: float | int) -> Verdict:
        """Adds one row to the history.

        Returns:
            What follows from it.
        """
        self._rows_are_new = True
        reading = self.stopping.add(self._history.append(**values))
        return Verdict(reading, self.stopping.is_best(reading), self.stopping.reason)

    def draw(self, *, live: bool = False) -> None:
        """Draws the history, unless nothing was added since it was drawn.

        Args:
            live: While training goes on: leave a picture of the last few seconds as it is, since training waits.
        """
        if not self._rows_are_new or (live and time.monotonic() - self._drawn_at < _SECONDS_BETWEEN_PICTURES):
            return
        draw_history(
            read_history(self.run.history),
            self.run.history_picture,
            f"Training of {self.config.name}",
            targets=dict(zip(self.adapter.target_names, self.adapter.target_vars, strict=True)),
            best=self.stopping.best,
        )
        self._rows_are_new, self._drawn_at = False, time.monotonic()

    def close(self) -> None:
        """Ends the loggers."""
        for logger in self._loggers:
            logger.close()
