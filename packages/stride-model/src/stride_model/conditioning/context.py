"""The context encoder: a larger domain than the one that is generated, seen once per case."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.conditioning.lr_block import LRBlock
from stride_model.conditioning.resample import Resample
from stride_model.conditioning.scale_shift import ScaleShift
from stride_model.grids import Grids
from stride_model.spec import ModelSpec
from stride_model.unet.blocks import zero

_SMALLEST = 4  # cells along the shorter side of the coarsest grid


class ContextEncoder(nn.Module):
    """Fields of the larger domain to one map per level of the UNet and one vector. Runs once per case.

    The fields are encoded on their own grid and on ever coarser ones, where a few convolutions see the whole domain;
    what the coarse grids know is added back to the finer ones. At each level of the UNet the result is projected to the
    level's width and resampled to where the level's cells lie within the domain. The mean over the domain goes to the
    embedding that scales and shifts the residual blocks. Both ends are zero at the start of training. A label scales
    and shifts the encoded fields.

    Args:
        spec: What to build; `use_context_encoder` must be set.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        assert spec.context_shape is not None
        grids, width, shape = Grids.of(spec), spec.context_channels, spec.context_shape
        self.halvings = max((min(shape) // _SMALLEST).bit_length() - 1, 0)
        self.lift = nn.Conv2d(spec.context_input_channels, width, 3, padding=1, padding_mode="replicate")
        self.blocks = nn.ModuleList(LRBlock(width) for _ in range(self.halvings + 1))
        self.down = nn.ModuleList(nn.Conv2d(width, width, 2, stride=2) for _ in range(self.halvings))
        self.up = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(self.halvings))
        self.project = nn.ModuleList(zero(nn.Conv2d(width, channels, 1)) for channels in spec.channels)
        self.resample = nn.ModuleList(
            Resample(shape, spec.context_cell, spec.context_offset, grids.level_shape(level), cell)
            for level, cell in enumerate(grids.cells)
        )
        self.vector = zero(nn.Linear(width, spec.embedding_channels))
        self.film = ScaleShift(width, spec.embedding_channels) if spec.use_film_vars else None

    def forward(self, fields: Tensor, label: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
        """Encode.

        Args:
            fields: [B, context_input_channels, h, w], steps of the stack and static fields side by side.
            label: [B, embedding_channels], the vector of each case's label; None where cases have none.

        Returns:
            One map per level of the UNet, [B, channels, rows, columns], and [B, embedding_channels].
        """
        rows, columns = fields.shape[-2:]
        cells = 2**self.halvings
        # To whole coarse cells, so that the grids stay nested.
        h = F.pad(fields, (0, -columns % cells, 0, -rows % cells), mode="replicate")
        h = self.blocks[0](self.lift(h))
        finer: list[Tensor] = []
        for down, block in zip(self.down, self.blocks[1:], strict=True):
            finer.append(h)
            h = block(down(h))
        for up, skip in zip(reversed(self.up), reversed(finer), strict=True):
            h = skip + F.interpolate(up(h), scale_factor=2.0, mode="bilinear", align_corners=False)
        h = h[..., :rows, :columns]
        if self.film is not None and label is not None:
            h = self.film(h, label)
        maps = [resample(project(h)) for project, resample in zip(self.project, self.resample, strict=True)]
        return maps, self.vector(F.silu(h.mean(dim=(-2, -1))))


def context_fields(dynamic: Tensor | None, static: Tensor | None) -> Tensor:
    """Dynamic ([B, C, h, w] or [B, T, C, h, w]) and static ([B, C, h, w]) fields of the context side by side."""
    parts = [] if dynamic is None else [dynamic.flatten(1, -3)]
    return torch.cat(parts if static is None else [*parts, static], dim=1)
