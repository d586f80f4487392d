"""Drawing the members of one case from a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.gating import gate
from stride_model.samplers.member_noise import member_noise
from stride_model.tiles.denoiser import TiledDenoiser

from stride_train.config import SamplerConfig
from stride_train.generation.case import encode_case
from stride_train.generation.gating import as_saved, dry_values, gate_logits
from stride_train.generation.sampling import sample_members
from stride_train.seeds import derived_seed


def draw_members(
    denoiser: EDMDenoiser | TiledDenoiser,
    sample: dict[str, Any],
    adapter: Adapter,
    sampler: SamplerConfig,
    *,
    seed: int,
    time: str,
    members: Sequence[int],
    batch_size: int,
    gate_probabilities: Sequence[float] | None = None,
    precision: torch.dtype | None = None,
    start: tuple[np.ndarray, float] | None = None,
    targets: Sequence[int] | None = None,
    corner: tuple[int, int] | None = None,
    encoded: dict[int | None, Any] | None = None,
) -> np.ndarray:
    """Draws members of one case.

    A network that serves all targets together draws all of them. One that serves them one at a time draws each target
    with its label and noise of its own: the same noise would tie their members to each other in a way that nothing has
    learnt.

    Args:
        denoiser: The network, in evaluation mode; or, of a larger domain, its tiles.
        sample: A contract sample of the case (no batch dimension); of tiles, their samples with an axis of tiles.
        adapter: Brings the result to physical units.
        sampler: Method, noise levels and churn.
        seed: The experiment's seed.
        time: ISO time of the case.
        members: Numbers of the members to draw.
        batch_size: How many are drawn at once.
        gate_probabilities: Set a pixel to the dry value where the RainGate predicts less, one for each gated target;
            None leaves all as drawn.
        precision: Autocast to this type; None computes in float32.
        start: Scaled fields [C, H_hr, W_hr] of all targets to start from and the noise level to start at; None starts
            from noise.
        targets: Numbers of the targets to return; None for all.
        corner: Row and column of the fields' first pixel on the HR grid, by which their noise is chosen; that of the
            adapter's region when None.
        encoded: Keeps the encoded conditioning of this very case from one call to the next; give a new dictionary for
            every case.

    Returns:
        float32 [len(members), len(targets), H, W] of the sample's box, or of the domain, in canonical physical units.
    """
    names = adapter.target_names
    chosen = list(range(len(names)) if targets is None else targets)
    options: dict[str, Any] = {
        "seed": seed,
        "time": time,
        "members": members,
        "batch_size": batch_size,
        "gate_probabilities": gate_probabilities,
        "precision": precision,
        "corner": corner or (adapter.region.hr.y, adapter.region.hr.x),
        "encoded": {} if encoded is None else encoded,
    }
    if denoiser.spec.use_film_vars:
        # Transforms take all channels; those that are not drawn are left out again below.
        scaled = np.zeros((len(members), len(names), *denoiser.hr_shape), dtype=np.float32)
        for number in chosen:
            label, begin = (number, names[number]), None if start is None else (start[0][[number]], start[1])
            scaled[:, [number]] = _draw_scaled(denoiser, sample, adapter, sampler, start=begin, label=label, **options)
    else:
        scaled = _draw_scaled(denoiser, sample, adapter, sampler, start=start, **options)
    return np.asarray(adapter.inverse_target(scaled), dtype=np.float32)[:, chosen]


@torch.no_grad()
def _draw_scaled(
    denoiser: EDMDenoiser | TiledDenoiser,
    sample: dict[str, Any],
    adapter: Adapter,
    sampler: SamplerConfig,
    *,
    seed: int,
    time: str,
    members: Sequence[int],
    batch_size: int,
    gate_probabilities: Sequence[float] | None = None,
    precision: torch.dtype | None = None,
    start: tuple[np.ndarray, float] | None = None,
    label: tuple[int, str] | None = None,
    corner: tuple[int, int],
    encoded: dict[int | None, Any],
) -> np.ndarray:
    """Members of one case in scaled units; the conditioning is encoded once for all of them.

    A member's noise at a pixel depends on (seed, time, member number) and on the pixel's place on the HR grid alone,
    not on the batch it is drawn in; of a network that serves one target at a time also on the target's name. `label` is
    that target's number and name.
    """
    device, spec = denoiser.device, denoiser.spec
    begin = None if start is None else (torch.from_numpy(start[0]), start[1])
    of_target = () if label is None else (label[1],)
    drawn = []
    with torch.autocast(device.type, dtype=precision or torch.bfloat16, enabled=precision is not None):
        key = None if label is None else label[0]
        if key not in encoded:
            encoded[key] = encode_case(denoiser, sample, label=key)
        case: Any = encoded[key]
        for first in range(0, len(members), batch_size):
            numbers = members[first : first + batch_size]
            noise = member_noise(
                [derived_seed(seed, "member", time, number, *of_target) for number in numbers],
                (spec.out_channels, *denoiser.hr_shape),
                corner=corner,
                device=device,
            )
            conditioning = case.expand_members(len(numbers))
            field = sample_members(sampler, denoiser.bind(conditioning), noise, device, begin).float()
            if gate_probabilities is not None:
                seen = as_saved(adapter, field)
                logits = gate_logits(denoiser, conditioning, seen, seed=seed, time=time, names=numbers, corner=corner)
                floors = dry_values(adapter, spec.gated_channels)
                field = gate(field, logits, spec.gated_channels, floors, gate_probabilities)
            drawn.append(field.cpu().numpy())
    return np.concatenate(drawn)
