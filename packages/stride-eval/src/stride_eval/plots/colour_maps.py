"""Colours of field values: stride-vars' maps and ranges as matplotlib understands them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, PowerNorm, TwoSlopeNorm
from stride_vars.colours import COLOUR_MAPS, MISSING_COLOUR
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount


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
        cmap = mpl.colormaps[name]
    return cmap.with_extremes(bad=MISSING_COLOUR)


def value_scale(
    spec: VariableSpec, fields: Iterable[np.ndarray], *, others: Iterable[np.ndarray] = (), own_range: bool = False
) -> ColourScale:
    """One scale for fields of a variable.

    The limits are the variable's own, so that reports are comparable. Amounts are spaced by the square root, which
    shows light and heavy values at once and leaves dry pixels white; their upper limit is raised when more than one
    value in a hundred lies beyond it. Others keep the part of the range that the fields use when that is less than
    half of it, else a map would show one colour.

    Args:
        spec: of the variable.
        fields: what the limits must suit: the observed field and what the systems were given; where none of them has a
            value, ``others`` stand in.
        others: what is drawn on the same scale; its values beyond the limits only make the colour bar point outwards,
            so that one wild system does not turn all the others pale.
        own_range: limits from the fields alone, for means and other quantities that are smaller than the values.
    """
    values, beside = _pooled(fields), _pooled(others)
    values = values if values.size else beside
    low, high = _span(values)
    lowest, highest = _span(np.concatenate([values, beside]))
    stated = None if own_range else spec.plot_range
    if is_amount(spec):
        top = stated[1] if stated else _nice(float(np.quantile(values, 0.998)) if values.size else 1.0)
        if values.size and np.mean(values > top) > 0.01:
            top = _nice(float(np.quantile(values, 0.995)))
        norm: Normalize = PowerNorm(0.5, vmin=0.0, vmax=top, clip=False)
        return ColourScale(colour_map(spec.cmap), norm, _extend(False, highest > top), _root_ticks(top))
    bottom, top = stated or (low, high)
    if high > low and (own_range or stated is None or high - low < 0.5 * (top - bottom)):
        bottom, top = _rounded(low, high)
    elif not top > bottom:
        bottom, top = bottom - 0.5, bottom + 0.5
    return ColourScale(colour_map(spec.cmap), Normalize(bottom, top), _extend(lowest < bottom, highest > top))


def difference_scale(spec: VariableSpec, fields: Iterable[np.ndarray]) -> ColourScale:
    """A diverging scale for differences of a variable, white at zero, symmetric."""
    values = np.abs(_pooled(fields))
    most = _nice(float(np.quantile(values, 0.995))) if values.size and values.max() > 0 else 1.0
    beyond = bool(values.size and values.max() > most)
    return ColourScale(colour_map(spec.anomaly_cmap), TwoSlopeNorm(0.0, -most, most), _extend(beyond, beyond))


def amount_scale(fields: Iterable[np.ndarray], cmap: str = "YlOrBr") -> ColourScale:
    """A sequential scale from zero for errors and spreads."""
    values = _pooled(fields)
    top = _nice(float(np.quantile(values, 0.995))) if values.size and values.max() > 0 else 1.0
    return ColourScale(colour_map(cmap), Normalize(0.0, top), _extend(False, bool(values.size and values.max() > top)))


def _extend(below: bool, above: bool) -> str:
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


def _span(values: np.ndarray) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def _pooled(fields: Iterable[np.ndarray]) -> np.ndarray:
    """All finite values of some fields."""
    return np.concatenate([np.asarray(field)[np.isfinite(field)].ravel() for field in fields] or [np.empty(0)])


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Limits moved outwards to a whole number of steps, about ten of them."""
    step = _nice((high - low) / 10.0, steps=(1.0, 2.0, 5.0, 10.0))
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)


def _nice(value: float, steps: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)) -> float:
    """The next of some steps, times a power of ten."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in steps if step * power >= value * (1 - 1e-9)))


def _root_ticks(top: float) -> tuple[float, ...]:
    """Five or six labels that stand about evenly on a square-root axis."""
    wanted = [top * share**2 for share in (0.0, 0.15, 0.35, 0.5, 0.7, 1.0)]
    return tuple(dict.fromkeys(_nice(value) if 0 < value < top else value for value in wanted))
