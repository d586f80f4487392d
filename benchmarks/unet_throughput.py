# /// script
# requires-python = ">=3.11"
# dependencies = ["stride-model", "diffusers", "nvidia-physicsnemo"]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-model = { path = "../packages/stride-model", editable = true }
# ///
"""Speed of our UNet against PhysicsNeMo's SongUNet and diffusers' UNet2DModel, and what each learns in the same time.

    uv run --script benchmarks/unet_throughput.py [--quick] [--json FILE]

All three have about as many parameters (5 %) and the same input and output channels, preconditioning, loss and
optimiser. The peers see the conditioning as upsampled input channels, as CorrDiff does; ours takes it at its own
resolution. They take turns in one process; medians over rounds are given. A peer counts with the fastest of its modes
(bf16 autocast or float32, either memory format, on a GPU also compiled), ours with its default: bf16 autocast where the
hardware computes in it, on a GPU compiled if that is faster. "fp32" compares float32 with float32.

The truth: each network is trained for the same wall-clock time on fields whose conditional distribution is known
exactly (`truth/`), with several learning rates, of which the one with the lowest loss on unseen cases counts; then the
CRPS of its ensembles is divided by that of the exact conditional.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

import torch
from peers.equal_time import Trial, compare
from peers.networks import OURS, PEERS, build
from peers.speed import TASKS, Mode, multiply_adds, rates
from stride_model.parameters import count
from stride_model.spec import ModelSpec
from truth.problems import PROBLEMS

SIZES = (64, 128)
BATCHES = {"cpu": {64: 4, 128: 2}, "cuda": {64: 128, 128: 32}}
PEAK_TFLOPS = {"H200": 989.0, "H100 PCIe": 756.0, "H100": 989.0, "A100": 312.0}
"""Dense bf16 on tensor cores, by what the device's name holds; from the makers' data sheets."""
KEYS = {"SongUNet": "songunet", "diffusers": "diffusers"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and a short training")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, help="turns of each network (default 7, 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="of each training (default 120, 15 with --quick); 0 for none")
    parser.add_argument("--compile", action="store_true", help="try compiled networks on a CPU too")
    parser.add_argument("--cpu", action="store_true", help="even where there is a GPU")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() and not options.cpu else "cpu")
    bf16, peak = has_bf16(device), peak_tflops(device)
    torch.backends.cudnn.benchmark = True
    results: dict[str, Any] = {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "quick": options.quick,
        "peak_tflops": peak,
        "sizes": {},
    }
    for size in SIZES:
        results["sizes"][str(size)] = measure(
            size,
            BATCHES[device.type][size],
            options.rounds or (3 if options.quick else 7),
            device,
            bf16=bf16,
            compiled=options.compile or device.type == "cuda",
            peak=peak,
        )
    for key in results["sizes"][str(SIZES[0])]["ratios"]:
        results[key] = min(results["sizes"][str(size)]["ratios"][key] for size in SIZES)
    show(results)
    seconds = options.seconds if options.seconds is not None else (15.0 if options.quick else 120.0)
    if seconds > 0:
        trial = Trial(seconds, (1e-3, 3e-3), cases=12, members=8, steps=12)
        if not options.quick:
            trial = Trial(seconds, (3e-4, 1e-3, 3e-3), cases=32, members=16, steps=16)
        results["truth"] = learn(trial, results["sizes"][str(SIZES[0])]["networks"], device, bf16=bf16)
    if options.json:
        part = options.json.with_name(options.json.name + ".part")
        part.write_text(json.dumps(results, indent=2) + "\n")
        part.replace(options.json)


def measure(
    size: int, batch: int, rounds: int, device: torch.device, *, bf16: bool, compiled: bool, peak: float | None
) -> dict[str, Any]:
    """Everything about fields of size x size pixels with LR fields eight times coarser in two channels."""
    lr = (size // 8, size // 8)
    spec = ModelSpec(
        in_dynamic_channels=2,
        out_channels=1,
        cond_lr_shape=lr,
        target_hr_shape=(size, size),
        fine_scale_std=((0.05, 0.4),),  # two, as stride-train measures by default; ours alone looks at them
    )
    names = (*OURS, *PEERS)
    speeds = rates(names, spec, batch, rounds, device, bf16=bf16, compiled=compiled, told=say)
    networks: dict[str, dict[str, Any]] = {}
    for name in names:
        built = build(name, spec, bf16=False, channels_last=True)
        networks[name] = {"parameters": count(built)}
        networks[name]["multiply_adds"] = {task: multiply_adds(name, spec, task) for task in TASKS}
        networks[name]["images_per_second"] = speeds[name]
        networks[name]["mode"] = {task: chosen(name, speeds[name][task], bf16=bf16) for task in TASKS}
        if peak is not None:
            networks[name]["share_of_peak"] = {
                task: 2e-12 * networks[name]["multiply_adds"][task] * _rate(networks[name], task) / peak
                for task in TASKS
            }
    ratios = {}
    for name in PEERS:
        for task in TASKS:
            ratios[f"{task}_vs_{KEYS[name]}"] = _rate(networks["ours"], task) / _rate(networks[name], task)
            ours, theirs = (_fastest_in("fp32", networks[n]["images_per_second"][task]) for n in ("ours", name))
            ratios[f"{task}_fp32_vs_{KEYS[name]}"] = ours / theirs
    return {"batch": batch, "networks": networks, "ratios": ratios}


def chosen(name: str, speeds: dict[str, float], *, bf16: bool) -> str:
    """The mode that counts: a peer's fastest, the default precision of ours."""
    mine = {mode: speed for mode, speed in speeds.items() if name not in OURS or mode.startswith("bf16") == bf16}
    return max(mine, key=mine.__getitem__)


