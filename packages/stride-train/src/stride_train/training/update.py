"""One step of the optimiser, by one process or several, at once or in turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from stride_model.batch_share import BatchShare, count_observed

from stride_train.config import TrainConfig
from stride_train.seeds import derived_generator, derived_seed
from stride_train.sharding import whole
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


@dataclass(frozen=True)
class Prepared:
    """This process's share of a step, before anything is computed.

    Attributes:
        batch: Its samples, on the CPU.
        draws: What chance decides about them.
    """

    batch: dict[str, Any]
    draws: StepDraws


@dataclass(frozen=True)
class Updated:
    """What a step leaves for the history.

    Attributes:
        parts: This process's parts of the losses; those of the whole batch are their sums over the processes.
        learning_rate: Of the step.
        gradient_norm: Of the whole batch's gradient, before clipping.
    """

    parts: dict[str, float]
    learning_rate: float
    gradient_norm: float

    def row(self, totals: Sequence[float]) -> dict[str, float]:
        """The history's columns.

        Args:
            totals: The sums over the processes of `parts`, in their order.
        """
        found = dict(zip(self.parts, totals, strict=True))
        row = {
            "learning_rate": self.learning_rate,
            "loss": found["loss"],
            "edm_loss": found["edm"],
            "gradient_norm": self.gradient_norm,
        }
        if "gate" in found:
            row["gate_loss"] = found["gate"]
        return row


COUNTS = 2
"""How many numbers `Update.prepare` counts: observed values, and those of gated channels."""


class Update:
    """Brings network and optimiser one step on.

    Every process draws for the whole batch and takes the rows of its own samples; every share's loss is divided by what
    the whole batch has. So the step depends, to rounding, neither on the number of processes nor on that of turns.
    """

    def __init__(
        self,
        objective: Objective,
        make_optimizer: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer],
        processes: Processes,
        options: TrainConfig,
        seed: int,
    ):
        """Hands objective and optimiser to the training engine.

        Args:
            objective: What is minimised.
            make_optimizer: Makes the optimiser of its parameters, which the engine may first share out.
            processes: Who computes.
            options: How it is trained.
            seed: The experiment's seed.
        """
        self.inner, self.processes, self.options, self.seed = objective, processes, options, seed
        self.objective = processes.fabric.setup_module(objective)
        made = processes.fabric.setup_optimizers(make_optimizer(objective.parameters()))
        self.optimizer = cast(torch.optim.Optimizer, made)

    def prepare(self, batch: dict[str, Any], step: int) -> tuple[Prepared, list[float]]:
        """Draws for a step, and counts what is observed in this process's share.

        Args:
            batch: This process's share of the contract batch, on the CPU.
            step: Steps done so far.

        Returns:
            The share; and `COUNTS` numbers, whose sums over the processes `__call__` takes.
        """
        here = batch["target"].shape[0]
        size, before = here * self.processes.size, here * self.processes.rank
        draws = self.inner.draw((size, *batch["target"].shape[1:]), derived_generator(self.seed, "noise", step))
        if self._whole:
            return Prepared(batch, draws), [0.0] * COUNTS
        draws = draws.rows(slice(before, before + here))
        spec, (target, mask) = self.inner.denoiser.spec, self.inner.observed(batch, draws)
        gated = count_observed(target, mask, spec.gated_channels) if spec.use_rain_gate else 0
        return Prepared(batch, draws), [float(count_observed(target, mask)), float(gated)]

    def __call__(self, mine: Prepared, counts: Sequence[float], step: int, learning_rate: float) -> Updated:
        """Makes the step.

        Args:
            mine: This process's share.
            counts: What is observed in the whole batch.
            step: Steps done so far.
            learning_rate: Of this step.

        Raises:
            NotFinite: In all processes, before anything is changed.
        """
        fabric = self.processes.fabric
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, torch.Tensor] = {}
        per_sample: list[torch.Tensor] = []
        shares = self._shares(mine, counts)
        for turn, (rows, draws, share) in enumerate(shares):
            torch.manual_seed(derived_seed(self.seed, "dropout", step))
            waits = self.processes.size > 1 and turn + 1 < len(shares)
            with fabric.no_backward_sync(self.objective) if waits else nullcontext():
                parts = self.objective(fabric.to_device(rows), draws, share)
                fabric.backward(self._minimised(parts["loss"]))
            per_sample.append(parts.pop("per_sample"))
            for name, value in parts.items():
                sums[name] = value.detach() + sums[name] if turn else value.detach()
        norm = fabric.clip_gradients(
            self.objective, self.optimizer, max_norm=self.options.gradient_clip, error_if_nonfinite=False
        )
        found = {name: float(value) for name, value in sums.items()}
        gradient_norm = float(whole(norm)) if norm is not None else float("nan")
        # The gradient is that of all processes, so they all agree on this without another exchange.
        if not math.isfinite(gradient_norm):
            loss = self.processes.total([found["loss"]])[0]
            what = "gradient" if math.isfinite(loss) else "loss"
            raise NotFinite(what, self._times(mine.batch, torch.cat(per_sample)))
        self.optimizer.step()
        return Updated(found, learning_rate, gradient_norm)

    @property
    def _whole(self) -> bool:
        """Whether one process computes the whole batch at once."""
        return self.processes.size == 1 and self.options.accumulate == 1

    def _minimised(self, loss: torch.Tensor) -> torch.Tensor:
        """What is differentiated.

        The engine takes the mean over the processes, of what has to be summed. A loss that is not finite makes a
        gradient that is not, which it need not by itself: a square can overflow whose derivative does not.
        """
        finite = 1.0 + 0.0 * loss.detach()
        return loss * finite * self.processes.size if self.processes.size > 1 else loss * finite

    def _shares(
        self, mine: Prepared, counts: Sequence[float]
    ) -> list[tuple[dict[str, Any], StepDraws, BatchShare | None]]:
        """What this process computes in turn: tensors of samples, their draws, and their share of the batch."""
        tensors = {
            name: value for name, value in mine.batch.items() if value is None or isinstance(value, torch.Tensor)
        }
        if self._whole:
            return [(tensors, mine.draws, None)]
        here, turns = mine.batch["target"].shape[0], self.options.accumulate
        size, before = here * self.processes.size, here * self.processes.rank
        observed, gated = counts
        each = here // turns
        return [
            (
                {name: None if value is None else value[first : first + each] for name, value in tensors.items()},
                mine.draws.rows(slice(first, first + each)),
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
