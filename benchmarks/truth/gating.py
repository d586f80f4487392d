"""The RainGate on the censored problem: false drizzle, Brier score and mean with gating on and off, and reliability."""

from __future__ import annotations

from collections.abc import Callable

import torch
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.entropy import exceeds
from stride_model.rain_gate.gating import gate
from stride_model.rain_gate.reliability import Reliability
from stride_model.rain_gate.removed_amount import RemovedAmount
from torch import Tensor

from truth.learning import Budget, ensembles, spec_for, train
from truth.problems import Case, Problem
from truth.scores import TRACE, WET, crps, false_drizzle, wet_brier, wet_where

EXCLUDED = 0.01
"""Below this exact probability a wet pixel is false and not chance."""

REMOVES_AT_MOST = 0.005
"""Share of the total that gating may remove, judged on cases that are not scored."""


def gate_switch(
    problem: Problem,
    budget: Budget,
    cases: int,
    members: int,
    told: Callable[[int, float], None] | None = None,
    gate_input: str = "conditioning",
) -> dict[str, float]:
    """Two networks trained alike, one with a gate that is used at generation, one without.

    Args:
        problem: Whose target is censored.
        budget: Of each training.
        cases: That are scored.
        members: Of their ensembles.
        told: About training.
        gate_input: What the gate sees.

    Returns:
        `brier_on` and `brier_off` of wet against dry and their `brier_gain`; `drizzle_on` and `drizzle_off`, the share
        of pixels that a member makes wet where the truth is dry, and `trace_on` and `trace_off`, the same of any amount
        above a trace; `excluded`, the share of pixels whose exact probability of being wet is below EXCLUDED, and
        `excluded_wet_on` and `excluded_wet_off`, how often members are wet there; `mean_change`, what gating does to
        the mean of one and the same ensemble; `crps_gain` from off to on. Beside them the gated network's members
        before gating (`..._ungated`) and those of the exact conditional (`exact_...`), whose drizzle is chance and not
        false. `reliability_error` beside the `reliability_sampling_error` of perfect probabilities; `gate_brier`, of
        the gate's own probabilities, beside `exact_gate_brier` of the exact ones.
    """
    generator = torch.Generator().manual_seed(99)
    probe = problem.draw(512, generator)
    gated_spec = spec_for(probe, use_rain_gate=True, gated_channels=(0,), gate_thresholds=(WET,), gate_input=gate_input)
    on = train(problem.draw, gated_spec, budget, told=told)
    off = train(problem.draw, spec_for(probe), budget, told=told)
    probability = _calibrate(on, problem.draw(4 * cases, generator), budget)
    case = problem.draw(cases, generator)
    target = case["target"]
    ungated = ensembles(on, case, members, steps=budget.sampling).clamp(min=0)
    gated = gate(ungated, _logits(on, case, ungated), (0,), (0.0,), probability)
    without = ensembles(off, case, members, steps=budget.sampling).clamp(min=0)
    exact = problem.exact(case, members, generator)
    excluded = problem.wet_probability(case, WET) < EXCLUDED
    brier_on, brier_off = wet_brier(gated, target), wet_brier(without, target)
    crps_on, crps_off = float(crps(gated, target).mean()), float(crps(without, target).mean())
    found = {
        "brier_on": brier_on,
        "brier_off": brier_off,
        "brier_gain": 1 - brier_on / brier_off,
        "brier_ungated": wet_brier(ungated, target),
        "exact_brier": wet_brier(exact, target),
        "drizzle_on": false_drizzle(gated, target),
        "drizzle_off": false_drizzle(without, target),
        "drizzle_ungated": false_drizzle(ungated, target),
        "exact_drizzle": false_drizzle(exact, target),
        "trace_on": false_drizzle(gated, target, TRACE),
        "trace_off": false_drizzle(without, target, TRACE),
        "trace_ungated": false_drizzle(ungated, target, TRACE),
        "excluded": float(excluded.float().mean()),
        "excluded_wet_on": wet_where(gated, excluded),
        "excluded_wet_off": wet_where(without, excluded),
        "excluded_wet_ungated": wet_where(ungated, excluded),
        "mean_change": float(gated.double().mean() / ungated.double().mean() - 1),
        "gate_probability": probability,
        "crps_gain": 1 - crps_on / crps_off,
    }
    return found | _reliability(on, problem, problem.draw(4 * cases, generator))


@torch.no_grad()
def _logits(denoiser: EDMDenoiser, case: Case, fields: Tensor, batch: int = 16) -> Tensor:
    """Logits for fields [n, members, V, N, N] of the cases, of the same shape but for the variables."""
    found, noise = [], torch.Generator().manual_seed(7)
    for first in range(0, len(fields), batch):
        part, some = {key: value[first : first + batch] for key, value in case.items()}, fields[first : first + batch]
        n, members = some.shape[:2]
        encoded = denoiser.encode(part["dynamic"]).expand_members(members)
        flat = some.flatten(0, 1)
        logits = denoiser.gate_logits_of_field(encoded, flat, torch.randn(flat.shape, generator=noise))
        assert logits is not None
        found.append(logits.unflatten(0, (n, members)))
    return torch.cat(found)


def _calibrate(denoiser: EDMDenoiser, case: Case, budget: Budget) -> float:
    """The probability below which neither true nor generated fields lose more than may be removed."""
    chosen = []
    for fields in (case["target"][:, None], ensembles(denoiser, case, 1, steps=budget.sampling).clamp(min=0)):
        removed = RemovedAmount()
        for logits, amount in zip(_logits(denoiser, case, fields), fields, strict=True):
            removed.add(logits, amount)
        chosen.append(removed.probability(REMOVES_AT_MOST))
    return min(chosen)


def _reliability(denoiser: EDMDenoiser, problem: Problem, case: Case) -> dict[str, float]:
    target = case["target"]
    logits, wet = _logits(denoiser, case, target[:, None])[:, 0], exceeds(target, (0,), (WET,))
    ours = Reliability()
    for predicted, observed in zip(logits, wet, strict=True):
        ours.add(predicted, observed)
    exact = problem.wet_probability(case, WET)
    return {
        "reliability_error": ours.error,
        "reliability_sampling_error": ours.sampling_error,
        "gate_brier": ours.brier,
        "exact_gate_brier": float((exact - wet.float()).square().mean()),
    }
