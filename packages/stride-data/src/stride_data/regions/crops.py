"""Seeded random training crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from stride_vars.regions import Box


@dataclass(frozen=True)
class CropAnchors:
    """Every place where a crop may begin; all equally likely.

    Attributes:
        shape: Rows and columns of a crop.
        rows: HR rows where a crop may begin.
        columns: HR columns where a crop may begin.
    """

    shape: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def inside(cls, box: Box, shape: tuple[int, int], *, rows: Sequence[int], columns: Sequence[int]) -> CropAnchors:
        """Keep the rows and columns at which a crop of the shape stays inside the box."""
        return cls(
            shape,
            tuple(y for y in rows if box.y <= y <= box.y + box.height - shape[0]),
            tuple(x for x in columns if box.x <= x <= box.x + box.width - shape[1]),
        )

    @property
    def count(self) -> int:
        """Number of different crops."""
        return len(self.rows) * len(self.columns)

    @property
    def covered(self) -> Box:
        """The cells that all crops cover together; there must be one."""
        height, width = self.shape
        return Box(
            y=self.rows[0],
            x=self.columns[0],
            height=self.rows[-1] + height - self.rows[0],
            width=self.columns[-1] + width - self.columns[0],
        )

    def draw(self, seed: int, epoch: int, index: int) -> Box:
        """The crop of one sample: the same for the same (seed, epoch, index) in whatever process it is drawn."""
        # The leading 1 keeps this stream apart from the loader's order of samples, which begins with 0.
        generator = np.random.default_rng((1, seed, epoch, index))
        place = int(generator.integers(self.count))
        row, column = divmod(place, len(self.columns))
        return Box(y=self.rows[row], x=self.columns[column], height=self.shape[0], width=self.shape[1])
