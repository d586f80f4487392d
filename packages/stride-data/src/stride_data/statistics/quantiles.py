"""Quantiles of a sample, and the knots of the quantile transform."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)

KNOTS = 401
"""Number of quantiles, evenly spaced in normal score, at which the table is set up."""

OUTERMOST = 1e-5
"""Probability beyond which a sample tells too little; the transform extrapolates from there."""


def quantiles(ascending: NDArray[np.float32]) -> dict[str, float]:
    """Quantiles by level, as text; NaN for an empty sample."""
    if ascending.size == 0:
        return {f"{q:g}": math.nan for q in QUANTILES}
    values = np.quantile(ascending.astype(np.float64), QUANTILES)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, values, strict=True)}


def quantile_table(ascending: NDArray[np.float32]) -> dict[str, Any]:
    """Values of a sample, ascending, and the probability at the middle of their ranks.

    Equal values stand there once. Around a value that takes up more than one of the table's places (dry days, say) its
    neighbours in the sample are included, so that the jump in probability beside it is not smeared over other values.

    Args:
        ascending: The sample, sorted.

    Returns:
        Lists ``x``, strictly ascending, and ``p``, strictly ascending in (0, 1).
    """
    n = ascending.size
    if n == 0:
        return {"x": [], "p": []}
    normal = NormalDist()
    outermost = -normal.inv_cdf(min(0.5, max(0.5 / n, OUTERMOST)))
    levels = np.array([normal.cdf(z) for z in np.linspace(-outermost, outermost, KNOTS)])
    places = np.unique(np.clip(np.rint(levels * n - 0.5).astype(np.int64), 0, n - 1))
    x, repeats = np.unique(ascending[places], return_counts=True)
    tied = x[repeats > 1]
    before = np.searchsorted(ascending, tied, side="left") - 1
    behind = np.searchsorted(ascending, tied, side="right")
    x = np.unique(np.concatenate([x, ascending[before[before >= 0]], ascending[behind[behind < n]]]))
    ranks = np.searchsorted(ascending, x, side="left") + np.searchsorted(ascending, x, side="right")
    return {"x": x.astype(np.float64).tolist(), "p": (ranks / (2 * n)).tolist()}
