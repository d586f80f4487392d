"""How fields are cut into tiles, and tiles gathered into shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Compression = Literal["none", "zstd", "lz4"]

TILE = 128
"""Edge length of a tile in cells: about that of a crop, which then lies in four tiles at most, or a few more.

Copying a 128 x 128 crop out of mapped tiles of 64, 96 and 128 cells was measured to take 34, 28 and 24 microseconds.
"""

# One shard is one file, written whole: small against a disk, large against the cost of opening it.
_SHARD_BYTES = 96 * 2**20

# The shards of all variables of one source are filled side by side, since files hold several variables.
_HELD_BYTES = 512 * 2**20

_CELL_BYTES = 4
_INDEX_BYTES = 16
_CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class Layout:
    """Tiles and shards of the arrays of one source.

    Attributes:
        cells: Rows and columns of the fields.
        tile: Rows and columns of a tile; the field's edges may lie inside one.
        shard_times: Times in one shard, which is whole in rows and columns.
    """

    cells: tuple[int, int]
    tile: tuple[int, int]
    shard_times: int

    @classmethod
    def of(cls, cells: tuple[int, int], tile: int, variables: int, times: int) -> Layout:
        """Cut fields evenly into tiles of about the wished size, so that few cells are stored beyond the edges.

        Args:
            cells: Rows and columns of the fields.
            tile: Wished edge length of a tile.
            variables: Variables with time that are written side by side.
            times: Number of times.
        """
        edges = tuple(-(-size // max(1, round(size / tile))) for size in cells)
        one = cls(cells, (edges[0], edges[1]), 1)
        shard = min(_SHARD_BYTES, _HELD_BYTES // max(1, variables))
        return cls(cells, one.tile, max(1, min(times, shard // one.field_bytes)))

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return (-(-self.cells[0] // self.tile[0]), -(-self.cells[1] // self.tile[1]))

    @property
    def field_bytes(self) -> int:
        """Bytes of one field, its tiles whole."""
        (rows, columns), (height, width) = self.tiles, self.tile
        return rows * columns * height * width * _CELL_BYTES

    def shards(self, times: int) -> int:
        """Shards of an array with so many times."""
        return -(-times // self.shard_times)

    def array_bytes(self, times: int) -> int:
        """Bytes on disk of an array with so many times, uncompressed: every shard is whole."""
        rows, columns = self.tiles
        index = self.shard_times * rows * columns * _INDEX_BYTES + _CHECKSUM_BYTES
        return self.shards(times) * (self.shard_times * self.field_bytes + index)

    def describe(self) -> dict[str, Any]:
        """JSON-able."""
        return {"cells": list(self.cells), "tile": list(self.tile), "shard_times": self.shard_times}
