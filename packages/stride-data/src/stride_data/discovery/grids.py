"""A grid as a file gives it: coordinates of cell centres and edges, in the file's own row and column order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """A rectangular grid of H rows and W columns.

    Attributes:
        y: Centres of the rows, [H], in file coordinates.
        x: Centres of the columns, [W].
        y_edges: Edges of the rows, [H + 1], first to last row.
        x_edges: Edges of the columns, [W + 1].
        y_attrs: Attributes of the row coordinate (units, standard_name, ...).
        x_attrs: Attributes of the column coordinate.
        latitude: Two-dimensional latitudes, [H, W], where the file has them.
        longitude: Two-dimensional longitudes, [H, W], where the file has them.
        crs: Coordinate reference system of ``y`` and ``x``, as text that pyproj reads; None where it is not known, and
            for geographic coordinates.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]
    y_attrs: Mapping[str, Any] = field(default_factory=dict)
    x_attrs: Mapping[str, Any] = field(default_factory=dict)
    latitude: NDArray[np.float64] | None = None
    longitude: NDArray[np.float64] | None = None
    crs: str | None = None

    @classmethod
    def from_centres(cls, y: NDArray[Any], x: NDArray[Any], **others: Any) -> Grid:
        """Build from cell centres; edges lie half way between them, and half a step beyond the outer ones."""
        y, x = np.asarray(y, np.float64), np.asarray(x, np.float64)
        return cls(y=y, x=x, y_edges=cell_edges(y), x_edges=cell_edges(x), **others)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.y.size, self.x.size)

    @property
    def spacing(self) -> tuple[float, float]:
        """Mean signed step along rows and columns; 0 for a single row or column."""
        return tuple(float((c[-1] - c[0]) / (c.size - 1)) if c.size > 1 else 0.0 for c in (self.y, self.x))  # type: ignore[return-value]

    def flipped_y(self) -> Grid:
        """The grid with its rows reversed."""
        return replace(
            self,
            y=self.y[::-1],
            y_edges=self.y_edges[::-1],
            latitude=None if self.latitude is None else self.latitude[::-1],
            longitude=None if self.longitude is None else self.longitude[::-1],
        )

    def block_averaged(self, factor: int) -> Grid:
        """The grid of blocks of ``factor`` by ``factor`` cells; an incomplete last block is dropped."""
        rows, columns = self.y.size // factor, self.x.size // factor
        latitude = longitude = None
        if self.latitude is not None and self.longitude is not None:
            latitude, longitude = _block_positions(self.latitude, self.longitude, factor)
        return replace(
            self,
            y=self.y[: rows * factor].reshape(rows, factor).mean(axis=1),
            x=self.x[: columns * factor].reshape(columns, factor).mean(axis=1),
            y_edges=self.y_edges[: rows * factor + 1 : factor],
            x_edges=self.x_edges[: columns * factor + 1 : factor],
            latitude=latitude,
            longitude=longitude,
        )

    def same_as(self, other: Grid) -> bool:
        """Whether both have the same cells, to a thousandth of a cell."""
        if self.shape != other.shape:
            return False
        return all(
            np.allclose(a, b, rtol=0, atol=1e-3 * abs(step) if step else 1e-9)
            for a, b, step in zip((self.y, self.x), (other.y, other.x), self.spacing, strict=True)
        )


def _block_positions(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean position of the cells of each block: of their directions, since longitudes have a seam."""
    rows, columns = latitude.shape[0] // factor, latitude.shape[1] // factor
    phi, theta = np.radians(latitude), np.radians(longitude)
    directions = np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    blocks = directions[:, : rows * factor, : columns * factor].reshape(3, rows, factor, columns, factor)
    x, y, z = blocks.mean(axis=(2, 4))
    found = np.degrees(np.arctan2(y, x))
    # In the file's own convention, 0 to 360 or -180 to 180.
    return np.degrees(np.arctan2(z, np.hypot(x, y))), found % 360.0 if longitude.max() > 180.0 else found


def cell_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges [n + 1] of cells [n]: half way between the centres, and half a step beyond the outer ones."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = 0.5 * (centres[1:] + centres[:-1])
    first = centres[0] - 0.5 * (centres[1] - centres[0])
    last = centres[-1] + 0.5 * (centres[-1] - centres[-2])
    return np.concatenate([[first], middle, [last]])
