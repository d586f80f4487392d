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

from truth.comparison import compare
from truth.gating import gate_switch
from truth.learning import Budget
from truth.problems import PROBLEMS, SWITCHES
from truth.switching import switch_gain

MEMBERS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fields of 16 x 16, a tenth of the training, fewer cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw fields and spectra there")
    parser.add_argument("--only", nargs="+", choices=[*PROBLEMS, *SWITCHES], help="some of the problems")
    options = parser.parse_args()
    chosen = options.only or [*PROBLEMS, *SWITCHES]
    results: dict[str, Any] = {"problems": {}, "switches": {}, "quick": options.quick}
    for name in chosen:
        begun = time.monotonic()
        if name in PROBLEMS:
            size, budget = (16, Budget(steps=400, batch=32)) if options.quick else (32, Budget(steps=5000, batch=16))
            cases = 48 if options.quick else 128
            found = compare(PROBLEMS[name](size), budget, cases, MEMBERS, told=_say, plots=options.plots)
            results["problems"][name] = found
        else:
            budget = Budget(steps=150 if options.quick else 2000, batch=32)
            cases = 32 if options.quick else 128
            if name == "rain_gate":
                found = gate_switch(SWITCHES[name](), budget, cases, MEMBERS, _say)
            else:
                found = switch_gain(SWITCHES[name](), budget, cases, MEMBERS, told=_say)
            results["switches"][name] = found
        found["seconds"] = time.monotonic() - begun
        print(name, " ".join(f"{key} {value:.4g}" for key, value in found.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _say(step: int, loss: float) -> None:
    if step % 500 == 0:
        print(f"  step {step}, loss {loss:.3f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
