"""RainGate: the probability that a channel exceeds a threshold, predicted beside the denoiser."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.grids import Grids
from stride_model.spec import ModelSpec
from stride_model.unet.blocks import ChannelNorm
from stride_model.unet.patches import Patches


class RainGate(nn.Module):
    """Head on the conditioning's features: the logit of "above the threshold" per pixel and gated channel.

    Args:
        spec: What to build.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        width = spec.channels[0]
        self.patches = Patches(Grids.of(spec))
        self.layers = nn.Sequential(
            ChannelNorm(),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, len(spec.gated_channels) * spec.patch**2, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, channels[0], rows, columns] of the finest grid to float32 logits [B, gated, H, W]."""
        return self.patches.unfold(self.layers(features)).float()


def rain_gate_loss(
    logits: Tensor,
    target: Tensor,
    channels: tuple[int, ...],
    thresholds: tuple[float, ...],
    mask: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of "target > threshold", mean over observed pixels.

    Unweighted, so that its minimum is at the true probability: a class weight would make the gate overconfident.

    Args:
        logits: [B, G, H, W].
        target: [B, C_out, H, W], scaled.
        channels: The G gated channels of the target.
        thresholds: One per gated channel, in the target's scaled units.
        mask: bool [B, C_out, H, W], True where observed; None where all is.

    Returns:
        Scalar, float32.
    """
    gated = target[:, list(channels)]
    limits = torch.tensor(thresholds, dtype=gated.dtype, device=gated.device)[:, None, None]
    entropy = F.binary_cross_entropy_with_logits(logits.float(), (gated > limits).float(), reduction="none")
    if mask is None:
        return entropy.mean()
    observed = mask[:, list(channels)]
    return entropy.where(observed, 0.0).sum() / observed.sum().clamp(min=1)


def gate(
    field: Tensor,
    logits: Tensor,
    channels: tuple[int, ...],
    floors: tuple[float, ...],
    probability: float = 0.05,
) -> Tensor:
    """Lower a generated field to its floor where exceeding the threshold is all but excluded.

    A pixel is lowered where the predicted probability is *below* `probability`. A small value removes what is false;
    one half would remove every exceedance that is merely less likely than not, and lower the mean.

    Args:
        field: [..., C_out, H, W], scaled.
        logits: [..., G, H, W], leading dimensions broadcast against the field's.
        channels: The G gated channels of the field.
        floors: Value of each gated channel where nothing exceeds the threshold, scaled.
        probability: Below which a pixel is lowered, in [0, 1].

    Returns:
        A new field; channels that are not gated and pixels at or below the floor are as before.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"gate: probability {probability} is not between 0 and 1")
    out = field.clone()
    closed = torch.sigmoid(logits) < probability
    for i, (channel, floor) in enumerate(zip(channels, floors, strict=True)):
        plane = field[..., channel, :, :]
        out[..., channel, :, :] = torch.where(closed[..., i, :, :], plane.clamp(max=floor), plane)
    return out
