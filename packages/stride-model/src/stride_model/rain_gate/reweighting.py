"""Weights on the denoising error from the gate: likely exceedances count for more."""

from collections.abc import Callable

import torch
from torch import Tensor


def gate_weights(
    logits: Tensor,
    channels: tuple[int, ...],
    out_channels: int,
    strength: float,
    mask: Tensor | None = None,
    total: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Weight (1 + strength p) of each pixel, divided by its mean over the batch's observed pixels, channel by channel.

    p is what the gate predicts from nothing but what the denoiser is given too (the conditioning, and in the mode with
    a denoised field the noisy field and sigma). For each such input the weight is one positive number, so the
    expectation of the clean field, which minimises the plain squared error, minimises the weighted one as well: the
    weights shift where a network of limited size spends its effort, and bias nothing. A weight made from the target
    would not have this property.

    Args:
        logits: [B, G, H, W].
        channels: The G gated channels of the field.
        out_channels: Channels of the field.
        strength: How much more a certain exceedance weighs than an excluded one; 0 weighs all the same.
        mask: bool [B, C_out, H, W], True where observed; None where all is.
        total: Sums a tensor over the shares of a batch that is divided; None where it is not.

    Returns:
        [B, C_out, H, W], float32, detached; 1 in channels that are not gated.
    """
    batch, _, rows, columns = logits.shape
    weights = torch.ones(batch, out_channels, rows, columns, device=logits.device)
    raw = 1 + strength * torch.sigmoid(logits.detach().float())
    if mask is None and total is None:
        mean = raw.mean(dim=(0, 2, 3), keepdim=True)
    else:
        observed = torch.ones_like(raw, dtype=torch.bool) if mask is None else mask[:, list(channels)]
        counts = observed.sum(dim=(0, 2, 3), keepdim=True)
        sums = raw.where(observed, 0.0).sum(dim=(0, 2, 3), keepdim=True)
        if total is not None:
            sums, counts = total(torch.stack([sums, counts.to(sums)])).unbind()
        mean = sums / counts.clamp(min=1)
        mean = mean.where(counts > 0, 1.0)
    weights[:, list(channels)] = raw / mean
    return weights
