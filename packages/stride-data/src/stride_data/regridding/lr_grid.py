"""The declared LR grid: a source's own, or blocks of a source's cells with a margin around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stride_data.config import LrGridConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError


def declared_grid(config: LrGridConfig, grid: Grid) -> Grid:
    """The grid that sources are brought to.

    Args:
        config: The configuration's ``lr_grid``.
        grid: Grid of the source that it names.

    Raises:
        DataError: If the source has too few cells for a block.
    """
    if config.size is None:
        return grid
    if min(grid.shape) < config.size:
        raise DataError(
            f"data.lr_grid.size: blocks of {config.size} cells do not fit into the {grid.shape[0]} x {grid.shape[1]} "
            f"cells of {config.blocks_of}."
        )
    blocks = grid.block_averaged(config.size)
    if config.margin == 0:
        return blocks
    y, y_edges = _extended(blocks.y, blocks.y_edges, config.margin)
    x, x_edges = _extended(blocks.x, blocks.x_edges, config.margin)
    # Where the cells of the margin lie on the Earth follows from the system of coordinates only.
    return replace(blocks, y=y, x=x, y_edges=y_edges, x_edges=x_edges, latitude=None, longitude=None)


def _extended(
    centres: NDArray[np.float64], edges: NDArray[np.float64], margin: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, last = edges[1] - edges[0], edges[-1] - edges[-2]
    before, after = np.arange(-margin, 0), np.arange(1, margin + 1)
    return (
        np.concatenate([centres[0] + first * before, centres, centres[-1] + last * after]),
        np.concatenate([edges[0] + first * before, edges, edges[-1] + last * after]),
    )
