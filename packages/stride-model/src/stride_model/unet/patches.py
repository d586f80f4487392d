"""HR pixels to the cells of the UNet's finest grid and back: padding and space to depth."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.grids import Grids


def reflect_indices(n: int, padded: int) -> Tensor:
    """Indices 0..n-1 and on by reflection at the last element, any length: for n = 3, 0 1 2 1 0 1 2 ..."""
    period = max(2 * (n - 1), 1)
    position = torch.arange(padded) % period
    return torch.minimum(position, period - position) if n > 1 else torch.zeros(padded, dtype=torch.long)


class Patches(nn.Module):
    """Pad at the bottom and right by reflection, and fold each square of pixels into channels; and the inverse.

    Args:
        grids: Grids of the network.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, grids: Grids) -> None:
        super().__init__()
        self.patch = grids.cells[0]
        self.hr_shape = grids.hr_shape
        self.pads = grids.hr_shape != grids.padded_shape
        self.register_buffer("rows", reflect_indices(grids.hr_shape[0], grids.padded_shape[0]), persistent=False)
        self.register_buffer("columns", reflect_indices(grids.hr_shape[1], grids.padded_shape[1]), persistent=False)

    def fold(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to [B, C * patch**2, rows, columns] of the finest grid."""
        if self.pads:
            x = x.index_select(-2, self.rows).index_select(-1, self.columns)
        return F.pixel_unshuffle(x, self.patch)

    def unfold(self, x: Tensor) -> Tensor:
        """[B, C * patch**2, rows, columns] to [B, C, H, W], the padding cut off."""
        height, width = self.hr_shape
        return F.pixel_shuffle(x, self.patch)[..., :height, :width]
