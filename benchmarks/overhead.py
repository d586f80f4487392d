# /// script
# requires-python = ">=3.11"
# dependencies = ["stride-app"]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-app = { path = "../apps/stride", editable = true }
# stride-eval = { path = "../packages/stride-eval", editable = true }
# stride-train = { path = "../packages/stride-train", editable = true }
# stride-data = { path = "../packages/stride-data", editable = true }
# stride-model = { path = "../packages/stride-model", editable = true }
# stride-vars = { path = "../packages/stride-vars", editable = true }
# ///
"""What training and generation cost beyond the network, and what a second process brings.

    uv run --script benchmarks/overhead.py [--quick] [--json FILE] [--rounds N]

On the fields of the embedded example: with the network and the 64 x 64 cells of its experiment (`small`: 0.5 million
parameters, 15 ms a call for eight members, so that everything else shows), and on 128 x 128 cells with the network and
the batch that an experiment has when it names none.

Trainer: `stride-train`'s loop (reading, noise, history, averaged weights) and a bare loop of forward, backward,
clipping and optimiser step on batches that lie in memory take turns of five steps in one process; without monitors
and checkpoints, whose cost a user sets by how often they come. Generation: the seconds of a whole `stride-generate`
of 17 times (opening the archive, reading, encoding, sampler, transforms, probability matched mean, writing) over
those that it spends within the network. Two processes: images a second of `stride-train` started by torchrun with two
processes of one thread, each with the batch that one process has, over twice those of one such process; and, for what
the machine itself allows, over those of two processes that know nothing of each other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from stride_data.loaders import make_loader
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_train.assemble import assemble_spec
from stride_train.config import ExperimentConfig
from stride_train.config.model import ModelConfig
from stride_train.data import prepare_statistics
from stride_train.experiments import EMBEDDED, load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.target_scales import measure_target_scales
from stride_train.training.history import read_history
from stride_train.training.noise_levels import training_levels
from stride_train.training.objective import Objective
from stride_train.training.precision import choose_precision
from stride_train.training.trainer import Trainer

NOTHING_ELSE = ("train.monitor.cases=0", "train.checkpoint_every=100h")
TURN = 5
"""Steps that the trainer and the bare loop make in turn."""
WARM = 4
"""Turns that do not count."""
SETTINGS: dict[str, tuple[str, ...]] = {
    "small": (),
    "default": (
        "data.region.hr={y: 24, x: 232, height: 128, width: 128}",
        "train.batch_size=8",
        *(f"model.{name}={json.dumps(value)}" for name, value in ModelConfig().model_dump(mode="json").items()),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a third of the steps and members, two rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, help="how often one and two processes are started (default 4, quick 2)")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 4)
    turns = 24 if options.quick else 80
    results: dict[str, Any] = {"threads": torch.get_num_threads(), "quick": options.quick}
    with tempfile.TemporaryDirectory(prefix="stride-overhead-") as folder:
        for setting, overrides in SETTINGS.items():
            work = Path(folder) / setting
            run = RunFolder(work / "run")
            run.create()
            measured = {
                "trainer": measure_trainer(run, overrides, turns),
                "generation": measure_generation(run, overrides, 8 if options.quick else 32),
                "two_processes": measure_two_processes(work, overrides, 60 if options.quick else 120, rounds),
            }
            results[setting] = measured
            prefix = "" if setting == "default" else f"{setting}_"
            results |= {
                f"{prefix}trainer_overhead": measured["trainer"]["overhead"],
                f"{prefix}generation_overhead": measured["generation"]["overhead"],
                f"{prefix}two_process_efficiency": measured["two_processes"]["efficiency"],
                f"{prefix}two_process_over_strangers": measured["two_processes"]["over_strangers"],
            }
    for name, value in results.items():
        print(f"{name:<36} {json.dumps(value)}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


# Training


def measure_trainer(run: RunFolder, overrides: tuple[str, ...], turns: int) -> dict[str, Any]:
    """Seconds a step of the trainer and of the bare loop, in turn."""
    steps = TURN * (turns + WARM)
    config = load_experiment(
        EMBEDDED, [*overrides, f"train.budget={steps}steps", f"train.log_every={TURN}", *NOTHING_ELSE]
    )
    adapter = prepare_statistics(config, run)
    scales = measure_target_scales(adapter, fine_scales=config.model.fine_scales, together=True)
    spec = assemble_spec(adapter, config.model, scales=scales)
    trainer, bare = Trainer(config, adapter, spec, run), bare_loop(config, adapter, spec)
    ours: list[float] = []
    theirs: list[float] = []
    since = time.perf_counter()

    def take_turns(fraction: float, note: str = "") -> None:
        nonlocal since
        ours.append(time.perf_counter() - since)
        theirs.append(bare())
        since = time.perf_counter()

    trainer.train(take_turns)
    excess = [mine / other - 1 for mine, other in zip(ours[WARM:], theirs[WARM:], strict=True)]
    found = {
        "step_ms": 1000 * statistics.median(ours[WARM:]) / TURN,
        "bare_step_ms": 1000 * statistics.median(theirs[WARM:]) / TURN,
        "overhead": statistics.median(excess),
        "quartiles": statistics.quantiles(excess, n=4)[::2],
    }
    say(f"training: {found}")
    return found


def bare_loop(config: ExperimentConfig, adapter: Any, spec: ModelSpec) -> Callable[[], float]:
    """Makes a turn's steps of forward, backward, clipping and optimiser, and returns their seconds."""
    options = config.train
    loader = make_loader(
        adapter,
        "train",
        batch_size=options.batch_size,
        seed=config.seed,
        shuffle=True,
        crops_per_field=options.crops_per_field,
        drop_last=True,
    )
    batches = [batch for batch, _ in zip(loader, range(8), strict=False)]
    objective = Objective(EDMDenoiser(spec), EDMLoss(training_levels(options))).train()
    parameters = list(objective.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=options.weight_decay)
    generator = torch.Generator().manual_seed(0)
    reduced = choose_precision(options.precision) == "bf16-mixed"

    def turn() -> float:
        begun = time.perf_counter()
        for number in range(TURN):
            optimizer.zero_grad(set_to_none=True)
            batch = batches[number % len(batches)]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
                loss = objective(batch, objective.draw(tuple(batch["target"].shape), generator))["loss"]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, options.gradient_clip)
            optimizer.step()
        return time.perf_counter() - begun

    return turn


