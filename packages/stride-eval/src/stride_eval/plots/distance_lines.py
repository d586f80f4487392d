"""Curves by the distance of two pixels, observed against systems."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.style import OBSERVED, colours, dashes, markers
from stride_eval.provenance import Provenance


def draw_distances(axes: Axes, observed: xr.Dataset | None, found: xr.Dataset, about: Provenance, unit: str) -> None:
    """Draws estimates with intervals on a logarithmic axis of distance.

    Args:
        axes: where.
        observed: estimate, lower, upper along ``distance``; None: not drawn.
        found: the same along ``system`` too.
        about: names and colours of the systems.
        unit: of the distance.
    """
    distance = found["distance"].values
    colour, dash, marker = colours(about.systems), dashes(about.systems), markers(about.systems)
    if observed is not None:
        axes.fill_between(distance, observed["lower"], observed["upper"], color=OBSERVED, alpha=0.12, linewidth=0)
        axes.plot(distance, observed["estimate"], color=OBSERVED, linewidth=2.4, label="observed", zorder=3)
    for name in about.systems:
        one = found.sel(system=name).transpose("distance", ...)
        axes.fill_between(distance, one["lower"], one["upper"], color=colour[name], alpha=0.15, linewidth=0)
        axes.plot(
            distance, one["estimate"], color=colour[name], linestyle=dash[name], marker=marker[name],
            markersize=4.5, markeredgecolor="white", markeredgewidth=0.5, label=name,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(distance.min() / 1.08, distance.max() * 1.08)
    label_log_axis(axes, "x")
    axes.set_xlabel(f"Distance [{unit}]")
