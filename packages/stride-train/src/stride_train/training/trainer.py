"""The training loop, on lightning-fabric."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from stride_data.adapter_protocol import Adapter
from stride_data.loaders import make_loader
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_model.uncertainty import LevelUncertainty

from stride_train.checkpoint import (
    Checkpoint,
    TrainingState,
    flatten_optimizer,
    load_checkpoint,
    require_same_spec,
    restore_optimizer,
    save_checkpoint,
)
from stride_train.compilation import compile_network
from stride_train.config import ExperimentConfig
from stride_train.errors import TrainingError
from stride_train.progress import Advance
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_generator, derived_seed
from stride_train.training.ema import WeightAverage
from stride_train.training.gate_reliability import draw_reliability, gate_reliability, write_reliability
from stride_train.training.judged_reading import JudgedReading
from stride_train.training.learning_rate import learning_rate_factor
from stride_train.training.noise_levels import training_levels
from stride_train.training.objective import Objective
from stride_train.training.precision import choose_precision
from stride_train.training.record import Record

_ADAM_BETAS = (0.9, 0.99)

# The engine's own remarks would break into the progress display; its warnings still come through.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


@dataclass(frozen=True)
class TrainingResult:
    """What training left behind.

    Attributes:
        checkpoint: The last checkpoint.
        state: How far training went.
        parameters: Number of trained parameters.
        stopped: Why training ended before its budget was used up; None where it did not.
    """

    checkpoint: Path
    state: TrainingState
    parameters: int
    stopped: str | None = None


class Trainer:
    """Trains the network of one experiment in its run folder.

    All randomness of a step is derived from (seed, step), and all of an epoch's order from (seed, epoch), so that a
    run that is stopped and resumed goes on exactly as if it had not been.
    """

    def __init__(self, config: ExperimentConfig, adapter: Adapter, spec: ModelSpec, run: RunFolder):
        """Builds network, optimiser and averages.

        Args:
            config: The experiment.
            adapter: Its data, statistics loaded.
            spec: The network's spec.
            run: The folder to write to.
        """
        self.config, self.adapter, self.spec, self.run = config, adapter, spec, run
        options = config.train
        self.precision = choose_precision(options.precision)
        self.fabric = Fabric(accelerator=options.accelerator, devices=1, precision=self.precision)
        torch.manual_seed(derived_seed(config.seed, "weights"))
        weights = None
        if options.target_weights:
            weights = tuple(options.target_weights.get(name, 1.0) for name in adapter.target_names)
        objective = Objective(
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
        if options.compile:
            compile_network(objective.denoiser, self.fabric.device, "train.compile")
        optimizer = torch.optim.AdamW(
            objective.parameters(), lr=options.learning_rate, betas=_ADAM_BETAS, weight_decay=options.weight_decay
        )
        self.objective, self.optimizer = self.fabric.setup(objective, optimizer)
        self.denoiser: EDMDenoiser = objective.denoiser
        self.uncertainty = objective.uncertainty
        self.average = WeightAverage(self.denoiser, options.ema_halflife_images, options.ema_ramp)
        self.averaged_denoiser = EDMDenoiser(spec).to(self.fabric.device).eval()
        self.state = TrainingState()
        self.reading: JudgedReading | None = None
        self.monitor_seconds = 0.0
        self.last_written: Path | None = None

    def resume(self, path: Path) -> None:
        """Takes up the state of a checkpoint.

        Raises:
            CheckpointError: If it cannot be read or was made for another model.
        """
        checkpoint: Checkpoint = load_checkpoint(path)
        require_same_spec(checkpoint, self.spec)
        self.denoiser.load_state_dict(checkpoint.network)
        if self.uncertainty is not None:
            self.uncertainty.load_state_dict(checkpoint.uncertainty)
        self.average.state = {name: value.to(self.fabric.device) for name, value in checkpoint.average.items()}
        restore_optimizer(self.optimizer, checkpoint.optimizer)
        self.state = checkpoint.state
        self.reading = checkpoint.reading
        self.last_written = path

    def train(self, advance: Advance) -> TrainingResult:
        """Trains until the budget is used up, or early stopping ends it.

        Args:
            advance: Told how far training is.

        Raises:
            TrainingError: If the loss is not finite; the last checkpoint stays.
        """
        with Record(self.config, self.adapter, self.run, resume_at=self.state.step or None) as record:
            return self._train(advance, record)

    def _train(self, advance: Advance, record: Record) -> TrainingResult:
        options = self.config.train
        begun = time.monotonic() - self.state.seconds
        step, images = self.state.step, self.state.images
        seconds = self.state.seconds
        due_checkpoint = _Recurring(options.checkpoint_every, step, images, seconds)
        due_monitor = _Recurring(options.monitor.every, step, images, seconds)
        fraction = options.budget.fraction(steps=step, images=images, seconds=seconds)
        self.objective.train()
        for batch in self._batches(step):
            if fraction >= 1.0 or record.stopping.reason is not None:
                break
            factor = learning_rate_factor(
                step, fraction, warmup_steps=options.warmup_steps, decay_from=options.decay_from
            )
            row = self._step(batch, step, options.learning_rate * factor)
            step, images = step + 1, images + batch["target"].shape[0]
            self.average.update(self.denoiser, batch["target"].shape[0], images)
            seconds = time.monotonic() - begun
            # The last monitor belongs to the budget: a queue does not wait for it.
            fraction = options.budget.fraction(steps=step, images=images, seconds=seconds + self.monitor_seconds)
            self.state = TrainingState(step, images, seconds, finished=fraction >= 1.0)
            monitored = due_monitor.is_due(step, images, seconds) or self.state.finished
            self.reading = None
            if monitored:
                row |= self._monitor(record)
                seconds = time.monotonic() - begun
            if monitored or step % options.log_every == 0:
                self.reading = record.add(step=step, images=images, seconds=seconds, **row)
                advance(fraction, f"step {step}, loss {row['edm_loss']:.3f}")
            finished = fraction >= 1.0 or record.stopping.reason is not None
            self.state = TrainingState(step, images, seconds, finished=finished)
            due = due_checkpoint.is_due(step, images, seconds)
            if due or finished or record.stopping.is_best(self.reading):
                self._save()
            if monitored or due:
                record.draw(live=True)
        if self.last_written is None or not self.state.finished:
            self.state = replace(self.state, finished=True)
            self._save()
        record.draw()
        assert self.last_written is not None
        parameters = sum(p.numel() for p in self.denoiser.parameters())
        stopped = record.stopping.reason if fraction < 1.0 else None
        return TrainingResult(self.last_written, self.state, parameters, stopped)

    def _batches(self, steps_done: int) -> Iterator[dict[str, Any]]:
        """Batches from where `steps_done` left off, epoch after epoch, on the device."""
        options = self.config.train
        loader = make_loader(
            self.adapter,
            "train",
            batch_size=options.batch_size,
            seed=self.config.seed,
            shuffle=True,
            crops_per_field=options.crops_per_field,
            num_workers=options.num_workers,
            # Steps of one size, unless there are fewer samples than that in all.
            drop_last=len(self.adapter.times("train")) * options.crops_per_field >= options.batch_size,
        )
        epoch, skip = divmod(steps_done, len(loader))
        while True:
            loader.set_epoch(epoch, skip_batches=skip)
            for batch in loader:
                yield self.fabric.to_device(batch)
            epoch, skip = epoch + 1, 0

    def _step(self, batch: dict[str, Any], step: int, learning_rate: float) -> dict[str, float]:
        """One optimiser step; returns what the history records of it."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        torch.manual_seed(derived_seed(self.config.seed, "dropout", step))
        parts = self.objective(batch, derived_generator(self.config.seed, "noise", step))
        loss = float(parts["loss"].detach())
        if loss != loss or loss in (float("inf"), float("-inf")):
            raise TrainingError(
                f"The loss is not finite at step {step} (times {', '.join(batch['meta']['timestamps'])}): look at "
                "these "
                "fields, or lower train.learning_rate; the last checkpoint is kept."
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(parts["loss"])
        norm = self.fabric.clip_gradients(self.objective, self.optimizer, max_norm=self.config.train.gradient_clip)
        self.optimizer.step()
        row = {
            "learning_rate": learning_rate,
            "loss": loss,
            "edm_loss": float(parts["edm"].detach()),
            "gradient_norm": float(norm) if norm is not None else float("nan"),
        }
        if "gate" in parts:
            row["gate_loss"] = float(parts["gate"].detach())
        return row

    def _monitor(self, record: Record) -> dict[str, float]:
        """Monitors of the averaged weights, as columns of the history."""
        begun = time.monotonic()
        self.averaged_denoiser.load_state_dict(self.average.state)
        precision = torch.bfloat16 if self.precision == "bf16-mixed" else None
        row = record.monitor(self.averaged_denoiser, self.state.step, precision)
        if self.spec.use_rain_gate and self.config.train.monitor.cases:
            tables = gate_reliability(
                self.averaged_denoiser, self.adapter, seed=self.config.seed, split="val", precision=precision
            )
            if tables:
                title = f"RainGate of {self.config.name} on validation times, step {self.state.step}"
                write_reliability(tables, self.run.gate_reliability)
                draw_reliability(tables, self.run.gate_reliability_picture, title)
        self.monitor_seconds = time.monotonic() - begun
        return row

    def _save(self) -> None:
        self.last_written = save_checkpoint(
            self.run.checkpoints,
            spec=self.spec,
            network=self.denoiser.state_dict(),
            average=self.average.state,
            optimizer=flatten_optimizer(self.optimizer),
            state=self.state,
            data=self.adapter.metadata(),
            config=self.config.model_dump(mode="json"),
            keep_last=self.config.train.keep_last,
            uncertainty=None if self.uncertainty is None else self.uncertainty.state_dict(),
            reading=self.reading,
        )


class _Recurring:
    """Says when an amount of training has passed again."""

    def __init__(self, every, step: int, images: int, seconds: float):
        self.every = every
        self.turns = self._turn(step, images, seconds)

    def _turn(self, step: int, images: int, seconds: float) -> int:
        done = {"steps": step, "images": images, "seconds": seconds}[self.every.unit]
        return int(done // self.every.value) if self.every.value > 0 else 0

    def is_due(self, step: int, images: int, seconds: float) -> bool:
        """True once for every amount passed."""
        turn = self._turn(step, images, seconds)
        due, self.turns = turn > self.turns, turn
        return due
