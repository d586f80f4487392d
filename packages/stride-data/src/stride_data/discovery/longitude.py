"""Longitudes: told by their attributes, made monotonic, and seen to go around the globe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CIRCLE = 360.0

# CF conventions 1.11, section 4.2.
_EAST = ("degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE")


def is_longitude(attrs: Mapping[str, Any]) -> bool:
    """Whether a coordinate's attributes say that it is a longitude."""
    return attrs.get("standard_name") == "longitude" or attrs.get("units") in _EAST


def unwrapped(longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes along a row without the jump at their seam: 358, 359, 0, 1 becomes 358, 359, 360, 361.

    Args:
        longitudes: Degrees, [W], neighbours less than half a circle apart.
    """
    return np.unwrap(longitudes, period=CIRCLE)


def goes_around(edges: NDArray[np.float64]) -> bool:
    """Whether columns with these edges [W + 1] are of one width and go around the globe exactly once."""
    widths = np.abs(np.diff(edges))
    tolerance = 1e-3 * widths.max()
    return bool(np.ptp(widths) <= 2 * tolerance and abs(abs(edges[-1] - edges[0]) - CIRCLE) <= tolerance)