def learn(trial: Trial, networks: dict[str, Any], device: torch.device, *, bf16: bool) -> dict[str, Any]:
    """What each network has learnt after the same time, in its mode of training, not compiled."""
    truth: dict[str, Any] = {"problem": "gaussian", "size": 32, "seconds": trial.seconds, "networks": {}}
    problem = PROBLEMS[truth["problem"]](truth["size"])
    print(f"\nafter {trial.seconds:g} s of training on {truth['problem']}, CRPS over that of the exact conditional")
    for name in networks:
        label = networks[name]["mode"]["train"]
        found = compare(problem, name, Mode(label.startswith("bf16"), "NCHW" not in label), trial, device)
        truth["networks"][name] = found
        print(
            f"{name:<22} {found['crps_ratio']:>8.3f}   {found['images']:>7} images, "
            f"learning rate {found['rate']:g}, {label}",
            flush=True,
        )
    return truth


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bf16; our default is then bf16 autocast."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported()


def device_name(device: torch.device) -> str:
    """As its maker calls it, with what decides how fast a CPU is in bf16."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    units = "AMX" if torch.cpu._is_amx_tile_supported() else torch.backends.cpu.get_cpu_capability()
    return f"{name}, {units}, {torch.get_num_threads()} threads"


def peak_tflops(device: torch.device) -> float | None:
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in PEAK_TFLOPS.items() if part in name), None)


def show(results: dict[str, Any]) -> None:
    print(results["device"])
    for size, found in results["sizes"].items():
        print(f"\n{size} x {size}, batches of {found['batch']}: images a second")
        for name, network in found["networks"].items():
            giga = network["multiply_adds"]["infer"] / 1e9
            print(f"{name:<22} {network['parameters'] / 1e6:.2f} million parameters, {giga:.2f} G multiply-adds a call")
            for task in TASKS:
                speeds = network["images_per_second"][task].items()
                share = network.get("share_of_peak", {}).get(task)
                marked = (f"{mode}{'*' if mode == network['mode'][task] else ''} {speed:.2f}" for mode, speed in speeds)
                print(f"  {task:<6}", ", ".join(marked), "" if share is None else f"({share:.1%} of peak)")
        print("  ours over theirs:", ", ".join(f"{key} {ratio:.2f}" for key, ratio in found["ratios"].items()))
    print("\n* the mode that counts", flush=True)


def _rate(network: dict[str, Any], task: str) -> float:
    return network["images_per_second"][task][network["mode"][task]]


def _fastest_in(precision: str, speeds: dict[str, float]) -> float:
    return max(speed for mode, speed in speeds.items() if mode.startswith(precision))


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
