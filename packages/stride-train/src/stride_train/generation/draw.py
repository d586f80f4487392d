"""Drawing the members of one case from a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate import gate
from stride_model.samplers.member_noise import member_noise

from stride_train.config import SamplerConfig
from stride_train.generation.sampling import sample_members
from stride_train.seeds import derived_seed


@torch.no_grad()
def draw_members(
    denoiser: EDMDenoiser,
    sample: dict[str, Any],
    adapter: Adapter,
    sampler: SamplerConfig,
    *,
    seed: int,
    time: str,
    members: Sequence[int],
    batch_size: int,
    remove_drizzle: bool = False,
    precision: torch.dtype | None = None,
    start: tuple[np.ndarray, float] | None = None,
) -> np.ndarray:
    """Draws members of one case; the conditioning is encoded once for all of them.

    A member's noise depends on (seed, time, member number) alone, not on the batch it is drawn in.

    Args:
        denoiser: The network, in evaluation mode.
        sample: A contract sample of the case (no batch dimension).
        adapter: Brings the result to physical units.
        sampler: Method, noise levels and churn.
        seed: The experiment's seed.
        time: ISO time of the case.
        members: Numbers of the members to draw.
        batch_size: How many are drawn at once.
        remove_drizzle: Lower pixels that the RainGate holds for dry to the dry value.
        precision: Autocast to this type; None computes in float32.
        start: Scaled field [C_out, H_hr, W_hr] to start from and the noise level to start at; None starts from noise.

    Returns:
        float32 [len(members), C_out, H_hr, W_hr] in canonical physical units.
    """
    device = next(denoiser.parameters()).device
    spec = denoiser.spec

    def given(key: str) -> torch.Tensor | None:
        value = sample.get(key)
        return None if value is None else torch.as_tensor(np.asarray(value), device=device)[None]

    begin = None if start is None else (torch.from_numpy(start[0]), start[1])
    drawn = []
    with torch.autocast(device.type, dtype=precision or torch.bfloat16, enabled=precision is not None):
        case = denoiser.encode(
            torch.as_tensor(np.asarray(sample["cond_dynamic"]), device=device)[None],
            given("cond_static"),
            given("cond_time"),
            context_dynamic=given("cond_context_dynamic"),
            context_static=given("cond_context_static"),
        )
        for first in range(0, len(members), batch_size):
            numbers = members[first : first + batch_size]
            noise = member_noise(
                [derived_seed(seed, "member", time, number) for number in numbers],
                (spec.out_channels, *spec.target_hr_shape),
                device=device,
            )
            conditioning = case.expand_members(len(numbers))
            field = sample_members(sampler, denoiser.bind(conditioning), noise, device, begin).float()
            if remove_drizzle and conditioning.gate_logits is not None:
                field = gate(
                    field, conditioning.gate_logits, spec.gated_channels, _dry_values(adapter, spec.gated_channels)
                )
            drawn.append(field.cpu().numpy())
    return np.asarray(adapter.inverse_target(np.concatenate(drawn)), dtype=np.float32)


def _dry_values(adapter: Adapter, channels: Sequence[int]) -> tuple[float, ...]:
    """What zero is in the scaled units of each gated channel."""
    zero = np.zeros((len(adapter.target_names), 1, 1), dtype=np.float32)
    scaled = np.asarray(adapter.forward_target(zero))
    return tuple(float(scaled[channel, 0, 0]) for channel in channels)
