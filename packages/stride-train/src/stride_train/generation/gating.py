"""Gating in physical terms: what the RainGate says of fields of one case, and what dry is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.member_noise import member_noise
from stride_model.tiles.denoiser import TiledDenoiser

from stride_train.seeds import derived_seed


def gate_logits(
    denoiser: EDMDenoiser | TiledDenoiser,
    conditioning: Any,
    fields: torch.Tensor,
    *,
    seed: int,
    time: str,
    names: Sequence[str | int],
    corner: tuple[int, int] | None = None,
) -> torch.Tensor:
    """Logits of the RainGate for fields of one case.

    Args:
        denoiser: The network, or the tiles of a domain; it must have a gate.
        conditioning: Of the fields, from the denoiser's `encode`.
        fields: [B, C_out, H, W], scaled.
        seed: The experiment's seed.
        time: ISO time of the case.
        names: One per field, such as the member's number: with seed and time they fix the noise through which a gate
            with `gate_input: conditioning_and_denoised` looks at the field.
        corner: Place of the fields on the HR grid, by which this noise is chosen as a member's own is; None where it
            does not matter.

    Returns:
        float32 [B, gated targets, H, W].
    """
    seeds = [derived_seed(seed, "gate", time, name) for name in names]
    noise = member_noise(seeds, fields.shape[1:], corner=corner)
    logits = denoiser.gate_logits_of_field(conditioning, fields, noise(0).to(fields.device))
    assert logits is not None
    return logits


def as_saved(adapter: Adapter, fields: torch.Tensor) -> torch.Tensor:
    """Scaled fields [B, C_out, H, W] within the limits that the inverse transform will put on them."""
    saved = adapter.inverse_target(fields.cpu().numpy())
    return torch.as_tensor(np.asarray(adapter.forward_target(saved), dtype=np.float32), device=fields.device)


def dry_values(adapter: Adapter, channels: Sequence[int]) -> tuple[float, ...]:
    """What zero is in the scaled units of each gated channel."""
    zero = np.zeros((len(adapter.target_names), 1, 1), dtype=np.float32)
    scaled = np.asarray(adapter.forward_target(zero))
    return tuple(float(scaled[channel, 0, 0]) for channel in channels)


def evenly_spread(times: Sequence[str], number: int) -> list[str]:
    """At most `number` of the times, evenly spread, the first and the last among them."""
    if not times:
        return []
    return [times[int(i)] for i in np.unique(np.linspace(0, len(times) - 1, number).round())]
