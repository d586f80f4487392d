"""Colour maps of our own, as lists of hex colours from the lowest to the highest value.

No plotting library is needed here: whoever plots interpolates the list (matplotlib's
``LinearSegmentedColormap.from_list``). Names that are not listed are matplotlib's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COLOUR_MAPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Dry is white; lightness falls all the way, so that a grey copy still reads as an amount.
        "precip_cmap": (
            "#ffffff", "#e3f1f7", "#c0e0ef", "#92c9e6", "#5eaedb", "#3a90c4", "#2f8f88", "#2c8458",
            "#336b35", "#5a3f78", "#54206f", "#350a4f",
        ),
        # Cold to warm with a light band in the middle; no green, readable for the colour-blind.
        "temperature_cmap": (
            "#2b1a5e", "#2a4b9b", "#3f86c0", "#83bcd9", "#cbe3ea", "#f7f3e1", "#fbd49a", "#f3a05b",
            "#de6438", "#b22a2c", "#6b0f1f",
        ),
        # Sea-level green over brown to snow.
        "topography_cmap": (
            "#1f5f3a", "#4d8b4b", "#8db368", "#cdd08a", "#e5cf94", "#c9a26b", "#a3774d", "#8a6a5a",
            "#b3a6a0", "#ffffff",
        ),
        # Calm is white, gales are dark red.
        "wind_cmap": (
            "#ffffff", "#dceef2", "#a9d6d8", "#6fbab5", "#4a9a86", "#7d9a4a", "#b98a2e", "#c46a1f",
            "#b1401d", "#86172a", "#4f0a3a",
        ),
        # Dry soil brown to wet blue-green.
        "moisture_cmap": (
            "#f7efdc", "#e6d3a8", "#cdbd80", "#a3b07c", "#6fa08a", "#3f8796", "#2b658f", "#243f73", "#1b1e4a",
        ),
    }
)  # fmt: skip

MISSING_COLOUR = "#bdbdbd"
"""Where a field has no value; a grey that no map above contains."""
