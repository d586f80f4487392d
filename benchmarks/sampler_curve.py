# /// script
# requires-python = ">=3.11"
# dependencies = ["stride-train", "matplotlib"]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-train = { path = "../packages/stride-train", editable = true }
# stride-data = { path = "../packages/stride-data", editable = true }
# stride-model = { path = "../packages/stride-model", editable = true }
# stride-vars = { path = "../packages/stride-vars", editable = true }
# ///
"""How good an ensemble is after so many network calls: CRPS against calls for every sampler.

    uv run --script benchmarks/sampler_curve.py [--quick] [--json FILE] [--plots FOLDER] [--run RUN_DIR]

On problems of known truth, once with the exact denoiser (what is left is the sampler's own error) and with networks
that the script trains; and, with --run, on the times of a split that a trained run has not seen. Every sampler starts
every member from the same noise. Then DPM-Solver++(2M) with 12 calls is tried with other noise levels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from stride_model.samplers.member_noise import member_noise
from stride_train.config import SamplerConfig
from stride_train.generation.sampling import sample_members
from torch import Tensor
from truth.exact_denoiser import exact_denoiser
from truth.learning import Budget, spec_for, train
from truth.problems import PROBLEMS, Problem
from truth.scores import crps

CALLS = (4, 6, 8, 12, 18, 24, 35)
METHODS = ("heun", "euler", "dpmpp_2m", "dpmpp_2m_sde")
LEVELS = {key: getattr(SamplerConfig(), key) for key in ("sigma_min", "sigma_max", "rho")}
"""Noise levels of the curves: stride-train's defaults."""

