"""Colours of field values: stride-vars' maps and ranges as matplotlib understands them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, PowerNorm, TwoSlopeNorm
from stride_vars.colours import COLOUR_MAPS, MISSING_COLOUR
from stride_vars.spec import VariableSpec


@dataclass(frozen=True)
class ColourScale:
    """What several panels share: colours, limits, and whether values lie beyond them.

    Attributes:
        cmap: colours.
        norm: limits and their spacing.
        extend: which ends of the colour bar point outwards: "neither", "min", "max" or "both".
        ticks: values to label on the colour bar; None: matplotlib's choice.
    """

    cmap: Colormap
    norm: Normalize
    extend: str
    ticks: tuple[float, ...] | None = None


def colour_map(name: str) -> Colormap:
    """A map of stride-vars or of matplotlib, with grey where a field has no value."""
    if name in COLOUR_MAPS:
        cmap: Colormap = LinearSegmentedColormap.from_list(name, COLOUR_MAPS[name])
    else:
        cmap = mpl.colormaps[name].copy()
    cmap.set_bad(MISSING_COLOUR)
    return cmap


def value_scale(spec: VariableSpec, fields: Iterable[np.ndarray]) -> ColourScale:
    """One scale for fields of a variable.

    The limits are the variable's own, so that reports are comparable. Variables that cannot be negative are spaced by
    the square root, which shows light and heavy values at once and leaves dry pixels white; others keep the
    part of the range that the fields use when that is less than half of it, else a map would show one colour.
    """
    low, high = _span(fields)
    if spec.is_positive_definite:
        top = spec.plot_range[1] if spec.plot_range else max(high, 1e-12)
        norm: Normalize = PowerNorm(0.5, vmin=0.0, vmax=top, clip=False)
        return ColourScale(colour_map(spec.cmap), norm, "max" if high > top else "neither", _root_ticks(top))
    bottom, top = spec.plot_range or (low, high)
    if high - low < 0.5 * (top - bottom) and high > low:
        bottom, top = _rounded(low, high)
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return ColourScale(colour_map(spec.cmap), Normalize(bottom, top), beyond[low < bottom, high > top])


def difference_scale(spec: VariableSpec, fields: Iterable[np.ndarray]) -> ColourScale:
    """A diverging scale for differences of a variable, white at zero, symmetric."""
    values = [np.abs(field[np.isfinite(field)]) for field in fields]
    pooled = np.concatenate([value.ravel() for value in values]) if values else np.empty(0)
    most = _nice(float(np.quantile(pooled, 0.995))) if pooled.size and pooled.max() > 0 else 1.0
    beyond = "both" if pooled.size and pooled.max() > most else "neither"
    return ColourScale(colour_map(spec.anomaly_cmap), TwoSlopeNorm(0.0, -most, most), beyond)


def amount_scale(fields: Iterable[np.ndarray], cmap: str = "YlOrBr") -> ColourScale:
    """A sequential scale from zero for errors and spreads."""
    pooled = np.concatenate([field[np.isfinite(field)].ravel() for field in fields] or [np.empty(0)])
    top = _nice(float(np.quantile(pooled, 0.995))) if pooled.size and pooled.max() > 0 else 1.0
    return ColourScale(
        colour_map(cmap), Normalize(0.0, top), "max" if pooled.size and pooled.max() > top else "neither"
    )


def _span(fields: Iterable[np.ndarray]) -> tuple[float, float]:
    finite = [field[np.isfinite(field)] for field in fields]
    finite = [values for values in finite if values.size]
    if not finite:
        return 0.0, 1.0
    return min(float(values.min()) for values in finite), max(float(values.max()) for values in finite)


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Limits moved outwards to a whole number of steps, about ten of them."""
    step = _nice((high - low) / 10.0)
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)


def _nice(value: float) -> float:
    """The next 1, 2, 2.5, 5 or 10 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(
            step * power
            for step in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
            if step * power >= value * (1 - 1e-9)
        )
    )


def _root_ticks(top: float) -> tuple[float, ...]:
    """Five or six labels that stand about evenly on a square-root axis."""
    wanted = [top * share**2 for share in (0.0, 0.15, 0.35, 0.5, 0.7, 1.0)]
    return tuple(dict.fromkeys(_nice(value) if 0 < value < top else value for value in wanted))
