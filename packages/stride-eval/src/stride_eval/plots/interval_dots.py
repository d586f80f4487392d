"""Scores as dots with their intervals, one row a system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from stride_eval.plots.style import colours, markers


def draw_rows(
    axes: Axes,
    systems: Sequence[str],
    found: Mapping[str, tuple[float, float, float]],
    *,
    all_systems: Sequence[str],
    notes: Mapping[str, str] | None = None,
    decimals: int = 2,
) -> None:
    """Draws estimate, lower and upper of each system from top to bottom.

    Args:
        axes: where.
        systems: rows in order.
        found: system -> estimate, lower, upper; NaN draws nothing.
        all_systems: the evaluation's systems, which fix colours and markers.
        notes: system -> a few words under its name.
        decimals: of the number written beside the dot.
    """
    colour, marker = colours(all_systems), markers(all_systems)
    for row, name in enumerate(systems):
        value, lower, upper = found[name]
        if not np.isfinite(value):
            continue
        if np.isfinite(lower) and np.isfinite(upper):
            axes.plot([lower, upper], [row, row], color=colour[name], linewidth=3.0, alpha=0.45, solid_capstyle="round")
        axes.plot(
            [value], [row], marker[name], color=colour[name], markersize=8, markeredgecolor="white", markeredgewidth=0.8
        )
        axes.annotate(
            f"{value:.{decimals}f}",
            (value, row),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    labels = [name if not (notes or {}).get(name) else f"{name}\n({(notes or {})[name]})" for name in systems]
    axes.set_yticks(range(len(systems)), labels)
    axes.set_ylim(len(systems) - 0.5, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