PAPER = {"sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0}
"""Those of Karras et al. 2022, with which the reference of 35 calls is also drawn."""

OTHERS = [
    {"sigma_min": low, "sigma_max": high, "rho": rho}
    for high in (40.0, 80.0)
    for rho in (7.0, 10.0, 20.0, 40.0)
    for low in (0.002, 0.005, 0.02)
]
"""Noise levels that DPM-Solver++(2M) is tried with."""

FEWER = [levels for levels in OTHERS if levels["sigma_max"] == 80.0 and levels["rho"] != 10.0]
"""The same for --quick."""

GAUSSIAN = ("gaussian", "two_variables")
"""Problems whose denoiser is known."""

FIELDS = 32
"""Side of the synthetic fields."""

Score = Callable[[SamplerConfig], float]


@dataclass(frozen=True)
class Size:
    """How much is drawn.

    Attributes:
        cases: Of each synthetic problem.
        members: Of each case.
        levels: Noise levels that DPM-Solver++(2M) is tried with.
    """

    cases: int
    members: int
    levels: list[dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter training, fewer cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the curves there")
    parser.add_argument("--run", type=Path, metavar="RUN_DIR", help="a run folder that stride-train wrote")
    parser.add_argument("--split", default="val", help="of the run: the times to generate (default: val)")
    parser.add_argument("--times", type=int, help="of the run: how many times, evenly spread (default 12, quick 4)")
    parser.add_argument("--steps", type=int, help="training steps of each network (default 5000, quick 800)")
    names = [f"exact {name}" for name in GAUSSIAN] + list(PROBLEMS)
    parser.add_argument("--only", nargs="*", choices=names, help="some of the problems; none of them without a name")
    options = parser.parse_args()
    size = Size(8, 8, FEWER) if options.quick else Size(32, 16, OTHERS)
    steps = options.steps or (800 if options.quick else 5000)
    results: dict[str, Any] = {"quick": options.quick, "levels": LEVELS, "problems": {}}
    results["scales"] = _scales()
    for name in names if options.only is None else options.only:
        kind, _, problem = name.rpartition(" ")
        maker = _exact if kind else _trained
        _measure(name, maker(PROBLEMS[problem](FIELDS), size, steps), size, results, options.json)
    if options.run is not None:
        times = options.times or (4 if options.quick else 12)
        score = _of_run(options.run, options.split, times, size.members)
        _measure(f"{options.run.name} ({options.split})", score, size, results, options.json)
    if options.plots is not None and results["problems"]:
        options.plots.mkdir(parents=True, exist_ok=True)
        draw(results["problems"], options.plots / "sampler_curve.png")


def _measure(name: str, score: Score, size: Size, results: dict[str, Any], path: Path | None) -> None:
    """Curves of one problem into the results, which are written as they grow."""
    begun = time.monotonic()
    found: dict[str, Any] = {}
    for method in METHODS:
        found[method] = []
        for calls in CALLS:
            config = _with_calls(method, calls, LEVELS)
            found[method].append([config.network_calls, score(config)])
        print(f"{name:<24} {method:<13}", "  ".join(f"{n}: {value:.5f}" for n, value in found[method]), flush=True)
    reference = found["heun"][CALLS.index(35)][1]
    found["heun_35_paper"] = score(_with_calls("heun", 35, PAPER))
    found["dpmpp_2m_12_vs_heun_35"] = found["dpmpp_2m"][CALLS.index(12)][1] / reference
    tried = [{**levels, "vs_heun_35": score(_with_calls("dpmpp_2m", 12, levels)) / reference} for levels in size.levels]
    found["dpmpp_2m_12_levels"] = sorted(tried, key=lambda row: row["vs_heun_35"])
    for row in found["dpmpp_2m_12_levels"][:5]:
        print(f"{name:<24} dpmpp_2m, 12 calls", " ".join(f"{key} {value:g}" for key, value in row.items()), flush=True)
    found["seconds"] = time.monotonic() - begun
    print(f"{name:<24} dpmpp_2m_12_vs_heun_35 {found['dpmpp_2m_12_vs_heun_35']:.4f}", flush=True)
    results["problems"][name] = found
    results["dpmpp_2m_12_vs_heun_35"] = max(row["dpmpp_2m_12_vs_heun_35"] for row in results["problems"].values())
    if path is not None:
        path.write_text(json.dumps(results, indent=2) + "\n")


def _with_calls(method: str, calls: int, levels: dict[str, float]) -> SamplerConfig:
    """The sampler with at most so many network calls: N steps of Heun's method cost 2 N - 1."""
    return SamplerConfig(method=method, steps=(calls + 1) // 2 if method == "heun" else calls, **levels)


def _scales() -> dict[str, Any]:
    """Largest relative error of the variance at any scale, without any error of a network.

    A Gaussian field is a sum of independent modes whose variance falls from large scales to small ones. For variances
    from 4 down to 1e-3 the exact denoiser and with it the sampler act on every mode by a factor.
    """
    variance = torch.logspace(-3, 0.6, 40, dtype=torch.float64)
    found: dict[str, Any] = {}
    for title, levels in (("paper", PAPER), ("default", LEVELS)):
        found[title] = {"levels": levels}
        for method in ("heun", "euler", "dpmpp_2m"):
            found[title][method] = []
            for calls in CALLS:
                config = _with_calls(method, calls, levels)
                out = sample_members(
                    config, lambda x, sigma: variance / (variance + sigma**2) * x, _ones, torch.device("cpu")
                )
                error = float((out.square() / variance - 1).abs().max())
                found[title][method].append([config.network_calls, error])
            shown = "  ".join(f"{n}: {value:.3f}" for n, value in found[title][method])
            print(f"variance by scale, {title:<8} {method:<13} {shown}", flush=True)
    return found


def _ones(draw: int) -> Tensor:
    return torch.ones(40, dtype=torch.float64)


def _exact(problem: Problem, size: Size, steps: int) -> Score:
    case = problem.draw(size.cases, torch.Generator().manual_seed(99))
    denoise = exact_denoiser(problem.fields, case, size.members)
    return lambda sampler: _score(problem, case, size.members, denoise, sampler)


def _trained(problem: Problem, size: Size, steps: int) -> Score:
    generator = torch.Generator().manual_seed(99)
    probe = problem.draw(512, generator)
    denoiser = train(problem.draw, spec_for(probe), Budget(steps=steps, batch=16), told=_say)
    case = problem.draw(size.cases, generator)
    with torch.no_grad():
        encoded = denoiser.encode(case["dynamic"], case.get("static"), case.get("features"))
    denoise = denoiser.bind(encoded.expand_members(size.members))
    return lambda sampler: _score(problem, case, size.members, denoise, sampler)


def _score(
    problem: Problem,
    case: dict[str, Tensor],
    members: int,
    denoise: Callable[[Tensor, Tensor], Tensor],
    sampler: SamplerConfig,
) -> float:
    target = case["target"]
    noise = member_noise(range(len(target) * members), target.shape[1:])
    fields = sample_members(sampler, denoise, noise, torch.device("cpu"))
    fields = fields.float().reshape(len(target), members, *target.shape[1:])
    if problem.dry_below is not None:
        fields = fields.clamp(min=0)
    return float(crps(fields, target).mean())


def _of_run(folder: Path, split: str, count: int, size: int) -> Score:
    """Scores of a trained run: fair CRPS in physical units, mean over pixels, targets and times."""
    import numpy as np
    from stride_model.precondition import EDMDenoiser
    from stride_train.checkpoint import latest_checkpoint, load_checkpoint
    from stride_train.data import open_data
    from stride_train.generation.draw import draw_members
    from stride_train.run_folder import RunFolder
    from stride_train.training.ensemble_scores import fair_crps
    from stride_train.training.precision import choose_precision

    run = RunFolder(folder)
    config = run.load_config()
    checkpoint = load_checkpoint(latest_checkpoint(run.checkpoints))
    adapter = open_data(config, statistics=checkpoint.data["statistics"])
    denoiser = EDMDenoiser(checkpoint.spec).eval()
    denoiser.load_state_dict(checkpoint.average)
    times = adapter.times(split)
    chosen = [times[i] for i in np.unique(np.linspace(0, len(times) - 1, count).round().astype(int))]
    precision = torch.bfloat16 if choose_precision("auto") == "bf16-mixed" else None
    cases = [(moment, adapter.sample(moment), adapter.fields(moment)) for moment in chosen]

    def score(sampler: SamplerConfig) -> float:
        scores = []
        for moment, sample, fields in cases:
            assert fields.target is not None
            members = draw_members(
                denoiser,
                sample,
                adapter,
                sampler,
                seed=config.seed,
                time=moment,
                members=range(size),
                batch_size=size,
                precision=precision,
            )
            scores.append(np.nanmean(fair_crps(members, fields.target)))
        return float(np.mean(scores))

    return score


def draw(problems: dict[str, Any], path: Path) -> None:
    """One panel a problem: CRPS over that of Heun's 35 calls, against calls; the band is 1 %."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    labels = {"heun": "Heun", "euler": "Euler", "dpmpp_2m": "DPM-Solver++(2M)", "dpmpp_2m_sde": "SDE-DPM-Solver++(2M)"}
    columns = min(len(problems), 3)
    rows = -(-len(problems) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.2 * columns, 3.5 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat[len(problems) :]:
        axis.set_visible(False)
    for axis, (name, found) in zip(axes.flat, problems.items(), strict=False):
        reference = found["heun"][CALLS.index(35)][1]
        axis.axhspan(0.99, 1.01, color="0.88")
        for method, marker in zip(METHODS, "osD^", strict=True):
            calls, values = zip(*found[method], strict=True)
            axis.plot(calls, [value / reference for value in values], marker=marker, ms=4.5, label=labels[method])
        lowest = min(value for method in METHODS for _, value in found[method]) / reference
        axis.set(title=name, xscale="log", yscale="log", ylim=(min(0.94, 0.97 * lowest), 2.0))
        axis.set(xlabel="network calls a member", xlim=(3.5, 40))
        axis.set_xticks(CALLS, [str(n) for n in CALLS])
        ticks = [tick for tick in (0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.5, 2) if tick >= axis.get_ylim()[0]]
        axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel("CRPS / CRPS of Heun, 35 calls")
    axes[0, 0].legend(fontsize=8, loc="upper right")
    figure.savefig(path, dpi=160)


def _say(step: int, loss: float) -> None:
    if step % 400 == 0:
        print(f"  step {step}, loss {loss:.3f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
