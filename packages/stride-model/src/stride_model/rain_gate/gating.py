"""Gating: lowering a generated field where exceeding the threshold is all but excluded."""

from collections.abc import Sequence

import torch
from torch import Tensor


def gate(
    field: Tensor,
    logits: Tensor,
    channels: tuple[int, ...],
    floors: tuple[float, ...],
    probability: float | Sequence[float],
) -> Tensor:
    """Lower a generated field to its floor where exceeding the threshold is all but excluded.

    A pixel is lowered where the predicted probability is *below* `probability`. One half would remove every exceedance
    that is merely less likely than not, and lower the mean: `RemovedAmount` finds the probability that removes no more
    than a stated share.

    Args:
        field: [..., C_out, H, W], scaled.
        logits: [..., G, H, W], leading dimensions broadcast against the field's.
        channels: The G gated channels of the field.
        floors: Value of each gated channel where nothing exceeds the threshold, scaled.
        probability: Below which a pixel is lowered, in [0, 1]; one for all gated channels, or one for each.

    Returns:
        A new field; channels that are not gated and pixels at or below the floor are as before.

    Raises:
        ValueError: A probability outside [0, 1], or not one per gated channel.
    """
    each = (probability,) * len(channels) if isinstance(probability, float | int) else tuple(probability)
    if any(not 0 <= value <= 1 for value in each):
        raise ValueError(f"gate: probability {probability} is not between 0 and 1")
    if len(each) != len(channels):
        raise ValueError(f"gate: {len(each)} probabilities for {len(channels)} gated channels")
    out = field.clone()
    predicted = torch.sigmoid(logits)
    for i, (channel, floor) in enumerate(zip(channels, floors, strict=True)):
        plane = field[..., channel, :, :]
        lowered = torch.where(predicted[..., i, :, :] < each[i], plane.clamp(max=floor), plane)
        out[..., channel, :, :] = lowered
    return out
