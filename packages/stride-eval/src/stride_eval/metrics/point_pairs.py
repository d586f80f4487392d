"""Pairs of points of a grid for the variogram score: a stated, reproducible subset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stride_eval.metrics.errors import MetricError


@dataclass(frozen=True)
class PointPairs:
    """Pairs of points, each pair once.

    Attributes:
        first, second: numbers of the points, counted row by row.
        weight: of each pair.
        shape: of the grid that the numbers count.
    """

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray
    shape: tuple[int, ...]


def point_pairs(
    shape: tuple[int, int],
    *,
    spacing: tuple[float, float] = (1.0, 1.0),
    max_distance: float = 16.0,
    limit: int = 20_000,
    seed: int = 0,
) -> PointPairs:
    """Pairs of points up to a distance, weighted by its inverse.

    All such pairs of the grid where they are no more than ``limit``; else ``limit`` different ones, drawn with equal
    chance. The same arguments give the same pairs, for every date and system.

    Args:
        shape: rows and columns.
        spacing: distance between rows and between columns.
        max_distance: in the units of ``spacing``.
        limit: largest number of pairs.
        seed: of the draw.

    Returns:
        The pairs in ascending order of their points.

    Raises:
        MetricError: no pair lies within the distance, or less than one pair is asked for.

    Source:
        Inverse-distance weights: Scheuerer & Hamill (2015), https://doi.org/10.1175/MWR-D-14-00269.1.
    """
    if limit < 1:
        raise MetricError(f"limit is {limit}; give a number of pairs of 1 or more")
    rows, columns = shape
    down, right, distance = _offsets(shape, spacing, max_distance)
    # Offset by offset, the pairs are those of a smaller grid: they are numbered through, and numbers are drawn.
    places = (rows - down) * (columns - np.abs(right))
    ends = np.cumsum(places)
    if not ends.size or not ends[-1]:
        raise MetricError(
            f"no two points of the grid of {rows} x {columns} lie within {max_distance:g}; give a larger max_distance"
        )
    count = int(ends[-1])
    if count > limit:
        drawn = np.sort(np.random.default_rng(seed).choice(count, size=limit, replace=False, shuffle=False))
    else:
        drawn = np.arange(count)
    offset = np.searchsorted(ends, drawn, side="right")
    place = drawn - (ends - places)[offset]
    width = (columns - np.abs(right))[offset]
    row, column = place // width, place % width + np.maximum(-right[offset], 0)
    first = row * columns + column
    second = (row + down[offset]) * columns + column + right[offset]
    order = np.lexsort((second, first))
    return PointPairs(first[order], second[order], (1.0 / distance[offset])[order], (rows, columns))


def _offsets(
    shape: tuple[int, int], spacing: tuple[float, float], max_distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps down and right from a pair's first point to its second, and their length; the opposite step is left out."""
    reach = [min(size - 1, int(max_distance / step + 1e-9)) for size, step in zip(shape, spacing, strict=True)]
    down, right = np.meshgrid(np.arange(reach[0] + 1), np.arange(-reach[1], reach[1] + 1), indexing="ij")
    distance = np.hypot(down * spacing[0], right * spacing[1])
    kept = (distance <= max_distance * (1 + 1e-9)) & ((down > 0) | (right > 0))
    return down[kept], right[kept], distance[kept]
