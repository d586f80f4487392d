"""One step of the optimiser, by one process or several, at once or in turns."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import torch
from stride_model.batch_share import BatchShare, count_observed

from stride_train.config import TrainConfig
from stride_train.seeds import derived_generator, derived_seed
from stride_train.training.batch_rows import batch_rows
from stride_train.training.objective import Objective
from stride_train.training.processes import Processes
from stride_train.training.step_draws import StepDraws


class NotFinite(Exception):
    """A loss or gradient that is no number; nothing has been changed by it.

    Attributes:
        what: What is not finite.
        times: Times of the samples that it came from, of all the batch's where that is not known.
    """

    def __init__(self, what: str, times: list[str]):
        """Names both."""
        super().__init__(what)
        self.what, self.times = what, times


class Update:
    """Brings network and optimiser one step on.

    Every process draws for the whole batch and takes the rows of its own samples; every share's loss is divided by what
    the whole batch has. So the step depends, to rounding, neither on the number of processes nor on that of turns.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        processes: Processes,
        options: TrainConfig,
        seed: int,
    ):
        """Hands objective and optimiser to the training engine.

        Args:
            objective: What is minimised.
            optimizer: Of its parameters.
            processes: Who computes.
            options: How it is trained.
            seed: The experiment's seed.
        """
        self.inner, self.processes, self.options, self.seed = objective, processes, options, seed
        self.objective, self.optimizer = processes.fabric.setup(objective, optimizer)

    def __call__(self, batch: dict[str, Any], step: int, learning_rate: float) -> dict[str, float]:
        """Makes the step.

        Args:
            batch: This process's share of the contract batch, on the CPU.
            step: Steps done so far.
            learning_rate: Of this step.

        Returns:
            What the history records of it, of the whole batch.

        Raises:
            NotFinite: In all processes, before anything is changed.
        """
        fabric = self.processes.fabric
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, torch.Tensor] = {}
        per_sample: list[torch.Tensor] = []
        shares = self._shares(batch, step)
        for turn, (rows, draws, share) in enumerate(shares):
            torch.manual_seed(derived_seed(self.seed, "dropout", step))
            waits = self.processes.size > 1 and turn + 1 < len(shares)
            with fabric.no_backward_sync(self.objective) if waits else nullcontext():
                parts = self.objective(fabric.to_device(rows), draws, share)
                # The engine takes the mean over the processes, of what has to be summed.
                fabric.backward(parts["loss"] * self.processes.size if self.processes.size > 1 else parts["loss"])
            per_sample.append(parts.pop("per_sample"))
            for name, value in parts.items():
                sums[name] = value.detach() + sums[name] if turn else value.detach()
        norm = fabric.clip_gradients(
            self.objective, self.optimizer, max_norm=self.options.gradient_clip, error_if_nonfinite=False
        )
        found = dict(zip(sums, self.processes.total([float(value) for value in sums.values()]), strict=True))
        gradient_norm = float(norm) if norm is not None else float("nan")
        for what, value in (("loss", found["loss"]), ("gradient", gradient_norm)):
            if not math.isfinite(value):
                raise NotFinite(what, self._times(batch, torch.cat(per_sample)))
        self.optimizer.step()
        row = {
            "learning_rate": learning_rate,
            "loss": found["loss"],
            "edm_loss": found["edm"],
            "gradient_norm": gradient_norm,
        }
        if "gate" in found:
            row["gate_loss"] = found["gate"]
        return row

    def _shares(self, batch: dict[str, Any], step: int) -> list[tuple[dict[str, Any], StepDraws, BatchShare | None]]:
        """What this process computes in turn: samples, their draws, and which share of the batch they are."""
        here, turns = batch["target"].shape[0], self.options.accumulate
        size, before = here * self.processes.size, here * self.processes.rank
        draws = self.inner.draw((size, *batch["target"].shape[1:]), derived_generator(self.seed, "noise", step))
        if size == here and turns == 1:
            return [(batch, draws, None)]
        draws = draws.rows(slice(before, before + here))
        spec, (target, mask) = self.inner.denoiser.spec, self.inner.observed(batch, draws)
        observed, gated = self.processes.total(
            [
                count_observed(target, mask),
                count_observed(target, mask, spec.gated_channels) if spec.use_rain_gate else 0,
            ]
        )
        each = here // turns
        return [
            (
                batch_rows(batch, slice(first, first + each)),
                draws.rows(slice(first, first + each)),
                BatchShare(before + first, size, observed, gated, self.processes.total_of),
            )
            for first in range(0, here, each)
        ]

    def _times(self, batch: dict[str, Any], per_sample: torch.Tensor) -> list[str]:
        """Times of the samples whose loss is not finite, else of all."""
        times, broken = batch["meta"]["timestamps"], (~per_sample.isfinite()).tolist()
        told = self.processes.gather((times, [time for time, bad in zip(times, broken, strict=True) if bad]))
        culprits = [time for _, some in told for time in some] or [time for every, _ in told for time in every]
        return list(dict.fromkeys(culprits))
