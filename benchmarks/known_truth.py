# /// script
# requires-python = ">=3.11"
# dependencies = ["stride-model", "matplotlib"]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-model = { path = "../packages/stride-model", editable = true }
# ///
"""How close a trained model comes to conditional distributions that are known exactly.

    uv run --script benchmarks/known_truth.py [--quick] [--json FILE] [--plots FOLDER] [--only NAME ...]

For each problem a network is trained on fresh cases, then its ensembles of unseen cases are compared with ensembles of
the same size from the exact conditional, on the same cases: ratio of the mean CRPS, spread over skill, and the largest
deviation of the members' spectrum at any wavenumber. For each switch a network that is told an input and one that is
not are trained alike; the gain is the share of the CRPS that the input takes away. The switch `rain_gate` compares
networks with and without a gate: false drizzle, Brier score of wet against dry, and what gating does to the mean.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from truth.gating import gate_switch
from truth.learning import Budget, ensembles, spec_for, train
from truth.problems import PROBLEMS, SWITCHES, Problem, without
from truth.scores import crps, spectrum, spread_skill, wet_brier

MEMBERS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the training, and fewer cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw fields and spectra there")
    parser.add_argument("--only", nargs="+", choices=[*PROBLEMS, *SWITCHES], help="some of the problems")
    options = parser.parse_args()
    chosen = options.only or [*PROBLEMS, *SWITCHES]
    results: dict[str, Any] = {"problems": {}, "switches": {}, "quick": options.quick}
    cases = 48 if options.quick else 128
    for name in chosen:
        begun = time.monotonic()
        if name in PROBLEMS:
            budget = Budget(steps=1000 if options.quick else 5000, batch=16)
            found = _problem(PROBLEMS[name](), budget, cases, options.plots)
            results["problems"][name] = found
        else:
            budget = Budget(steps=500 if options.quick else 2000, batch=32)
            if name == "rain_gate":
                found = gate_switch(SWITCHES[name](), budget, cases, MEMBERS, _say)
            else:
                found = _switch(SWITCHES[name](), budget, cases)
            results["switches"][name] = found
        found["seconds"] = time.monotonic() - begun
        print(name, " ".join(f"{key} {value:.4g}" for key, value in found.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _problem(problem: Problem, budget: Budget, cases: int, plots: Path | None) -> dict[str, float]:
    generator = torch.Generator().manual_seed(99)
    denoiser = train(problem.draw, spec_for(problem.draw(512, generator), **problem.spec), budget, told=_say)
    case = problem.draw(cases, generator)
    target = case["target"]
    exact, ours = problem.exact(case, MEMBERS, generator), ensembles(denoiser, case, MEMBERS)
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
    if plots is not None:
        from truth.pictures import picture

        plots.mkdir(parents=True, exist_ok=True)
        picture(problem.name, target, ours, exact, plots / f"{problem.name}.png")
    return found


def _switch(problem: Problem, budget: Budget, cases: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(99)
    probe = problem.draw(512, generator)

    def blind(n: int, random: torch.Generator) -> dict[str, torch.Tensor]:
        return without(problem.name, problem.draw(n, random))

    on = train(problem.draw, spec_for(probe, **problem.spec), budget, told=_say)
    off = train(blind, spec_for(without(problem.name, probe), **problem.spec), budget, told=_say)
    case = problem.draw(cases, generator)
    told = float(crps(ensembles(on, case, MEMBERS), case["target"]).mean())
    untold = float(crps(ensembles(off, without(problem.name, case), MEMBERS), case["target"]).mean())
    exact = float(crps(problem.exact(case, MEMBERS, generator), case["target"]).mean())
    return {"crps_on": told, "crps_off": untold, "crps_gain": 1 - told / untold, "crps_ratio_on": told / exact}


def _say(step: int, loss: float) -> None:
    if step % 500 == 0:
        print(f"  step {step}, loss {loss:.3f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
