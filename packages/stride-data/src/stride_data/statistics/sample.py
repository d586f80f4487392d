"""A sample of a variable's values, the same however the work is divided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 2_000_000
"""Values kept per variable for quantiles and estimated parameters, which are exact as long as there are not more."""


def share_of(fields: int) -> int:
    """How many values one field gives to the sample, where as many fields are to come."""
    return max(1, SAMPLE_SIZE // max(1, fields))


def sample(observed: NDArray[np.float32], cells: int, share: int, seed: int) -> NDArray[np.float32]:
    """Draw from the observed values of one field, so that every value has the same chance whatever else is missing.

    One value is drawn from each of equally long stretches of the field.

    Args:
        observed: Values that are not missing, [n].
        cells: Number of cells of the field, missing ones included.
        share: Number of values to draw if none is missing.
        seed: The field's place in the stream.

    Returns:
        All values of a field that has no more cells than ``share``, else drawn ones.
    """
    if cells <= share or observed.size == 0:
        return observed.copy()
    count = min(observed.size, max(1, round(share * observed.size / cells)))
    offsets = np.random.default_rng(seed).random(count)
    places = ((np.arange(count) + offsets) * (observed.size / count)).astype(np.int64)
    return observed[np.minimum(places, observed.size - 1)]
