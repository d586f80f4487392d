"""The nested grids of a UNet: the HR grid padded to a multiple of its coarsest cell, and one grid per level."""

import warnings
from dataclasses import dataclass

from stride_model.spec import ModelSpec

AFFORDABLE_CELLS = 64 * 64
"""Cells of a grid beyond which self-attention gets a warning.

Its cost grows with their square: with 64 channels it is 2e9 multiply-adds here, six times a whole call of the default
network on 144 x 144 pixels.
"""


@dataclass(frozen=True)
class Grids:
    """Sizes of the grids of a UNet, and how large their cells are.

    Attributes:
        hr_shape: Rows and columns of the HR box.
        padded_shape: The same, extended at the bottom and right to multiples of the coarsest cell.
        cells: Side of a cell of each level, in HR pixels, finest first.
    """

    hr_shape: tuple[int, int]
    padded_shape: tuple[int, int]
    cells: tuple[int, ...]

    @classmethod
    def of(cls, spec: ModelSpec) -> "Grids":
        """Grids of a network with this specification."""
        cells = tuple(spec.patch * 2**level for level in range(len(spec.channels)))
        rows, columns = (-(-size // cells[-1]) * cells[-1] for size in spec.target_hr_shape)
        return cls(spec.target_hr_shape, (rows, columns), cells)

    def level_shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level's grid."""
        rows, columns = self.padded_shape
        return rows // self.cells[level], columns // self.cells[level]

    def warn_of_attention(self, levels: tuple[int, ...]) -> None:
        """Warn where levels attend over more cells than is affordable."""
        for level in levels:
            rows, columns = self.level_shape(level)
            if rows * columns > AFFORDABLE_CELLS:
                warnings.warn(
                    f"level {level} attends over {rows} x {columns} cells, more than {AFFORDABLE_CELLS}; the cost "
                    "grows with the square of that: keep attention_levels to coarser levels",
                    stacklevel=2,
                )
