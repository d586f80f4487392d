"""Noise that belongs to a member: the same whatever batch the member is drawn in, and whatever came before."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stride_model.samplers.protocol import Noise


def member_noise(seeds: Sequence[int], shape: Sequence[int], *, device: torch.device | str = "cpu") -> Noise:
    """Source of standard normal noise for members with these seeds.

    Each (seed, draw) has a CPU generator of its own, seeded from both by numpy's SeedSequence. Noise is drawn on the
    CPU and then moved, so that a member is the same on every device.

    Args:
        seeds: One per member, not negative.
        shape: Of one member's noise, [C, H, W].
        device: Where the noise goes.

    Returns:
        A function of the draw's number that returns float32 [len(seeds), *shape].
    """

    def noise(draw: int) -> Tensor:
        fields = torch.empty(len(seeds), *shape)
        for field, seed in zip(fields, seeds, strict=True):
            state = np.random.SeedSequence([seed, draw]).generate_state(1, np.uint64)
            torch.randn(tuple(shape), generator=torch.Generator().manual_seed(int(state[0])), out=field)
        return fields.to(device)

    return noise
