"""The blocks of the UNet: residual with adaptive group norm, and self-attention."""

import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.spec import CHANNELS_PER_GROUP

HEAD_CHANNELS = 32


def group_norm(channels: int, *, affine: bool = True) -> nn.GroupNorm:
    """Group norm with the package's group size."""
    return nn.GroupNorm(channels // CHANNELS_PER_GROUP, channels, eps=1e-5, affine=affine)


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """Set a convolution to zero, so that what it ends adds nothing at the start of training."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResBlock(nn.Module):
    """Two 3x3 convolutions around an adaptive group norm (Dhariwal & Nichol 2021, arXiv 2105.05233, section 3).

    x + conv(silu((1 + scale) * norm(conv(silu(norm(x)))) + shift)), scale and shift linear in the noise embedding.

    Args:
        in_channels: Of the input.
        out_channels: Of the output; the skip is a 1x1 convolution where they differ.
        embedding_channels: Width of the noise embedding.
        dropout: Probability, before the last convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, embedding_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_in = group_norm(in_channels)
        self.conv_in = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.scale_shift = nn.Linear(embedding_channels, 2 * out_channels)
        self.norm_out = group_norm(out_channels, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zero(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map [B, in_channels, H, W] and [B, embedding_channels] to [B, out_channels, H, W]."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        scale, shift = self.scale_shift(embedding)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.norm_out(h) * (1 + scale) + shift)
        return self.skip(x) + self.conv_out(self.dropout(h))


class SelfAttention(nn.Module):
    """Self-attention between all cells of a grid, with a residual connection.

    Args:
        channels: Of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = max(1, channels // HEAD_CHANNELS)
        while channels % self.heads:
            self.heads -= 1
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, channels, H, W] to the same shape."""
        batch, channels, rows, columns = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, rows * columns)
        q, k, v = qkv.transpose(-1, -2).unbind(1)
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(h.transpose(-1, -2).reshape(x.shape))
