"""Colours of fields: the maps and ranges of stride_vars as matplotlib understands them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, PowerNorm
from stride_vars.colours import COLOUR_MAPS, MISSING_COLOUR
from stride_vars.spec import VariableSpec


def colour_map(variable: VariableSpec) -> Colormap:
    """The variable's colour map, with grey where a field has no value."""
    if variable.cmap in COLOUR_MAPS:
        found: Colormap = LinearSegmentedColormap.from_list(variable.cmap, COLOUR_MAPS[variable.cmap])
    else:
        found = mpl.colormaps[variable.cmap]
    return found.with_extremes(bad=MISSING_COLOUR)


def colour_limits(variable: VariableSpec, fields: Iterable[np.ndarray]) -> Normalize:
    """Limits that suit some fields: the variable's plotting range, or the part of it that they use.

    Amounts begin at zero and are spaced by the square root, which shows light and heavy values at once.

    Args:
        variable: Of the fields.
        fields: What the limits must suit; not the members, so that pictures of different steps compare.
    """
    pooled = [field[np.isfinite(field)].ravel() for field in map(np.asarray, fields)]
    values = np.concatenate([*pooled, np.zeros(0)])
    if values.size:
        low, high = (float(part) for part in np.quantile(values, (0.002, 0.998)))
    else:
        low, high = variable.plot_range or (0.0, 1.0)
    bottom, top = variable.plot_range or (low, high)
    if variable.is_amount:
        fits = 0.25 * top <= high <= top
        return PowerNorm(0.5, vmin=0.0, vmax=top if fits else max(high, 1e-6))
    if high - low < 0.5 * (top - bottom) or low < bottom or high > top:
        bottom, top = low, high
    return Normalize(bottom, top) if top > bottom else Normalize(bottom - 0.5, bottom + 0.5)


def pretty(label: str) -> str:
    """A label with its units' exponents raised, such as `mm day-1`."""
    return re.sub(r"(?<=[A-Za-z])(-?\d+)(?=[^\[]*\])", r"$^{\1}$", label)
