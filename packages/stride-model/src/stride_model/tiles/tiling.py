"""Where the tiles of a domain lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from stride_model.errors import SpecError

Shape = tuple[int, int]


@dataclass(frozen=True)
class Tiling:
    """Overlapping tiles of one size that cover a domain; the outermost are flush with its edges.

    Attributes:
        domain: Rows and columns of the domain.
        tile: Rows and columns of a tile.
        rows: First row of each row of tiles, rising.
        columns: First column of each column of tiles, rising.
        rim: Pixels along the inner edges of a tile that do not count: there a network sees the padding instead of the
            field's continuation.
    """

    domain: Shape
    tile: Shape
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    rim: int = 0

    def __post_init__(self) -> None:
        """Check that the tiles cover the domain and that something of every overlap counts.

        Raises:
            SpecError: Where they do not.
        """
        for axis, size, tile, starts in self._axes():
            gaps = [after - before for before, after in pairwise(starts)]
            if not starts or starts[0] != 0 or starts[-1] + tile != size or any(not 0 < gap <= tile for gap in gaps):
                raise SpecError(
                    f"tiles: {axis} {starts} with tiles of {tile} do not cover 0 to {size} without gaps; begin with 0, "
                    f"end with {size - tile}, and leave at most {tile} between two"
                )
            least = tile - max(gaps, default=0)
            if gaps and (self.rim < 0 or 2 * self.rim > least):
                raise SpecError(
                    f"tiles: a rim of {self.rim} is more than half of the smallest overlap, {least}, along {axis}; "
                    "use a narrower rim or a wider overlap"
                )

    @classmethod
    def over(cls, domain: Shape, tile: Shape, *, overlap: int, step: Shape = (1, 1), rim: int = 0) -> "Tiling":
        """The fewest tiles that overlap by at least so much, spread evenly.

        Args:
            domain: Rows and columns of the domain.
            tile: Rows and columns of a tile.
            overlap: Pixels that neighbours share at least.
            step: Tiles begin at multiples of it: of the LR cell (and of the context's), so that every tile lies on the
                grids of its conditioning as the network's box did in training.
            rim: See the class.

        Raises:
            SpecError: A domain that is smaller than a tile, or larger by what is no multiple of the step; an overlap
                that leaves no step from one tile to the next.
        """
        starts = [
            tuple(_spread(axis, *sizes, overlap, size))
            for axis, sizes, size in zip(("rows", "columns"), zip(domain, tile, strict=True), step, strict=True)
        ]
        return cls(domain, tile, starts[0], starts[1], rim)

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)

    @property
    def corners(self) -> list[Shape]:
        """First row and column of every tile, row by row."""
        return [(row, column) for row in self.rows for column in self.columns]

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """Rows and columns of every tile, as indices of the last two axes of a field."""
        height, width = self.tile
        return [(slice(row, row + height), slice(column, column + width)) for row, column in self.corners]

    def _axes(self) -> Iterator[tuple[str, int, int, tuple[int, ...]]]:
        yield from zip(("rows", "columns"), self.domain, self.tile, (self.rows, self.columns), strict=True)


def _spread(axis: str, size: int, tile: int, overlap: int, step: int) -> Iterator[int]:
    """First pixels of the tiles along one axis."""
    steps, rest = divmod(size - tile, step)
    if steps < 0:
        raise SpecError(f"tiles: a domain of {size} {axis} is smaller than a tile of {tile}; use a larger domain")
    if rest:
        raise SpecError(
            f"tiles: a domain of {size} {axis} is larger than a tile of {tile} by no multiple of the step {step}; use "
            f"{size - rest} or {size - rest + step}"
        )
    stride = (tile - overlap) // step
    if overlap < 0 or (steps and stride < 1):
        raise SpecError(
            f"tiles: an overlap of {overlap} leaves tiles of {tile} {axis} no step of {step} from one to the next; use "
            f"0 to {max(tile - step, 0)}"
        )
    last = -(-steps // max(stride, 1))
    for number in range(last + 1):
        yield step * (number * steps // max(last, 1))
