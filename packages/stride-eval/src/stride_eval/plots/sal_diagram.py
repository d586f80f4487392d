"""Structure against amplitude, coloured by location: one point a member and date."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.patches import Rectangle
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import listed, members_of, span
from stride_eval.plots.heading import heading
from stride_eval.plots.panel_grid import close_columns
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, OBSERVED, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance

LOCATIONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Classes of the location component."""


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a system, on the same axes."""
    columns = min(len(about.systems), 4)
    rows = math.ceil(len(about.systems) / columns)
    drawn = new_figure(2.75 * columns + 1.1, 3.4 * rows, maps=True)
    places = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    from matplotlib import colormaps

    top = float(results["location"].max(skipna=True)) if bool(results["location"].notnull().any()) else 0.1
    bounds = LOCATIONS[: max(3, int(np.searchsorted(LOCATIONS, top)) + 1)]
    colours = colormaps["viridis_r"]
    norm = BoundaryNorm(bounds, colours.N)
    words, single = [], False
    largest = max(
        (float(abs(results[name]).max()) for name in ("structure", "amplitude") if results[name].notnull().any()),
        default=2.0,
    )
    limit = next((end for end in (0.5, 1.0) if largest <= 0.95 * end), 2.1)
    for axes, name in zip(places.flat, about.systems, strict=False):
        one = results.sel(system=name)
        points = [one[part].values.ravel() for part in ("structure", "amplitude", "location")]
        shown = np.isfinite(points[0]) & np.isfinite(points[1]) & np.isfinite(points[2])
        structure, amplitude, location = (values[shown] for values in points)
        _frame(axes, limit)
        if structure.size:
            # Far off last, so that it is not hidden.
            order = np.argsort(location, kind="stable")
            axes.scatter(
                structure[order], amplitude[order], c=location[order], cmap=colours, norm=norm, zorder=3,
                s=float(np.clip(9000 / structure.size, 5, 30)), linewidth=0.3, edgecolor="white",
            )  # fmt: skip
            quarters = [np.percentile(values, [25, 50, 75]) for values in (structure, amplitude)]
            _median(axes, *quarters)
            words.append(
                f"{name} S {quarters[0][1]:+.2f}, A {quarters[1][1]:+.2f}, L {np.median(location):.2f}".replace(
                    "-", "−"
                )
            )
        else:
            axes.text(0, 0, "no field with objects", ha="center", va="center", color=MUTED)
            words.append(f"{name} none")
        pmm = [one[f"pmm_{part}"].values for part in ("structure", "amplitude")]
        if np.isfinite(pmm[0]).any():
            single = True
            axes.plot(*pmm, "D", mfc="none", mec=OBSERVED, markersize=4.5, markeredgewidth=0.9, linestyle="", zorder=4)
        axes.set_title(heading(name, 2.6, 11))
        lost = int((np.isfinite(points[1]) & ~shown).sum())
        if lost:
            axes.annotate(
                f"{lost} dry", (0.98, 0.02), xycoords="axes fraction", ha="right", va="bottom", color=MUTED, fontsize=8
            )
    for axes in close_columns(places, len(about.systems)):
        axes.set_xlabel("Structure S")
    for axes in places[:, 0]:
        axes.set_ylabel("Amplitude A")
    drawn.colorbar(
        ScalarMappable(norm, colours), ax=places.ravel().tolist(), label="Location L", fraction=0.05, pad=0.015,
        shrink=0.92, spacing="uniform", ticks=bounds, format="{x:g}",
    )  # fmt: skip
    floor = f"{spec.wet_threshold:g} {pretty_units(spec.units)}" if spec.wet_threshold else "0"
    return FigureRecord(
        name=f"sal_{results['target'].item()}",
        title="Structure, amplitude, location",
        reading="The centre is right: to the right objects are too wide or flat, to the left too small or peaked; "
        "above there is too much, below too little; dark points lie in the wrong place.",
        caption=f"One point a member and date: {span(about.dates)}, {members_of(about)}. Box: quartiles of S and A, "
        "cross: medians"
        + ("; diamonds: the PMM as one field, a date each" if single else "")
        + f". Object threshold: 1/15 of each field's 95th percentile of values above {floor}; pixels that touch at "
        "corners belong together. Members or observations without objects have no S and L and are left out (“dry”).",
        alt=f"Median structure, amplitude and location: {listed(words)}; 0 is right.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _frame(axes: Axes, limit: float) -> None:
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ticks = [round(limit, 1) / 2 * step for step in (-2, -1, 0, 1, 2)] if limit < 2 else [-2, -1, 0, 1, 2]
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.axhline(0.0, color=MUTED, linewidth=0.9, zorder=1)
    axes.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)


def _median(axes: Axes, structure: np.ndarray, amplitude: np.ndarray) -> None:
    """Box of the quartiles and a cross at the medians."""
    low, high = (structure[0], amplitude[0]), (structure[2], amplitude[2])
    axes.add_patch(
        Rectangle(low, high[0] - low[0], high[1] - low[1], facecolor=MUTED, alpha=0.22, edgecolor="none", zorder=2)
    )
    axes.plot([structure[1]], [amplitude[1]], "+", color=OBSERVED, markersize=12, markeredgewidth=1.6, zorder=5)
