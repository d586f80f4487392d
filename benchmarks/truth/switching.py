"""What an input takes off the CRPS: networks trained alike, with it and without."""

from __future__ import annotations

from collections.abc import Callable

import torch

from truth.learning import Budget, ensembles, spec_for, train
from truth.problems import Problem, without
from truth.scores import crps


def switch_gain(
    problem: Problem,
    budget: Budget,
    cases: int,
    members: int,
    *,
    told: Callable[[int, float], None] | None = None,
) -> dict[str, float]:
    """Train with the input that gives the problem its name and without, and score both on the same unseen cases.

    Returns:
        `crps_on`, `crps_off` and `crps_gain`, the share of the CRPS that the input takes away; `crps_ratio_on`, to the
        exact conditional given all inputs.
    """
    generator = torch.Generator().manual_seed(99)
    probe = problem.draw(512, generator)

    def blind(n: int, random: torch.Generator) -> dict[str, torch.Tensor]:
        return without(problem.name, problem.draw(n, random))

    on = train(problem.draw, spec_for(probe, **problem.spec), budget, told=told)
    off = train(blind, spec_for(without(problem.name, probe), **problem.spec), budget, told=told)
    case = problem.draw(cases, generator)
    with_it = float(crps(ensembles(on, case, members, steps=budget.sampling), case["target"]).mean())
    without_it = float(
        crps(ensembles(off, without(problem.name, case), members, steps=budget.sampling), case["target"]).mean()
    )
    exact = float(crps(problem.exact(case, members, generator), case["target"]).mean())
    return {
        "crps_on": with_it,
        "crps_off": without_it,
        "crps_gain": 1 - with_it / without_it,
        "crps_ratio_on": with_it / exact,
    }
