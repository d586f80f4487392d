"""Pairs of points of a grid at chosen distances: a stated, reproducible sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stride_eval.metrics.errors import MetricError


@dataclass(frozen=True)
class DistancePairs:
    """Pairs of points in classes of distance.

    Attributes:
        first, second: [class, pair] numbers of the points, counted row by row.
        distance: [class] mean distance of the pairs.
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray


def distance_pairs(
    valid: np.ndarray, *, spacing: tuple[float, float] = (1.0, 1.0), limit: int = 100, seed: int = 0
) -> DistancePairs:
    """Pairs of valid points 1, 2, 4, 8, ... rows apart, up to half the shorter side, in eight directions.

    Args:
        valid: points that may be drawn [y, x].
        spacing: distance between rows and between columns.
        limit: pairs of each class, drawn with replacement; the same arguments give the same pairs.
        seed: of the draw.

    Returns:
        Classes in order of distance; one in which no pair lies on the grid is left out. May be empty.

    Raises:
        MetricError: less than one pair is asked for.
    """
    if limit < 1:
        raise MetricError(f"limit is {limit}; give a number of pairs of 1 or more")
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(valid)
    reach = min(size * step for size, step in zip(valid.shape, spacing, strict=True)) / 2.0
    found: list[tuple[np.ndarray, np.ndarray, float]] = []
    length = spacing[0]
    while rows.size and length <= max(reach, spacing[0]) * (1 + 1e-9):
        start = rng.integers(rows.size, size=64 * limit)
        angle = rng.integers(8, size=start.size) * (np.pi / 4.0)
        down = np.rint(length * np.sin(angle) / spacing[0]).astype(int)
        right = np.rint(length * np.cos(angle) / spacing[1]).astype(int)
        row, column = rows[start] + down, columns[start] + right
        inside = (row >= 0) & (row < valid.shape[0]) & (column >= 0) & (column < valid.shape[1])
        inside &= (down != 0) | (right != 0)
        inside[inside] = valid[row[inside], column[inside]]
        chosen = np.flatnonzero(inside)[:limit]
        if chosen.size == limit:
            apart = np.hypot(down * spacing[0], right * spacing[1])[chosen]
            width = valid.shape[1]
            first = rows[start[chosen]] * width + columns[start[chosen]]
            found.append((first, row[chosen] * width + column[chosen], float(apart.mean())))
        length *= 2.0
    first, second = (np.array([one[which] for one in found]).reshape(-1, limit) for which in (0, 1))
    return DistancePairs(first.astype(int), second.astype(int), np.array([one[2] for one in found]))
