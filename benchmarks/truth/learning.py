"""Training a denoiser on a problem, and drawing its ensembles."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec
from torch import Tensor

from truth.problems import Case


@dataclass(frozen=True)
class Budget:
    """How long to train, on what, and how finely to sample.

    Attributes:
        steps: Optimiser steps.
        batch: Fresh cases a step.
        rate: Peak learning rate of Adam.
        sampling: Steps of the sampler.
    """

    steps: int = 4000
    batch: int = 32
    rate: float = 3e-3
    sampling: int = 32


def spec_for(case: Case, **options: object) -> ModelSpec:
    """Specification of a network for cases of this shape.

    Args:
        case: Any cases of the problem.
        options: Further keys of the specification; those of a context are left out where the case has none.
    """
    target, dynamic, context = case["target"], case["dynamic"], case.get("context")
    around: dict[str, object] = {}
    if context is None:
        options = {key: value for key, value in options.items() if not key.startswith("context_")}
    else:
        around = {
            "use_context_encoder": True,
            "in_context_dynamic_channels": context.shape[-3],
            "context_shape": tuple(context.shape[-2:]),
        }
    stacked = dynamic.ndim == 5
    return ModelSpec(
        in_dynamic_channels=dynamic.shape[-3],
        in_static_channels=case["static"].shape[1] if "static" in case else 0,
        out_channels=target.shape[1],
        cond_lr_shape=tuple(dynamic.shape[-2:]),
        target_hr_shape=tuple(target.shape[-2:]),
        temporal_steps=dynamic.shape[1] if stacked else 1,
        film_features=case["features"].shape[1] if "features" in case else 0,
        use_film_vars="labels" in case,
        film_labels=int(case["labels"].max()) + 1 if "labels" in case else 0,
        sigma_data=float(target.std()),
        **{"channels": (32, 64, 64), "blocks": 2, "patch": 1, "lr_channels": 32, **around, **options},
    )


def train(
    draw: Callable[[int, torch.Generator], Case],
    spec: ModelSpec,
    budget: Budget,
    *,
    seed: int = 0,
    told: Callable[[int, float], None] | None = None,
) -> EDMDenoiser:
    """Train on fresh cases; returns the network with averaged weights, in evaluation mode."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    denoiser = EDMDenoiser(spec)
    average = copy.deepcopy(denoiser).eval()
    loss = EDMLoss(LogNormal(-0.6, 1.6))
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=budget.rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, budget.rate, total_steps=budget.steps, pct_start=0.05)
    for step in range(budget.steps):
        case = draw(budget.batch, generator)
        optimizer.zero_grad(set_to_none=True)
        parts = loss(
            denoiser,
            case["target"],
            case["dynamic"],
            case.get("static"),
            case.get("features"),
            context_dynamic=case.get("context"),
            labels=case.get("labels"),
            generator=generator,
        )
        parts.loss.backward()
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            keep = min(0.999, (step + 1) / (step + 10))
            for mean, new in zip(average.parameters(), denoiser.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
        if told is not None and (step + 1) % 100 == 0:
            told(step + 1, parts.edm.item())
    return average


@torch.no_grad()
def ensembles(denoiser: EDMDenoiser, case: Case, members: int, *, steps: int = 32, batch: int = 16) -> Tensor:
    """Members of the network's ensembles, [n, members, V, N, N]."""
    sigmas, drawn = karras_schedule(steps, 0.005, 40.0, math.inf), []
    for first in range(0, len(case["target"]), batch):
        part = {key: value[first : first + batch] for key, value in case.items()}
        n = len(part["target"])
        encoded = denoiser.encode(
            part["dynamic"],
            part.get("static"),
            part.get("features"),
            context_dynamic=part.get("context"),
            labels=part.get("labels"),
        ).expand_members(members)
        noise = member_noise(range(first * members, (first + n) * members), part["target"].shape[1:])
        fields = dpmpp_2m(denoiser.bind(encoded), sigmas[0] * noise(0), sigmas, dtype=torch.float32)
        drawn.append(fields.reshape(n, members, *part["target"].shape[1:]))
    return torch.cat(drawn)
