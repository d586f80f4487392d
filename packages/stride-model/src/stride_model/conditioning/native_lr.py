"""The native LR path: encode at the LR resolution, then bring features to the HR grid."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.conditioning.lr_block import LRBlock
from stride_model.conditioning.resample import Resample
from stride_model.conditioning.scale_shift import ScaleShift
from stride_model.grids import Grids
from stride_model.spec import ModelSpec
from stride_model.unet.patches import Patches


class NativeLREncoder(nn.Module):
    """LR fields and HR statics to one map per level of the UNet. Runs once per case.

    The LR fields are encoded at their own resolution, where a convolution costs almost nothing and reaches far. At
    each level they are projected to the level's width while still LR and resampled bilinearly, cell-centred, to the
    level's grid. On the finest grid they meet the statics in a small network of their own. A label scales and shifts
    the encoded LR fields, and what they and the statics become, so that it decides what is taken from them.

    Args:
        spec: What to build.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        grids = Grids.of(spec)
        core, width = spec.lr_core_shape, spec.lr_channels
        top, _, left, _ = spec.lr_margins
        lr_per_hr = (core[0] / spec.target_hr_shape[0], core[1] / spec.target_hr_shape[1])
        self.patches = Patches(grids)
        self.lift = nn.Conv2d(spec.cond_channels, width, 3, padding=1, padding_mode="replicate")
        self.blocks = nn.Sequential(*(LRBlock(width) for _ in range(spec.lr_blocks)))
        self.project = nn.ModuleList(nn.Conv2d(width, channels, 1) for channels in spec.channels)
        self.resample = nn.ModuleList(
            Resample(spec.cond_lr_shape, lr_per_hr, (top, left), grids.level_shape(level), cell)
            for level, cell in enumerate(grids.cells)
        )
        finest = spec.channels[0]
        static = spec.in_static_channels * spec.patch**2
        self.static = nn.Conv2d(static, finest, 3, padding=1) if static else None
        self.fuse = nn.Conv2d(finest, finest, 3, padding=1)
        self.out = nn.Conv2d(finest, finest, 3, padding=1)
        self.film_lr = ScaleShift(width, spec.embedding_channels) if spec.use_film_vars else None
        self.film_finest = ScaleShift(finest, spec.embedding_channels) if spec.use_film_vars else None

    def forward(
        self,
        dynamic: Tensor,
        static: Tensor | None,
        context: list[Tensor] | None = None,
        label: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Encode.

        Args:
            dynamic: [B, cond_channels, h_lr, w_lr].
            static: [B, C_static, H, W] or None.
            context: Maps of the context encoder, one per level, added to those of the LR fields; or None.
            label: [B, embedding_channels], the vector of each case's label; None where cases have none.

        Returns:
            Features of the conditioning on the finest grid, [B, channels[0], rows, columns]; and one map per level.
        """
        lr = self.blocks(self.lift(dynamic))
        if self.film_lr is not None and label is not None:
            lr = self.film_lr(lr, label)
        maps = [resample(project(lr)) for project, resample in zip(self.project, self.resample, strict=True)]
        if context is not None:
            maps = [ours + theirs for ours, theirs in zip(maps, context, strict=True)]
        finest = maps[0]
        if self.static is not None and static is not None:
            finest = finest + self.static(self.patches.fold(static))
        features = self.fuse(F.silu(finest.contiguous(memory_format=torch.channels_last)))
        if self.film_finest is not None and label is not None:
            features = self.film_finest(features, label)
        maps[0] = self.out(F.silu(features))
        return features, tuple(level.contiguous(memory_format=torch.channels_last) for level in maps)
