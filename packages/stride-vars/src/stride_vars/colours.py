"""Colour maps of our own, as lists of hex colours from the lowest to the highest value.

No plotting library is needed here: whoever plots interpolates the list (matplotlib's
``LinearSegmentedColormap.from_list``). Names that are not listed are matplotlib's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COLOUR_MAPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Dry is white, then green, blue and purple; lightness falls in even steps all the way, so that a grey copy
        # still reads as an amount and equal steps look equal.
        "precip_cmap": (
            "#ffffff", "#d4f0d8", "#a2e0bf", "#65cfb6", "#18babb", "#07a1bb",
            "#1488b3", "#1070ab", "#1058a4", "#373e8a", "#3f266a", "#38114a",
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
        # Calm is white, gales are dark red; lightness falls in even steps.
        "wind_cmap": (
            "#ffffff", "#c5efeb", "#8fddc8", "#8cc48b", "#9ea54f", "#ac8224",
            "#ae5e14", "#a43b18", "#901921", "#6f0630", "#411032",
        ),
        # Dry soil to wet blue; lightness falls in even steps.
        "moisture_cmap": (
            "#fdefd6", "#efd4a2", "#d5bc7e", "#a6aa6c", "#659a6f",
            "#0c8581", "#0b6a80", "#045173", "#043961", "#11214b",
        ),
    }
)  # fmt: skip

MISSING_COLOUR = "#bdbdbd"
"""Where a field has no value; a grey that no map above contains."""
