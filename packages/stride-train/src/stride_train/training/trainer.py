"""The training loop, on lightning-fabric."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from stride_data.adapter_protocol import Adapter
from stride_data.loaders import make_loader
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_model.uncertainty import LevelUncertainty

from stride_train.averages.snapshots import training_id
from stride_train.averages.tracking import TrackedAverages
from stride_train.checkpoint import (
    Checkpoint,
    TrainingState,
    flatten_optimizer,
    require_same_spec,
    restore_optimizer,
    save_checkpoint,
)
from stride_train.compilation import compile_network
from stride_train.config import ExperimentConfig
from stride_train.errors import ExperimentError, TrainingError
from stride_train.progress import Advance
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_seed
from stride_train.sharding import all_whole, take_up
from stride_train.stopping import StopRequest
from stride_train.training.disk import writing_to
from stride_train.training.ema import WeightAverage
from stride_train.training.gate_reliability import draw_reliability, gate_reliability, write_reliability
from stride_train.training.judged_reading import JudgedReading
from stride_train.training.learning_rate import learning_rate_factor
from stride_train.training.noise_levels import training_levels
from stride_train.training.objective import Objective
from stride_train.training.precision import choose_precision
from stride_train.training.processes import Processes, launch
from stride_train.training.record import Record, Verdict
from stride_train.training.recurring import Recurring
from stride_train.training.update import COUNTS, NotFinite, Prepared, Update, Updated

_ADAM_BETAS = (0.9, 0.99)
_TIMES_NAMED = 32

# The engine's own remarks would break into the progress display; its warnings still come through.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


@dataclass(frozen=True)
class TrainingResult:
    """What training left behind.

    Attributes:
        checkpoint: The last checkpoint.
        state: How far training went.
        parameters: Number of trained parameters.
        interrupted: Whether a signal ended it before its budget was used up.
        first: Whether this process speaks for all that trained.
        stopped: Why early stopping ended it before its budget was used up; None where it did not.
    """

    checkpoint: Path
    state: TrainingState
    parameters: int
    interrupted: bool = False
    first: bool = True
    stopped: str | None = None


class Trainer:
    """Trains the network of one experiment in its run folder.

    All randomness of a step is derived from (seed, step), and all of an epoch's order from (seed, epoch), so that a
    run that is stopped and resumed goes on exactly as if it had not been. Of several processes all train, and the first
    alone writes and looks at the monitors; whatever decides on the loop's course is the same in all.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        adapter: Adapter,
        spec: ModelSpec,
        run: RunFolder,
        processes: Processes | None = None,
    ):
        """Builds network, optimiser and averages.

        Args:
            config: The experiment.
            adapter: Its data, statistics loaded.
            spec: The network's spec.
            run: The folder to write to.
            processes: Who trains; None finds or starts them.

        Raises:
            ExperimentError: If the batch cannot be shared out.
        """
        self.config, self.adapter, self.spec, self.run = config, adapter, spec, run
        options = config.train
        self.processes = processes or launch(options)
        self.precision = choose_precision(options.precision)
        self.device = self.processes.fabric.device
        torch.manual_seed(derived_seed(config.seed, "weights"))
        weights = None
        if options.target_weights:
            weights = tuple(options.target_weights.get(name, 1.0) for name in adapter.target_names)
        self.objective = Objective(
            EDMDenoiser(spec),
            EDMLoss(
                training_levels(options),
                gate_weight=options.gate_weight,
                gate_reweighting=options.gate_reweighting,
                channel_weights=None if spec.use_film_vars else weights,
            ),
            LevelUncertainty() if options.uncertainty_weighting else None,
            target_weights=weights if spec.use_film_vars else None,
        )
        self.denoiser, self.uncertainty = self.objective.denoiser, self.objective.uncertainty
        if options.compile:
            compile_network(self.denoiser, self.device, "train.compile")
        adamw = partial(
            torch.optim.AdamW, lr=options.learning_rate, betas=_ADAM_BETAS, weight_decay=options.weight_decay
        )
        self.update = Update(self.objective, adamw, self.processes, options, config.seed)
        self.optimizer = self.update.optimizer
        self.average = WeightAverage(self.denoiser, options.ema_halflife_images, options.ema_ramp)
        training = training_id(spec, adapter.metadata(), config.model_dump(mode="json"))
        self.power = TrackedAverages(self.denoiser, options, run.snapshots, training)
        self.averaged_denoiser = EDMDenoiser(spec).to(self.device).eval()
        self.state = TrainingState()
        self.saved: TrainingState | None = None
        self.reading: JudgedReading | None = None
        self.stopped: str | None = None
        self.record: Record | None = None
        self.last_written: Path | None = None

    def resume(self, checkpoint: Checkpoint) -> None:
        """Takes up the state of a checkpoint.

        Raises:
            CheckpointError: If it was made for another model.
        """
        require_same_spec(checkpoint, self.spec)
        for name, value in self.denoiser.state_dict().items():
            take_up(value, checkpoint.network[name])
        if self.uncertainty is not None:
            for name, value in self.uncertainty.state_dict().items():
                take_up(value, checkpoint.uncertainty[name])
        self.average.load(checkpoint.average)
        self.power.resume(checkpoint, first=self.processes.first)
        restore_optimizer(self.optimizer, checkpoint.optimizer)
        self.state = self.saved = checkpoint.state
        self.reading = checkpoint.reading
        self.last_written = checkpoint.path

    def train(self, advance: Advance) -> TrainingResult:
        """Trains until the budget is used up, early stopping ends it, or a signal asks to stop.

        Args:
            advance: Told how far training is.

        Raises:
            TrainingError: If the loss is not finite; the state before that step is saved.
        """
        self.stopped = self.processes.from_first(self._open_record)
        try:
            with StopRequest() as asked:
                interrupted = self._train(advance, asked)
            self.processes.from_first(self._draw)
        finally:
            if self.record is not None:
                self.record.close()
        assert self.last_written is not None
        parameters = sum(p.numel() for p in self.denoiser.parameters())
        stopped = self.stopped if self._fraction(self.state) < 1.0 else None
        return TrainingResult(self.last_written, self.state, parameters, interrupted, self.processes.first, stopped)

    def _open_record(self) -> str | None:
        """Opens the first process's record; returns why training should not go on."""
        with writing_to(self.run.path):
            self.record = Record(self.config, self.adapter, self.run, resume_at=self.state.step or None)
        return self.record.stopping.reason

    def _train(self, advance: Advance, asked: StopRequest) -> bool:
        """The loop; returns whether a signal ended it early."""
        options, processes = self.config.train, self.processes
        processes.from_first(lambda: self.power.drop_later(self.state))
        begun = time.monotonic() - self.state.seconds
        monitor_seconds = 0.0
        due_checkpoint = Recurring(options.checkpoint_every, self.state)
        due_monitor = Recurring(options.monitor.every, self.state)
        fraction = self._fraction(self.state)
        stop = False
        self.objective.train()
        for mine, counts in self._prepared(self.state.step):
            if fraction >= 1.0 or stop or self.stopped is not None:
                break
            step = self.state.step
            factor = learning_rate_factor(
                step,
                fraction,
                warmup_steps=options.warmup_steps,
                decay_from=options.decay_from,
                decay=options.decay,
            )
            updated = self._step(mine, counts, step, options.learning_rate * factor)
            step, images = step + 1, self.state.images + mine.batch["target"].shape[0] * processes.size
            self.average.update(images - self.state.images, images)
            self.power.update(images - self.state.images, images)
            # The first process's clock is everyone's.
            clock = time.monotonic() - begun if processes.first else 0.0
            *losses, seconds, asking = processes.total([*updated.parts.values(), clock, float(asked.made)])
            row, stop = updated.row(losses), asking > 0
            # The last monitor belongs to the budget: a queue does not wait for it.
            fraction = self._fraction(TrainingState(step, images, seconds + monitor_seconds))
            self.state = TrainingState(step, images, seconds, finished=fraction >= 1.0)
            if self.power.is_due(self.state):
                self._save_snapshot()
            verdict = Verdict(None, best=False, stop=None)
            monitored = due_monitor.is_due(self.state) or self.state.finished
            if monitored:
                average = all_whole(self.average.state)
                reading, monitor_seconds = processes.from_first(partial(self._timed_monitor, average))
                row |= reading
                self.state = TrainingState(step, images, seconds + monitor_seconds, finished=fraction >= 1.0)
            if monitored or step % options.log_every == 0:
                verdict = self._record(row)
                advance(fraction, f"step {step}, loss {row['edm_loss']:.3f}")
            self.reading, self.stopped = verdict.reading, verdict.stop
            if self.stopped is not None:
                self.state = replace(self.state, finished=True)
            if due_checkpoint.is_due(self.state) or self.state.finished or verdict.best:
                self._save()
            if monitored:
                processes.from_first(lambda: self._draw(live=True))
        if self.stopped is not None:
            self.state = replace(self.state, finished=True)
        self._save()
        return stop and not self.state.finished

    def _prepared(self, steps_done: int) -> Iterator[tuple[Prepared, list[float]]]:
        """This process's shares of the steps from `steps_done` on, epoch after epoch, and the whole batches' counts."""
        options, processes = self.config.train, self.processes
        samples = len(self.adapter.times("train")) * options.crops_per_field
        if samples < options.batch_size and (processes.size > 1 or options.accumulate > 1):
            raise ExperimentError(
                f"The training split gives {samples} samples, fewer than train.batch_size {options.batch_size}, which "
                "cannot then be shared out: lower it, or raise train.crops_per_field."
            )
        loader = make_loader(
            self.adapter,
            "train",
            batch_size=options.batch_size // processes.size,
            seed=self.config.seed,
            shuffle=True,
            crops_per_field=options.crops_per_field,
            num_workers=options.num_workers,
            # Steps of one size, unless there are fewer samples than that in all.
            drop_last=samples >= options.batch_size,
            rank=processes.rank,
            world_size=processes.size,
        )
        of_epoch, batches = len(loader), iter(())
        for step in itertools.count(steps_done):
            epoch, number = divmod(step, of_epoch)
            if number == 0 or step == steps_done:
                loader.set_epoch(epoch, skip_batches=number)
                batches = iter(loader)
            yield processes.each_and_total(partial(self._prepare, batches, step), COUNTS)

    def _prepare(self, batches: Iterator[dict[str, Any]], step: int) -> tuple[Prepared, list[float]]:
        return self.update.prepare(next(batches), step)

    def _step(self, mine: Prepared, counts: list[float], step: int, learning_rate: float) -> Updated:
        """One optimiser step; returns what the history records of it."""
        try:
            return self.update(mine, counts, step, learning_rate)
        except NotFinite as found:
            self._save()
            named = found.times[:_TIMES_NAMED]
            more = f" and {len(found.times) - len(named)} more" if len(found.times) > len(named) else ""
            self.processes.agree(
                TrainingError(
                    f"The {found.what} is not finite at step {step} (times {', '.join(named)}{more}): look at these "
                    f"fields, or train anew with a lower train.learning_rate; the state before that step is saved in "
                    f"'{self.last_written}'."
                )
            )
            raise

    def _fraction(self, state: TrainingState) -> float:
        """Share of the budget that is used up."""
        return self.config.train.budget.fraction(steps=state.step, images=state.images, seconds=state.seconds)

    def _record(self, row: dict[str, float]) -> Verdict:
        """Adds a row to the history; what follows from it is the same in all processes."""
        state = self.state

        def append() -> Verdict:
            assert self.record is not None
            with writing_to(self.run.path):
                return self.record.add(step=state.step, images=state.images, seconds=state.seconds, **row)

        return self.processes.from_first(append)

    def _timed_monitor(self, average: dict[str, torch.Tensor]) -> tuple[dict[str, float], float]:
        """Columns of the history, and the seconds that they took."""
        begun = time.monotonic()
        row = self._monitor(average)
        return row, time.monotonic() - begun

    def _monitor(self, average: dict[str, torch.Tensor]) -> dict[str, float]:
        """Monitors of the averaged weights, as columns of the history."""
        self.averaged_denoiser.load_state_dict(average)
        precision = torch.bfloat16 if self.precision == "bf16-mixed" else None
        assert self.record is not None
        with writing_to(self.run.path):
            row = self.record.monitor(self.averaged_denoiser, self.state.step, precision)
        if self.spec.use_rain_gate and self.config.train.monitor.cases:
            tables = gate_reliability(
                self.averaged_denoiser, self.adapter, seed=self.config.seed, split="val", precision=precision
            )
            if tables:
                title = f"RainGate of {self.config.name} on validation times, step {self.state.step}"
                write_reliability(tables, self.run.gate_reliability)
                draw_reliability(tables, self.run.gate_reliability_picture, title)
        return row

    def _save_snapshot(self) -> None:
        power = all_whole(self.power.flat())
        self.processes.from_first(lambda: self.power.save(power, self.state))

    def _save(self) -> None:
        """Writes a checkpoint of the present state, unless there is one."""
        if self.saved != self.state:
            weights = {
                "network": all_whole(self.denoiser.state_dict()),
                "average": all_whole(self.average.state),
                "optimizer": all_whole(flatten_optimizer(self.optimizer)),
                "uncertainty": None if self.uncertainty is None else all_whole(self.uncertainty.state_dict()),
                "power": all_whole(self.power.flat()),
            }
            self.last_written = self.processes.from_first(lambda: self._write(weights))
            self.saved = self.state

    def _write(self, weights: dict[str, Any]) -> Path:
        path = save_checkpoint(
            self.run.checkpoints,
            spec=self.spec,
            state=self.state,
            data=self.adapter.metadata(),
            config=self.config.model_dump(mode="json"),
            keep_last=self.config.train.keep_last,
            reading=self.reading,
            **weights,
        )
        self._draw(live=True)
        return path

    def _draw(self, *, live: bool = False) -> None:
        assert self.record is not None
        with writing_to(self.run.path):
            self.record.draw(live=live)
