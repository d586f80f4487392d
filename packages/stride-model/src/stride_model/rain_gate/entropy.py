"""What the RainGate is trained with."""

import torch
import torch.nn.functional as F
from torch import Tensor


def exceeds(target: Tensor, channels: tuple[int, ...], thresholds: tuple[float, ...]) -> Tensor:
    """Whether the gated channels of [B, C_out, H, W] lie above their thresholds: bool [B, G, H, W]."""
    gated = target[:, list(channels)]
    return gated > torch.tensor(thresholds, dtype=gated.dtype, device=gated.device)[:, None, None]


def rain_gate_loss(
    logits: Tensor,
    target: Tensor,
    channels: tuple[int, ...],
    thresholds: tuple[float, ...],
    mask: Tensor | None = None,
    count: float | None = None,
) -> Tensor:
    """Binary cross-entropy of "target > threshold", mean over observed pixels.

    Unweighted, so that its minimum is at the true probability: a class weight would make the gate overconfident.

    Args:
        logits: [B, G, H, W].
        target: [B, C_out, H, W], scaled.
        channels: The G gated channels of the target.
        thresholds: One per gated channel, in the target's scaled units.
        mask: bool [B, C_out, H, W], True where observed; None where all is.
        count: Number of observed pixels to divide by, where the batch is a share of a larger one.

    Returns:
        Scalar, float32.
    """
    wet = exceeds(target, channels, thresholds).float()
    entropy = F.binary_cross_entropy_with_logits(logits.float(), wet, reduction="none")
    if mask is None:
        return entropy.mean() if count is None else entropy.sum() / max(count, 1)
    observed = mask[:, list(channels)]
    return entropy.where(observed, 0.0).sum() / (observed.sum().clamp(min=1) if count is None else max(count, 1))
