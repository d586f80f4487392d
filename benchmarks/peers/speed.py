"""How many images a second a denoiser trains and denoises, in every mode in which it can run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from peers.networks import OURS, build

TASKS = ("train", "infer")
SHORTEST = 0.3  # seconds of one measurement; faster calls are repeated
MOST_REPEATS = 20


@dataclass(frozen=True)
class Mode:
    """How a network is run.

    Attributes:
        bf16: Under bf16 autocast, or in float32.
        channels_last: Memory format of a peer; ours is always channels last.
        compiled: Through torch.compile.
    """

    bf16: bool = False
    channels_last: bool = True
    compiled: bool = False

    @property
    def precision(self) -> str:
        return "bf16" if self.bf16 else "fp32"

    def __str__(self) -> str:
        parts = (self.precision, "" if self.channels_last else "NCHW", "compiled" if self.compiled else "")
        return " ".join(part for part in parts if part)


def modes(name: str, device: torch.device, *, bf16: bool, compiled: bool) -> list[Mode]:
    """The modes to try for a network; a peer's memory format is its user's choice."""
    formats = (True,) if name in OURS else (True, False)
    precisions = (False, True) if bf16 else (False,)
    ways = (False, True) if compiled else (False,)
    return [Mode(p, c, w) for p in precisions for c in formats for w in ways]


@dataclass(frozen=True)
class Inputs:
    """One batch for all networks.

    Attributes:
        target: [B, C_out, H, W].
        dynamic: [B, C_dyn, h, w].
    """

    target: Tensor
    dynamic: Tensor

    @classmethod
    def drawn(cls, spec: ModelSpec, batch: int, device: torch.device) -> Inputs:
        """Standard normal fields."""
        generator = torch.Generator().manual_seed(1)
        target = torch.randn(batch, spec.out_channels, *spec.target_hr_shape, generator=generator)
        dynamic = torch.randn(batch, spec.in_dynamic_channels, *spec.cond_lr_shape, generator=generator)
        return cls(target.to(device), dynamic.to(device))


class Runner:
    """A network in one mode with everything that a training step and a sampler's step need."""

    def __init__(self, name: str, mode: Mode, spec: ModelSpec, inputs: Inputs) -> None:
        torch.manual_seed(0)
        self.name, self.mode, self.inputs = name, mode, inputs
        self.device = inputs.target.device
        denoiser = build(name, spec, bf16=mode.bf16, channels_last=mode.channels_last).to(self.device)
        if mode.compiled:
            denoiser.compile(dynamic=False)
        self.denoiser: EDMDenoiser = denoiser
        self.loss = EDMLoss()
        self.generator = torch.Generator(self.device).manual_seed(0)
        self.optimizer = torch.optim.AdamW(denoiser.parameters(), lr=1e-4)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.mode.bf16)

    def loss_value(self) -> Tensor:
        with self.autocast():
            given = self.inputs
            return self.loss(self.denoiser, given.target, given.dynamic, generator=self.generator).loss

    def train(self, calls: int) -> None:
        """Whole optimiser steps, as the trainer takes them."""
        self.denoiser.train()
        for _ in range(calls):
            self.optimizer.zero_grad(set_to_none=True)
            self.loss_value().backward()
            nn.utils.clip_grad_norm_(self.denoiser.parameters(), 1.0)
            self.optimizer.step()

    def infer(self, calls: int) -> None:
        """A sampler's calls: the conditioning encoded beforehand, one autocast around all of them."""
        self.denoiser.eval()
        x = self.inputs.target
        sigma = torch.ones(len(x), device=self.device)
        with torch.no_grad(), self.autocast():
            conditioning = self.denoiser.encode(self.inputs.dynamic)
            for _ in range(calls):
                x = self.denoiser(x, sigma, conditioning)

    def seconds(self, task: str, calls: int) -> float:
        """Of one call, out of so many."""
        work: Callable[[int], None] = getattr(self, task)
        self._finish()
        begun = time.perf_counter()
        work(calls)
        self._finish()
        return (time.perf_counter() - begun) / calls

    def _finish(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def rates(
    names: Iterable[str],
    spec: ModelSpec,
    batch: int,
    rounds: int,
    device: torch.device,
    *,
    bf16: bool,
    compiled: bool,
    told: Callable[[str], None],
) -> dict[str, dict[str, dict[str, float]]]:
    """Images a second by name, task and mode, the median over rounds in which the networks take turns.

    The first round, which follows a warm-up, tries every mode; the others only the fastest of each precision.
    """
    inputs = Inputs.drawn(spec, batch, device)
    found: dict[tuple[str, str, Mode], list[float]] = {}
    calls: dict[tuple[str, str, Mode], int] = {}
    runners: dict[tuple[str, Mode], Runner] = {}
    for name in names:
        for mode in modes(name, device, bf16=bf16, compiled=compiled):
            told(f"{spec.target_hr_shape[0]} x {spec.target_hr_shape[1]}, {name}, {mode}")
            runner = runners[name, mode] = Runner(name, mode, spec, inputs)
            for task in TASKS:
                runner.seconds(task, 1)  # caches, compilation
                once = runner.seconds(task, 1)
                calls[name, task, mode] = min(max(int(SHORTEST / once), 1), MOST_REPEATS)
                found[name, task, mode] = [once]
    kept = {fastest for key in found if (fastest := _fastest(found, *key[:2], key[2].precision))}
    for turn in range(1, rounds + 1):
        told(f"{spec.target_hr_shape[0]} x {spec.target_hr_shape[1]}, round {turn} of {rounds}")
        for name, task, mode in calls:
            if (name, task, mode) in kept:
                found[name, task, mode].append(runners[name, mode].seconds(task, calls[name, task, mode]))
    table: dict[str, dict[str, dict[str, float]]] = {}
    for (name, task, mode), seconds in found.items():
        # The trial counts only where nothing else was measured.
        middle = statistics.median(seconds[1:] or seconds)
        table.setdefault(name, {}).setdefault(task, {})[str(mode)] = batch / middle
    return table


def _fastest(found: dict[tuple[str, str, Mode], list[float]], name: str, task: str, precision: str):
    mine = [key for key in found if key[:2] == (name, task) and key[2].precision == precision]
    return min(mine, key=lambda key: found[key][0])


def multiply_adds(name: str, spec: ModelSpec, task: str) -> int:
    """Of convolutions, matrix products and attention, for one image: a call, or forward and backward of the loss."""
    cpu = torch.device("cpu")
    runner = Runner(name, Mode(), spec, Inputs.drawn(spec, 1, cpu))
    runner.denoiser.train(task == "train")
    with FlopCounterMode(display=False) as counter:
        if task == "train":
            runner.loss_value().backward()
        else:
            runner.infer(1)
    return counter.get_total_flops() // 2
