"""How every figure of the report looks: one colour and marker per system, quiet axes, readable type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from stride_eval.single_fields import SingleField, ensembles_behind

SYSTEM_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F6A4F")
"""Okabe and Ito's colours, told apart by colour-blind readers too; without the yellow, too pale on white."""

MARKERS = ("o", "s", "^", "D", "v", "<", "X")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

OBSERVED = "#1a1a1a"
MUTED = "#6b7280"
GRID = "#e3e6ea"

_SHADES: dict[SingleField, float] = {"mean": 0.65, "pmm": 0.4}

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": "#30343b",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": "#30343b",
    "ytick.labelcolor": "#30343b",
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@cache
def _settings() -> dict[Any, Any]:
    """The style on top of matplotlib's defaults; the backend is left alone."""
    return {key: value for key, value in mpl.rcParamsDefault.items() if key != "backend"} | STYLE


P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draws in the report's style, whatever the process's own settings are."""

    @wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_settings()):
            return draw(*args, **kwargs)

    return inner


def new_figure(width: float, height: float, *, maps: bool = False) -> Figure:
    """An empty figure, in inches, laid out without overlaps; belongs to no window.

    Args:
        width: in inches.
        height: in inches.
        maps: panels keep their shape and are moved together.
    """
    return Figure(figsize=(width, height), layout="compressed" if maps else "constrained")


def colours(systems: Sequence[str]) -> Mapping[str, str]:
    """System -> colour, the same in every figure; single fields have darker shades of their ensemble's."""
    behind = ensembles_behind(systems)
    own = [name for name in systems if name not in behind]
    found = {name: SYSTEM_COLOURS[index % len(SYSTEM_COLOURS)] for index, name in enumerate(own)}
    for name, (ensemble, kind) in behind.items():
        red, green, blue = (_SHADES[kind] * part for part in to_rgb(found[ensemble]))
        found[name] = to_hex((red, green, blue))
    return {name: found[name] for name in systems}


def markers(systems: Sequence[str]) -> Mapping[str, str]:
    """System -> marker, so that colour is not the only difference."""
    return {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(systems)}


def dashes(systems: Sequence[str]) -> Mapping[str, str | tuple[float, tuple[float, ...]]]:
    """System -> line style."""
    return {name: DASHES[index % len(DASHES)] for index, name in enumerate(systems)}


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def pretty_units(units: str) -> str:
    """Units for people: ``mm day-1`` becomes ``mm day⁻¹``; the unit 1 becomes nothing."""
    if units.strip() == "1":
        return ""
    return re.sub(r"(?<=[A-Za-z])\^?(-?\d+)", lambda found: found.group(1).translate(_SUPERSCRIPTS), units)


def squared_units(units: str) -> str:
    """The square of units for people: ``K²``, ``(mm day⁻¹)²``."""
    pretty = pretty_units(units)
    return f"{pretty}²" if pretty.isalpha() else f"({pretty})²"


def axis_label(text: str, units: str) -> str:
    """``Precipitation [mm day⁻¹]``."""
    pretty = pretty_units(units)
    return f"{text} [{pretty}]" if pretty else text