# Generation


def measure_generation(run: RunFolder, overrides: tuple[str, ...], members: int) -> dict[str, Any]:
    """Seconds of generating the times of the training split, and those of them within the network."""
    config = load_experiment(
        EMBEDDED, [*overrides, f"generate.members={members}", "generate.batch_size=8", "generate.split=train"]
    )
    for number in range(2):  # the first one warms up
        with time_in_network() as calls:
            begun = time.perf_counter()
            generate(run, config, folder=run.path / f"ensembles-{number}")
            seconds = time.perf_counter() - begun
    found = {"seconds": seconds, "in_network": sum(calls), "overhead": seconds / sum(calls) - 1}
    say(f"generation: {found}")
    return found


@contextmanager
def time_in_network() -> Iterator[list[float]]:
    """Collects the seconds of every call of the network: of its encoder, and of its denoiser."""
    seconds: list[float] = []
    kept = {name: getattr(EDMDenoiser, name) for name in ("encode", "forward")}

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                seconds.append(time.perf_counter() - begun)

        return one

    for name, call in kept.items():
        setattr(EDMDenoiser, name, timed(call))
    try:
        yield seconds
    finally:
        for name, call in kept.items():
            setattr(EDMDenoiser, name, call)


# Two processes


def measure_two_processes(work: Path, overrides: tuple[str, ...], steps: int, rounds: int) -> dict[str, Any]:
    """Images a second in training of one and of two processes of one thread each, in turn."""
    rates: dict[str, list[float]] = {"one": [], "two": [], "strangers": []}
    for number in range(rounds):
        for kind, found in rates.items():
            folders = [work / f"{kind}-{number}-{each}" for each in range(2 if kind == "strangers" else 1)]
            batch = load_experiment(EMBEDDED, overrides).train.batch_size * (2 if kind == "two" else 1)
            options = [*overrides, f"train.budget={steps}steps", f"train.batch_size={batch}", *NOTHING_ELSE]
            begun = [started(kind, folder, options) for folder in folders]
            for process in begun:
                if process.wait():
                    raise SystemExit(f"stride-train failed in {folders}")
            found.append(sum(images_a_second(RunFolder(folder)) for folder in folders))
        latest = ", ".join(f"{kind} {found[-1]:.2f}" for kind, found in rates.items())
        say(f"images a second, round {number + 1}: {latest}")
    one, two, strangers = (statistics.median(found) for found in rates.values())
    return {
        "one": one,
        "two": two,
        "strangers": strangers,
        "efficiency": two / (2 * one),
        "over_strangers": two / strangers,
    }


def images_a_second(run: RunFolder) -> float:
    """From the first row of the history on: the steps before it warm up."""
    first, *_, last = read_history(run.history)
    return (int(last["images"]) - int(first["images"])) / (float(last["seconds"]) - float(first["seconds"]))


def started(kind: str, folder: Path, options: list[str]) -> subprocess.Popen[bytes]:
    """Starts a training, by torchrun where two processes share it."""
    script = str(Path(sys.executable).with_name("stride-train"))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    settings = [part for option in options for part in ("--set", option)]
    return subprocess.Popen(
        [*(launcher if kind == "two" else []), script, EMBEDDED, "--out", str(folder), *settings],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
