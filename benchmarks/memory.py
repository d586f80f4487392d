# /// script
# requires-python = ">=3.11"
# dependencies = ["stride-model"]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-model = { path = "../packages/stride-model", editable = true }
# ///
"""Peak memory of training and of generating a whole domain, tile by tile and at once.

    uv run --script benchmarks/memory.py [--quick] [--json FILE] [--batch N]

A network of the default widths on random fields: one LR channel, two statics, LR cells of 16 pixels in training and of
12 in generation. Training takes a few steps with batches of 4. Generation draws members of 384 x 780 pixels with tiles
of 144 x 144 that overlap by 36, with the box of 144 x 144 alone, and with a network whose box is the whole domain. Each
measurement runs in a process of its own; memory is what the process takes at most, beyond its state with imports done.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CROPS = (64, 128, 144)
DOMAIN = (384, 780)
TWICE = (768, 1560)
TILE = (144, 144)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one member and bfloat16 only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--batch", type=int, default=8, help="tiles denoised at once (default 8)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measured(**json.loads(options.worker))))
        return
    results: dict[str, Any] = {"training": [], "generation": [], "quick": options.quick}
    for precision in ("bfloat16",) if options.quick else ("bfloat16", "float32"):
        for crop in CROPS:
            asked = {"what": "training", "shape": (crop, crop), "precision": precision}
            results["training"].append(in_child(asked))
        for members in (1,) if options.quick else (1, 8):
            for way, shape in (("box", TILE), ("tiles", DOMAIN), ("at once", DOMAIN), ("tiles", TWICE)):
                asked = {"what": way, "shape": shape, "precision": precision, "members": members}
                results["generation"].append(in_child(asked | {"batch": options.batch}))
    tiled, whole = (
        next(part["peak_gb"] for part in results["generation"] if part["what"] == way and part["shape"] == list(DOMAIN))
        for way in ("tiles", "at once")
    )
    results["tiled_peak_gb"], results["untiled_peak_gb"] = tiled, whole
    results["training_peak_gb"] = max(part["peak_gb"] for part in results["training"])
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def in_child(asked: dict[str, Any]) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--worker", json.dumps(asked)]
    found = {**asked, **json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)}
    found["shape"] = list(found["shape"])
    members = f", {found['members']} member(s)" if "members" in found else ""
    print(
        f"{found['what']:<9} {found['shape'][0]:>4} x {found['shape'][1]:<4} {found['precision']:<8}{members:<13} "
        f"{found['peak_gb']:6.2f} GB  {found['seconds']:7.2f} s a {'step' if found['what'] == 'training' else 'call'}",
        flush=True,
    )
    return found


def measured(
    what: str, shape: tuple[int, int], precision: str, members: int = 1, batch: int = 8
) -> dict[str, float | int]:
    """Peak memory beyond imports in GB, and seconds of a step or of a call of the denoiser."""
    import torch

    begun = memory("VmRSS")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        seconds = training(shape) if what == "training" else generation(what, shape, members, batch)
    return {"peak_gb": (memory("VmHWM") - begun) / 1e9, "seconds": seconds}


def spec_of(shape: tuple[int, int], cell: int) -> Any:
    from stride_model.spec import ModelSpec

    lr = (shape[0] // cell, shape[1] // cell)
    return ModelSpec(
        in_dynamic_channels=1,
        in_static_channels=2,
        out_channels=1,
        cond_lr_shape=lr,
        target_hr_shape=shape,
        fine_scale_std=((0.05, 0.4),),
    )


def training(shape: tuple[int, int]) -> float:
    """Seconds of a step, the median of a few."""
    import torch
    from stride_model.loss import EDMLoss
    from stride_model.precondition import EDMDenoiser

    spec = spec_of(tuple(shape), 16)
    denoiser, generator = EDMDenoiser(spec), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(denoiser.parameters())
    target, static = torch.randn(4, 1, *spec.target_hr_shape), torch.randn(4, 2, *spec.target_hr_shape)
    lr = torch.randn(4, 1, *spec.cond_lr_shape)
    taken = []
    for _ in range(4):
        begun = time.perf_counter()
        optimizer.zero_grad()
        EDMLoss()(denoiser, target, lr, static, generator=generator).loss.backward()
        optimizer.step()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[1]


def generation(way: str, shape: tuple[int, int], members: int, batch: int) -> float:
    """Seconds of a call of the denoiser, in a sampler of two steps of Heun, three calls."""
    import torch
    from stride_model.precondition import EDMDenoiser
    from stride_model.samplers.heun import heun
    from stride_model.samplers.member_noise import member_noise
    from stride_model.schedule import karras_schedule
    from stride_model.tiles.denoiser import TiledDenoiser
    from stride_model.tiles.tiling import Tiling

    domain = tuple(shape)
    spec = spec_of(TILE if way == "tiles" else domain, 12)
    network: Any = EDMDenoiser(spec).eval()
    cases = 1
    if way == "tiles":
        tiling = Tiling.over(domain, TILE, overlap=36, step=(12, 12), rim=9)
        network, cases = TiledDenoiser(network, tiling, batch=batch), len(tiling)
    with torch.no_grad():
        case = network.encode(torch.randn(cases, 1, *spec.cond_lr_shape), torch.randn(cases, 2, *spec.target_hr_shape))
    noise, levels = member_noise(range(members), (1, *domain)), karras_schedule(2)
    begun = time.perf_counter()
    heun(network.bind(case.expand_members(members)), levels[0] * noise(0), levels)
    return (time.perf_counter() - begun) / 3


def memory(key: str) -> float:
    """Resident memory of this process in bytes, now (VmRSS) or at most so far (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return 1024 * float(line.split()[1])
    raise RuntimeError(f"this system does not report {key}")


if __name__ == "__main__":
    main()
