"""Grids of panels whose last row is not full."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes


def close_columns(panels: np.ndarray, used: int) -> list[Axes]:
    """Hides panels that hold nothing and numbers the axis of the lowest one that is used in each column.

    Args:
        panels: axes [row, column] that share x, filled row by row.
        used: how many hold something.

    Returns:
        The lowest used panel of each column that has one.
    """
    for axes in panels.flat[used:]:
        axes.set_axis_off()
    lowest = []
    for column in range(min(used, panels.shape[1])):
        axes = panels[(used - 1 - column) // panels.shape[1], column]
        axes.tick_params(labelbottom=True)
        lowest.append(axes)
    return lowest
