"""The blocks of the UNet: residual with adaptive normalisation, and self-attention."""

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.unet.dropout import BatchDropout

HEAD_CHANNELS = 32
"""Width of an attention head, where the channels divide by it."""


class ChannelNorm(nn.Module):
    """Zero mean and unit variance over the channels of each cell; no weights of its own.

    The statistics stay within a cell, so that its result depends neither on the size of the domain nor on how a
    padding was filled.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, channels, H, W]."""
        return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)


class AdaptiveNorm(nn.Module):
    """(1 + scale) * norm(x) + shift, both linear in the noise embedding (arXiv 2105.05233, section 3, "AdaGN").

    Args:
        channels: Of the input.
        embedding_channels: Width of the noise embedding.
    """

    def __init__(self, channels: int, embedding_channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm()
        self.scale_shift = nn.Linear(embedding_channels, 2 * channels)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map [B, channels, H, W] and [B, embedding_channels] to [B, channels, H, W]."""
        h = self.norm(x)
        scale, shift = self.scale_shift(embedding).to(h.dtype)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, h, 1 + scale)


Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def zero(layer: Layer) -> Layer:
    """Set a layer to zero, so that what it ends adds nothing at the start of training."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResBlock(nn.Module):
    """A depthwise 3x3 convolution, then a perceptron on the channels of each cell (ConvNeXt, arXiv 2201.03545).

    x + contract(silu(expand(adaptive_norm(depthwise(x))))). Normalising *after* the depthwise filter matters here: it
    lifts faint noise, which a filter has separated from the field, to unit variance.

    Args:
        in_channels: Of the input; brought to out_channels by a 1x1 convolution where they differ.
        out_channels: Of the output.
        embedding_channels: Width of the noise embedding.
        expansion: Width of the perceptron's hidden layer in units of out_channels.
        dropout: Probability, in the hidden layer.
    """

    def __init__(
        self, in_channels: int, out_channels: int, embedding_channels: int, expansion: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.match = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        self.depthwise = nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels)
        self.norm = AdaptiveNorm(out_channels, embedding_channels)
        self.expand = nn.Conv2d(out_channels, expansion * out_channels, 1)
        self.dropout = BatchDropout(dropout)
        self.contract = zero(nn.Conv2d(expansion * out_channels, out_channels, 1))

    def forward(self, x: Tensor, embedding: Tensor, skip: Tensor | None = None) -> Tensor:
        """Apply the block.

        Args:
            x: [B, in_channels, H, W]; or, with a skip, the coarser grid's [B, in_channels - c, H / 2, W / 2].
            embedding: [B, embedding_channels].
            skip: [B, c, H, W]. The block then acts on x, its cells repeated 2 x 2, and this side by side.

        Returns:
            [B, out_channels, H, W].
        """
        x = self.match(x) if skip is None else self._match_both(x, skip)
        h = self.norm(self.depthwise(x), embedding)
        # Elementwise work on the hidden layer counts: overwritten where no gradient needs what it was.
        h = F.silu(self.expand(h), inplace=not torch.is_grad_enabled())
        return x + self.contract(self.dropout(h))

    def _match_both(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """`match` of both, without laying them side by side.

        A 1x1 convolution of channels side by side is the sum of one on each part, and it commutes with repeating
        cells: the coarse part is convolved while still coarse.
        """
        assert isinstance(self.match, nn.Conv2d)
        of_coarse, of_skip = self.match.weight.split([coarse.shape[1], skip.shape[1]], dim=1)
        return F.conv2d(skip, of_skip, self.match.bias) + repeat_cells(F.conv2d(coarse, of_coarse))


def repeat_cells(x: Tensor) -> Tensor:
    """Each cell 2 x 2 times: [B, C, H, W] to [B, C, 2H, 2W]."""
    with torch.autocast(x.device.type, enabled=False):  # which would make float32 of it on CPUs
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class SelfAttention(nn.Module):
    """Self-attention between all cells of a grid, with a residual connection.

    Args:
        channels: Of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD_CHANNELS if channels % HEAD_CHANNELS == 0 else 1
        self.norm = ChannelNorm()
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, channels, H, W] to the same shape."""
        batch, channels, rows, columns = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, rows * columns)
        q, k, v = qkv.transpose(-1, -2).unbind(1)
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(h.transpose(-1, -2).reshape(x.shape))
