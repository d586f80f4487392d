"""The Box-Cox exponent of a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BOUNDS = (-2.0, 2.0)
"""Where the exponent is looked for; beyond, it no longer makes anything more normal."""

RANKS = 100_000
"""At most as many values, evenly spaced in rank, enter the likelihood."""


def estimate_lambda(ascending: NDArray[np.float32], offset: float) -> float | None:
    """The exponent of maximum likelihood (Box and Cox, 1964), by ``scipy.stats.boxcox_llf``.

    Args:
        ascending: The sample, sorted.
        offset: Added to the values.

    Returns:
        The exponent, within ``BOUNDS``; None where ``x + offset`` is not positive or does not vary.
    """
    if ascending.size == 0:
        return None
    places = np.arange(min(RANKS, ascending.size))
    if ascending.size > RANKS:
        places = ((places + 0.5) * (ascending.size / RANKS)).astype(np.int64)
    shifted = ascending[places].astype(np.float64) + offset
    if ascending[0] + offset <= 0 or shifted[0] == shifted[-1]:
        return None
    from scipy.optimize import minimize_scalar
    from scipy.stats import boxcox_llf

    found = minimize_scalar(
        lambda exponent: -boxcox_llf(exponent, shifted), bounds=BOUNDS, method="bounded", options={"xatol": 1e-8}
    )
    return float(found.x)
