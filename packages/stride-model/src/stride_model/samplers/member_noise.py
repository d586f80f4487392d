"""Noise that belongs to a member: the same whatever batch the member is drawn in, and whatever came before."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stride_model.samplers.protocol import Noise

BLOCK = 64
"""Rows and columns of the blocks that noise with a place is drawn in."""


def member_noise(
    seeds: Sequence[int],
    shape: Sequence[int],
    *,
    corner: tuple[int, int] | None = None,
    device: torch.device | str = "cpu",
) -> Noise:
    """Source of standard normal noise for members with these seeds.

    Each (seed, draw), and with a corner each block of the grid, has a CPU generator of its own, seeded from them by
    numpy's SeedSequence. Noise is drawn on the CPU and then moved, so that a member is the same on every device.

    Args:
        seeds: One per member, not negative.
        shape: Of one member's noise, [C, H, W].
        corner: Row and column on its grid of the field's first pixel. A pixel's noise then depends on where on the grid
            the pixel lies and not on the field's own extent: two fields that overlap have the same noise there. None
            draws each field as one, for fields without a place.
        device: Where the noise goes.

    Returns:
        A function of the draw's number that returns float32 [len(seeds), *shape].
    """

    def noise(draw: int) -> Tensor:
        fields = torch.empty(len(seeds), *shape)
        for field, seed in zip(fields, seeds, strict=True):
            if corner is None:
                torch.randn(tuple(shape), generator=_generator(seed, draw), out=field)
            else:
                _fill(field, corner, seed, draw)
        return fields.to(device)

    return noise


def _fill(field: Tensor, corner: tuple[int, int], seed: int, draw: int) -> None:
    """Fills [C, H, W] with the cuttings of all blocks that it covers."""
    channels, height, width = field.shape
    top, left = corner
    for row in range(top // BLOCK, (top + height - 1) // BLOCK + 1):
        for column in range(left // BLOCK, (left + width - 1) // BLOCK + 1):
            # Rows and columns may be negative, seeds may not.
            place = (row % 2**32, column % 2**32)
            block = torch.randn((channels, BLOCK, BLOCK), generator=_generator(seed, draw, *place))
            rows, here_rows = _common(row, top, height)
            columns, here_columns = _common(column, left, width)
            field[:, here_rows, here_columns] = block[:, rows, columns]


def _common(number: int, first: int, length: int) -> tuple[slice, slice]:
    """What a block and a stretch of pixels share along one axis, counted from the start of each."""
    start, stop = max(BLOCK * number, first), min(BLOCK * (number + 1), first + length)
    return slice(start - BLOCK * number, stop - BLOCK * number), slice(start - first, stop - first)


def _generator(*seeds: int) -> torch.Generator:
    state = np.random.SeedSequence(seeds).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
