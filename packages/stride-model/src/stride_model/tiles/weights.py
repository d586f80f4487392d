"""How much each tile counts at each pixel: smooth, and one in all."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stride_model.tiles.tiling import Tiling


def tile_weights(tiling: Tiling) -> tuple[Tensor, Tensor]:
    """Weights of the tiles along rows and along columns.

    The weight of a tile at a pixel is the product of both. Over all tiles it sums to one at every pixel.

    Args:
        tiling: Where the tiles lie.

    Returns:
        float32 [rows of tiles, rows of a tile] and [columns of tiles, columns of a tile].
    """
    (height, width), rim = tiling.tile, tiling.rim
    return axis_weights(tiling.rows, height, rim), axis_weights(tiling.columns, width, rim)


def axis_weights(starts: Sequence[int], size: int, rim: int) -> Tensor:
    """Weights along one axis: sin^2 ramps across the overlaps without their rims, divided by their sum.

    Where no more than two tiles overlap, the ramps of both add up to one by themselves.

    Args:
        starts: First pixel of each tile, rising.
        size: Pixels of a tile.
        rim: Pixels at inner edges that do not count.

    Returns:
        float32 [tiles, size].
    """
    position = torch.arange(size, dtype=torch.float64) + 0.5
    windows = torch.ones(len(starts), size, dtype=torch.float64)
    for number in range(1, len(starts)):
        overlap = starts[number - 1] + size - starts[number]
        windows[number] *= _ramp(position, overlap, rim)
        windows[number - 1] *= _ramp(size - position, overlap, rim)
    total = torch.zeros(starts[-1] + size, dtype=torch.float64)
    for start, window in zip(starts, windows, strict=True):
        total[start : start + size] += window
    return torch.stack([w / total[start : start + size] for start, w in zip(starts, windows, strict=True)]).float()


def _ramp(distance: Tensor, overlap: int, rim: int) -> Tensor:
    """From 0 at the rim's end to 1 at that of the neighbour's rim, by the distance from the tile's edge."""
    if overlap == 2 * rim:
        return (distance > rim).double()
    share = ((distance - rim) / (overlap - 2 * rim)).clamp(0, 1)
    return torch.sin(0.5 * torch.pi * share) ** 2
