"""A trained network's ensembles beside those of the exact conditional."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from truth.learning import Budget, ensembles, spec_for, train
from truth.problems import Problem
from truth.scores import crps, spectrum, spread_skill, wet_brier


def compare(
    problem: Problem,
    budget: Budget,
    cases: int,
    members: int,
    *,
    told: Callable[[int, float], None] | None = None,
    plots: Path | None = None,
) -> dict[str, float]:
    """Train on a problem and score ensembles of unseen cases.

    Args:
        problem: Whose whole conditional distribution is compared.
        budget: Of the training.
        cases: That are scored.
        members: Of an ensemble, ours and the exact one.
        told: About training.
        plots: Folder for a picture of fields and spectra.

    Returns:
        `crps` and `exact_crps` and their `crps_ratio`; `spread_skill` and `exact_spread_skill`; `max_spectrum_error`,
        the largest relative deviation of the power at any wavenumber of any variable; of censored problems the Brier
        scores of wet against dry, `brier` and `exact_brier`; of several variables `max_correlation_error`, the largest
        deviation of the members' correlation between two variables about the ensemble's mean.
    """
    generator = torch.Generator().manual_seed(99)
    denoiser = train(problem.draw, spec_for(problem.draw(512, generator), **problem.spec), budget, told=told)
    case = problem.draw(cases, generator)
    target = case["target"]
    exact, ours = problem.exact(case, members, generator), ensembles(denoiser, case, members, steps=budget.sampling)
    if problem.dry_below is not None:
        ours = ours.clamp(min=0)
    ratio = spectrum(ours) / spectrum(exact)
    found = {
        "crps": float(crps(ours, target).mean()),
        "exact_crps": float(crps(exact, target).mean()),
        "crps_ratio": float(crps(ours, target).mean() / crps(exact, target).mean()),
        "spread_skill": spread_skill(ours, target),
        "exact_spread_skill": spread_skill(exact, target),
        "max_spectrum_error": float((ratio - 1).abs().max()),
    }
    if problem.dry_below is not None:
        found["brier"], found["exact_brier"] = wet_brier(ours, target), wet_brier(exact, target)
    if target.shape[1] > 1:
        found["max_correlation_error"] = float((_correlation(ours) - _correlation(exact)).abs().max())
    if plots is not None:
        from truth.pictures import picture

        plots.mkdir(parents=True, exist_ok=True)
        picture(problem.name, target, ours, exact, plots / f"{problem.name}.png")
    return found


def _correlation(ensemble: torch.Tensor) -> torch.Tensor:
    """Correlation between variables of what members deviate from their ensemble's mean, [V, V]."""
    deviations = (ensemble - ensemble.mean(dim=1, keepdim=True)).movedim(2, 0).flatten(1)
    return torch.corrcoef(deviations)
