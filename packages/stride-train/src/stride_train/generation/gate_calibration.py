"""The probability below which the RainGate removes drizzle, chosen on validation so that nothing dries out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.removed_amount import RemovedAmount

from stride_train.errors import GenerationError
from stride_train.generation.case import encode_case
from stride_train.generation.gating import evenly_spread, gate_logits
from stride_train.progress import Advance

SPLIT = "val"
CASES = 64
"""Validation times that are looked at, one member of each: many days tell more of the mean than many members."""


@dataclass(frozen=True)
class GateCalibration:
    """What gating removes, per gated target in the order of the spec.

    Attributes:
        probabilities: Below which a pixel is set to zero.
        removed_observed: Share of the observed total that gating would remove.
        removed_generated: Share of the generated total that gating removes.
        cases: Validation times that were looked at.
    """

    probabilities: tuple[float, ...]
    removed_observed: tuple[float, ...]
    removed_generated: tuple[float, ...]
    cases: int

    def description(self, targets: Sequence[str]) -> dict[str, Any]:
        """As JSON can hold it, by the targets' names; for the saved ensemble."""
        return {
            "split": SPLIT,
            "cases": self.cases,
            **{
                name: {"probability": probability, "removed_observed": observed, "removed_generated": generated}
                for name, probability, observed, generated in zip(
                    targets, self.probabilities, self.removed_observed, self.removed_generated, strict=True
                )
            },
        }


@torch.no_grad()
def calibrate_gate(
    denoiser: EDMDenoiser,
    adapter: Adapter,
    draw: Callable[[str], np.ndarray],
    *,
    removes_at_most: float,
    seed: int,
    precision: torch.dtype | None,
    advance: Advance | None = None,
) -> GateCalibration:
    """Chooses, for every gated target, the largest probability below which little of the total stands.

    Little is `removes_at_most`, by one standard error between the times: of what was observed on validation times, so
    that rain which falls is not removed, and of one member of each, so that the generated mean changes no more. The
    smaller of the two probabilities is taken. A gate that cannot tell dry places from wet ones removes nothing.

    Args:
        denoiser: The network, in evaluation mode, with a gate.
        adapter: Gives the validation fields.
        draw: One member of a time as it is generated, but not gated: [C_out, H_hr, W_hr] in physical units.
        removes_at_most: Share of the total that may be removed.
        seed: The experiment's seed.
        precision: Autocast to this type; None computes in float32.
        advance: Told how far it is.

    Raises:
        GenerationError: If the validation split holds no observed times.
    """
    times = list(adapter.times(SPLIT)) if SPLIT in adapter.splits else []
    channels = denoiser.spec.gated_channels
    device, corner = next(denoiser.parameters()).device, (adapter.region.hr.y, adapter.region.hr.x)
    observed, generated = ([RemovedAmount() for _ in channels] for _ in range(2))
    chosen, cases = evenly_spread(times, CASES), 0
    for number, time in enumerate(chosen, start=1):
        sample, target = adapter.sample(time), adapter.fields(time).target
        if target is None:
            continue
        cases += 1
        known = np.isfinite(target) if sample["mask"] is None else np.asarray(sample["mask"], dtype=bool)
        with torch.autocast(device.type, dtype=precision or torch.bfloat16, enabled=precision is not None):
            case = encode_case(denoiser, sample)
            for name, sums, field in (("observed", observed, target), (0, generated, draw(time))):
                amounts = np.where(known, np.maximum(np.nan_to_num(np.asarray(field)), 0.0), 0.0)
                scaled = np.where(known, np.asarray(adapter.forward_target(amounts)), 0.0).astype(np.float32)
                fields = torch.as_tensor(scaled, device=device)[None]
                logits = gate_logits(denoiser, case, fields, seed=seed, time=time, names=[name], corner=corner)[0]
                for i, channel in enumerate(channels):
                    sums[i].add(logits[i], torch.as_tensor(amounts[channel]))
        if advance is not None:
            advance(number / len(chosen), f"{number} of {len(chosen)} validation times")
    if not cases:
        raise GenerationError(
            f"generate.remove_drizzle chooses its probability on the split '{SPLIT}', which holds no observed times: "
            f"widen data.splits.{SPLIT}, or set generate.gate_probability."
        )
    probabilities = tuple(
        min(seen.probability(removes_at_most), drawn.probability(removes_at_most))
        for seen, drawn in zip(observed, generated, strict=True)
    )
    return GateCalibration(
        probabilities,
        tuple(seen.share_below(p) for seen, p in zip(observed, probabilities, strict=True)),
        tuple(drawn.share_below(p) for drawn, p in zip(generated, probabilities, strict=True)),
        cases,
    )
