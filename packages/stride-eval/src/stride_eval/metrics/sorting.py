"""Sorts the members of many points at once."""

from __future__ import annotations

from functools import cache

import numpy as np

NETWORK_LIMIT = 32
"""Up to so many members a network of whole-row comparisons is the faster sort; its work grows with M log² M."""


def sort_members(members: np.ndarray) -> np.ndarray:
    """Members [M, n] in ascending order along the first axis; a point with a missing member becomes missing.

    A sorting network compares the same pairs of positions whatever the values are, so that each comparison is one
    vectorised minimum and maximum over all points. Large ensembles are sorted point by point.
    """
    if len(members) > NETWORK_LIMIT:
        ordered = np.ascontiguousarray(members.T)
        ordered.sort(axis=1)
        return ordered.T
    ordered = members.copy()
    lower = np.empty_like(ordered[0])
    for first, second in _network(len(members)):
        np.minimum(ordered[first], ordered[second], out=lower)
        np.maximum(ordered[first], ordered[second], out=ordered[second])
        ordered[first] = lower
    return ordered


@cache
def _network(count: int) -> tuple[tuple[int, int], ...]:
    """Pairs of positions to compare, in order: Batcher's merge exchange for any number of values.

    Source:
        Knuth (1998), The Art of Computer Programming, volume 3, 2nd ed., section 5.2.2, algorithm M.
    """
    if count < 2:
        return ()
    pairs = []
    top = 1 << ((count - 1).bit_length() - 1)
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return tuple(pairs)
