"""What networks have learnt of a distribution that is known exactly, after the same time of training."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass

import torch
from stride_model.fine_scales import white_equivalent
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec
from torch import Tensor, nn
from truth.problems import Case, Problem
from truth.scores import crps

from peers.networks import build
from peers.speed import Mode

LEVELS = LogNormal(-0.6, 1.6)
BATCH = 4  # small: the slowest network must take steps enough


@dataclass(frozen=True)
class Trial:
    """How long and how a network is trained, and how it is judged.

    Attributes:
        seconds: Wall clock of training.
        rates: Peak learning rates; the one of the lowest loss on unseen cases counts.
        cases: Unseen cases.
        members: Ensemble size.
        steps: Calls of DPM-Solver++(2M).
    """

    seconds: float
    rates: tuple[float, ...]
    cases: int
    members: int
    steps: int


def spec_of(problem: Problem) -> ModelSpec:
    """Channels and shapes of a problem, everything else at its default."""
    case = problem.draw(512, torch.Generator().manual_seed(99))
    return ModelSpec(
        in_dynamic_channels=case["dynamic"].shape[1],
        out_channels=case["target"].shape[1],
        cond_lr_shape=tuple(case["dynamic"].shape[-2:]),
        target_hr_shape=tuple(case["target"].shape[-2:]),
        sigma_data=float(case["target"].std()),
        fine_scale_std=white_equivalent(case["target"], 2).tolist(),
    )


def compare(
    problem: Problem, name: str, mode: Mode, trial: Trial, device: torch.device
) -> dict[str, float | dict[str, float]]:
    """CRPS of a network over that of the exact conditional, on the same cases.

    Returns:
        `crps_ratio`, `loss` and `rate` of the best learning rate, the `images` seen with it, and `losses` by rate.
    """
    spec = spec_of(problem)
    losses, best = {}, None
    unseen = _to(problem.draw(64, torch.Generator().manual_seed(7)), device)
    for rate in trial.rates:
        network, images = train_for(problem, name, spec, mode, rate, trial.seconds, device)
        loss = _loss(network, unseen, mode)
        losses[f"{rate:g}"] = loss
        if best is None or loss < best[0]:
            best = (loss, rate, images, network)
    if best is None:
        raise ValueError("no learning rate")
    loss, rate, images, network = best
    generator = torch.Generator().manual_seed(8)
    case = problem.draw(trial.cases, generator)
    exact = problem.exact(case, trial.members, generator)
    drawn = _ensembles(network, _to(case, device), trial, mode).cpu()
    ratio = crps(drawn, case["target"]).mean() / crps(exact, case["target"]).mean()
    return {"crps_ratio": float(ratio), "loss": loss, "rate": rate, "images": images, "losses": losses}


def train_for(
    problem: Problem, name: str, spec: ModelSpec, mode: Mode, rate: float, seconds: float, device: torch.device
) -> tuple[EDMDenoiser, int]:
    """Train for a time; the learning rate rises over 5 % of it and falls to zero as a cosine.

    Returns:
        The network with averaged weights, in evaluation mode, and the images it saw.
    """
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    denoiser = build(name, spec, bf16=mode.bf16, channels_last=mode.channels_last).to(device)
    average = copy.deepcopy(denoiser).eval()
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
    loss, step, begun = EDMLoss(LEVELS), 0, time.monotonic()
    denoiser.train()
    while (done := (time.monotonic() - begun) / seconds) < 1:
        optimizer.param_groups[0]["lr"] = rate * min(done / 0.05, 0.5 + 0.5 * math.cos(math.pi * done))
        case = _to(problem.draw(BATCH, generator), device)
        optimizer.zero_grad(set_to_none=True)
        with _autocast(mode, device):
            value = loss(denoiser, case["target"], case["dynamic"], generator=generator).loss
        value.backward()
        nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(0.999, step / (step + 9))
            torch._foreach_lerp_(list(average.parameters()), list(denoiser.parameters()), 1 - keep)
    return average, step * BATCH


@torch.no_grad()
def _loss(denoiser: EDMDenoiser, case: Case, mode: Mode) -> float:
    """At quantiles of the training's noise levels, the same noise for everyone; infinite if not finite."""
    n = len(case["target"])
    quantiles = torch.special.ndtri((torch.arange(n) + 0.5) / n)
    sigma = (LEVELS.p_mean + LEVELS.p_std * quantiles).exp()
    generator = torch.Generator().manual_seed(9)
    with _autocast(mode, case["target"].device):
        parts = EDMLoss()(denoiser, case["target"], case["dynamic"], generator=generator, sigma=sigma)
    value = float(parts.edm)
    return value if math.isfinite(value) else math.inf


@torch.no_grad()
def _ensembles(denoiser: EDMDenoiser, case: Case, trial: Trial, mode: Mode) -> Tensor:
    """[cases, members, V, N, N], a case at a time."""
    sigmas, drawn = karras_schedule(trial.steps, 0.005, 40.0), []
    device, shape = case["target"].device, case["target"].shape[1:]
    for i in range(trial.cases):
        with _autocast(mode, device):
            encoded = denoiser.encode(case["dynamic"][i : i + 1]).expand_members(trial.members)
            noise = member_noise(range(i * trial.members, (i + 1) * trial.members), shape, device=device)
            start = sigmas[0] * noise(0)
            drawn.append(dpmpp_2m(denoiser.bind(encoded), start, sigmas.to(device), dtype=torch.float32))
    return torch.stack(drawn)


def _autocast(mode: Mode, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mode.bf16)


def _to(case: Case, device: torch.device) -> Case:
    return {name: value.to(device) for name, value in case.items()}
