"""Shares within square windows, by summed-area tables."""

from __future__ import annotations

import numpy as np

PAD = {"valid": None, "clipped": 0, "zero": 1}
"""How pixels outside the domain count: never looked at, as 0 valid pixels, as 1 valid pixel without the event."""


def window_sums(counts: np.ndarray, valid: np.ndarray, *, width: int, edges: str, min_valid: float) -> np.ndarray:
    """Mean of ``counts`` over the valid pixels of every window.

    Args:
        counts: whole numbers [k, y, x], 0 where not valid.
        valid: bool [y, x].
        width: odd width of the window in pixels.
        edges: a key of :data:`PAD`.
        min_valid: least share of valid pixels among the window's pixels inside the domain.

    Returns:
        Means [k, windows], for the windows that count.
    """
    outside = PAD[edges]
    reach = 0 if outside is None else width // 2
    border = ((reach, reach), (reach, reach))
    present = np.pad(valid.astype(np.int64), border, constant_values=outside or 0)
    inside = np.pad(np.ones(valid.shape, np.int64), border, constant_values=outside or 0)
    n = _box(present, width)
    enough = (n > 0) & (n >= min_valid * _box(inside, width))
    return np.stack([_box(np.pad(part, border), width)[enough] for part in counts.astype(np.int64)]) / n[enough]


def _box(values: np.ndarray, width: int) -> np.ndarray:
    """Sums over all whole windows [y - width + 1, x - width + 1], from cumulative sums: the same cost for any width."""
    table = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    return table[width:, width:] - table[:-width, width:] - table[width:, :-width] + table[:-width, :-width]
