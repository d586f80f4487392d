"""How reliable the RainGate is on validation times: a table and a picture in the run folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.entropy import exceeds
from stride_model.rain_gate.reliability import Reliability

from stride_train.generation.case import encode_case
from stride_train.generation.gating import evenly_spread, gate_logits

CASES = 64
"""Validation times that are looked at."""

COLUMNS: tuple[str, ...] = ("target", "low", "high", "count", "predicted", "observed", "standard_error")


@torch.no_grad()
def gate_reliability(
    denoiser: EDMDenoiser, adapter: Adapter, *, seed: int, split: str, precision: torch.dtype | None
) -> dict[str, Reliability]:
    """Compares what the gate predicts with what was observed.

    A gate that also sees a denoised field is shown the observed field under noise, see
    `EDMDenoiser.gate_logits_of_field`.

    Args:
        denoiser: The network, with a gate.
        adapter: Gives the validation fields.
        seed: The experiment's seed.
        split: The validation split.
        precision: Autocast to this type; None computes in float32.

    Returns:
        By the gated targets' names; empty when the split holds no observed times.
    """
    spec, device = denoiser.spec, next(denoiser.parameters()).device
    found = {adapter.target_names[channel]: Reliability() for channel in spec.gated_channels}
    cases = 0
    for time in evenly_spread(list(adapter.times(split)) if split in adapter.splits else [], CASES):
        sample = adapter.sample(time)
        if sample["target"] is None:
            continue
        cases += 1
        target = torch.as_tensor(np.asarray(sample["target"]), device=device)[None]
        mask = target.isfinite() if sample["mask"] is None else torch.as_tensor(np.asarray(sample["mask"]))[None]
        target = target.where(mask.to(device), 0.0)
        with torch.autocast(device.type, dtype=precision or torch.bfloat16, enabled=precision is not None):
            logits = gate_logits(
                denoiser, encode_case(denoiser, sample), target, seed=seed, time=time, names=["observed"]
            )[0]
        wet = exceeds(target, spec.gated_channels, spec.gate_thresholds)[0]
        for i, (channel, table) in enumerate(zip(spec.gated_channels, found.values(), strict=True)):
            table.add(logits[i], wet[i], mask[0, channel])
    return found if cases else {}


def write_reliability(tables: Mapping[str, Reliability], path: Path) -> None:
    """Writes the tables as CSV, whole or not at all: a row for every bin of every target that holds pixels."""
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for target, table in tables.items():
            for row in table.table():
                values = {
                    name: f"{value:.6g}" if isinstance(value, float) else value for name, value in vars(row).items()
                }
                writer.writerow({"target": target, **values})
    temporary.replace(path)


def draw_reliability(tables: Mapping[str, Reliability], picture: Path, title: str) -> None:
    """Draws a reliability diagram of each target, with the number of pixels behind each point.

    Args:
        tables: By target.
        picture: The PNG file to write.
        title: Heading of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.6 + 3.6 * len(tables), 4.6), layout="constrained")
    axes = figure.subplots(2, len(tables), sharex=True, squeeze=False, height_ratios=(3, 1))
    for column, (target, table) in enumerate(tables.items()):
        rows = table.table()
        upper, lower = axes[:, column]
        upper.plot([0, 1], [0, 1], color="#333333", linestyle="--", linewidth=1.2, label="perfect")
        upper.errorbar(
            [row.predicted for row in rows],
            [row.observed for row in rows],
            yerr=[2 * row.standard_error for row in rows],
            color="#1f4e8c",
            marker="o",
            markersize=3.5,
            linewidth=1.4,
            capsize=2,
            label="gate (2 standard errors)",
        )
        upper.set(xlim=(0, 1), ylim=(0, 1), title=f"{target}: Brier {table.brier:.4f}")
        upper.legend(frameon=False, fontsize="small")
        lower.bar([row.low for row in rows], [row.count for row in rows], width=0.1, align="edge", color="#b8c4d6")
        lower.set(yscale="log", xlabel="predicted probability of wet")
        for axis in (upper, lower):
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("observed frequency")
    axes[1, 0].set_ylabel("pixels")
    figure.suptitle(title, fontsize="medium")
    temporary = picture.with_name(f".{picture.stem}.partial.png")
    figure.savefig(temporary, dpi=130)
    temporary.replace(picture)
