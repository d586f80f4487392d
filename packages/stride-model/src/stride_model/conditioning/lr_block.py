"""Residual block on a coarse grid, where a convolution costs almost nothing and reaches far."""

import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.unet.blocks import ChannelNorm, zero


class LRBlock(nn.Module):
    """Residual block at the LR resolution: x + conv(silu(norm(conv(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate")
        self.norm = ChannelNorm()
        self.conv_out = zero(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate"))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, channels, h, w] to the same shape."""
        return x + self.conv_out(F.silu(self.norm(self.conv_in(x))))
