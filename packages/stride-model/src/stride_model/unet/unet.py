"""The UNet."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.grids import Grids
from stride_model.spec import ModelSpec
from stride_model.unet.blocks import ChannelNorm, ResBlock, SelfAttention, zero
from stride_model.unet.embedding import NoiseEmbedding
from stride_model.unet.patches import Patches


class Level(nn.Module):
    """Residual blocks at one resolution, each followed by self-attention where wanted.

    Args:
        in_channels: Of the input; the other blocks have `channels`.
        channels: Of the output.
        spec: For blocks, embedding width and dropout.
        attention: Whether blocks are followed by self-attention.
    """

    def __init__(self, in_channels: int, channels: int, spec: ModelSpec, attention: bool) -> None:
        super().__init__()
        widths = [in_channels] + [channels] * spec.blocks
        self.blocks = nn.ModuleList(
            ResBlock(a, b, spec.embedding_channels, spec.expansion, spec.dropout) for a, b in pairwise(widths)
        )
        self.attentions = nn.ModuleList(SelfAttention(channels) if attention else nn.Identity() for _ in self.blocks)

    def forward(self, x: Tensor, embedding: Tensor, skip: Tensor | None = None) -> Tensor:
        """Map [B, in_channels, H, W] to [B, channels, H, W]; x and skip as `ResBlock` takes them."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x, embedding, skip))
            skip = None
        return x


class UNet(nn.Module):
    """The raw network F(c_in * x; c_noise, conditioning).

    The first convolution would act on the noisy field and the conditioning side by side. Being linear it is the sum
    of one on each, and the conditioning's half never changes during sampling: it arrives ready made as
    `conditioning[0]`. The same holds for the first layer of every deeper level.

    Args:
        spec: What to build.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        widths = spec.channels
        self.patches = Patches(Grids.of(spec))
        self.embedding = NoiseEmbedding(spec.embedding_channels)
        self.stem = nn.Conv2d(spec.field_channels * spec.patch**2, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(
            Level(width, width, spec, level in spec.attention_levels) for level, width in enumerate(widths)
        )
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.decoder = nn.ModuleList(
            Level(2 * width, width, spec, level in spec.attention_levels) for level, width in enumerate(widths[:-1])
        )
        self.norm = ChannelNorm()
        self.head = zero(nn.Conv2d(widths[0], spec.out_channels * spec.patch**2, 3, padding=1))

    def forward(
        self, x: Tensor, c_noise: Tensor, conditioning: tuple[Tensor, ...], case: Tensor | None = None
    ) -> Tensor:
        """Apply the network.

        Args:
            x: [B, field_channels, H, W]: the noisy field scaled by c_in, then its finest scales where the
                specification has any.
            c_noise: [B].
            conditioning: One map per level, added where the level begins.
            case: [B, embedding_channels], added to the noise level's embedding; None for nothing.

        Returns:
            [B, C_out, H, W].
        """
        embedding = self.embedding(c_noise)
        if case is not None:
            embedding = embedding + case
        x = self.patches.fold(x).contiguous(memory_format=torch.channels_last)
        h = self.stem(x) + conditioning[0]
        skips: list[Tensor] = []
        for level, encoder in enumerate(self.encoder):
            if level:
                h = self.down[level - 1](h) + conditioning[level]
            h = encoder(h, embedding)
            skips.append(h)
        for level in reversed(range(len(self.decoder))):
            h = self.decoder[level](self.up[level](h), embedding, skips[level])
        return self.patches.unfold(self.head(F.silu(self.norm(h))))
