"""How large objects are, and how intense at their peak."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.feature_scores import object_size_ratio
from stride_eval.plots.captions import listed, members_of, span
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.object_words import area_unit, event, object_words
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, colours, dashes, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Objects a field of at least each area, and of at least each largest value; one column a threshold."""
    levels = np.flatnonzero(np.isfinite(results["thresholds"].values))
    drawn = new_figure(3.1 * len(levels) + 0.8, 5.9)
    places = drawn.subplots(2, len(levels), squeeze=False, sharey=True)
    peaks = results["maximum_edge"].values
    bounds = [np.inf, 0.0]
    for column, level in enumerate(levels):
        one = results.isel(threshold=level)
        above, below = places[:, column]
        threshold = float(one["thresholds"])
        ends = [_curves(above, one, "area", one["area_bin"].values, about)]
        # Below the threshold all objects are counted anew: the curve would be flat there.
        ends.append(_curves(below, one, "maximum", np.maximum(peaks, threshold), about))
        bounds = [min(bounds[0], *(low for low, _ in ends)), max(bounds[1], *(high for _, high in ends))]
        above.set_xscale("log")
        label_log_axis(above, "x", shortest=1.5)
        above.set_title(event(threshold, spec))
        above.set_xlabel(f"Area of an object, at least [{area_unit(results)}]")
        below.set_xlabel(axis_label("Its largest value, at least", spec.units))
        if is_amount(spec) and threshold > 0:
            below.set_xscale("log")
            below.set_xlim(threshold * 0.95, peaks[-1] * 1.05)
            label_log_axis(below, "x")
    if bounds[1] > 0:
        places[0, 0].set_yscale("log")
        places[0, 0].set_ylim(bounds[0] / 1.5, bounds[1] * 1.5)
        label_log_axis(places[0, 0], "y", shortest=1.5)
    for axes in places[:, 0]:
        axes.set_ylabel("Objects a field")
    drawn.legend(
        *places[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=min(len(about.systems) + 1, 5)
    )
    ratio = object_size_ratio(
        results[["area", "n_objects", "observed_area", "observed_n_objects"]].mean("time").isel(threshold=levels)
    )
    said = [
        f"{name} {', '.join('none' if np.isnan(value) else f'{value:.2f}' for value in ratio.sel(system=name).values)}"
        for name in about.systems
    ]
    return FigureRecord(
        name=f"object_sizes_{results['target'].item()}",
        title="Areas and peaks of objects",
        reading="On the black line is right; a line below it at the left and above it at the right has merged small "
        "objects into large ones.",
        caption=f"{span(about.dates)}, {members_of(about)}; mean number of objects a field with at least the area or "
        f"largest value below. {object_words(results)}.",
        alt="Mean object area over the observed one at "
        f"{', '.join(event(float(results['thresholds'][level]), spec) for level in levels)}: {listed(said)}.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _curves(axes: Axes, one: xr.Dataset, what: str, edges: np.ndarray, about: Provenance) -> tuple[float, float]:
    """Numbers that reach each edge, observed and of every system; returns the least above zero, and the most."""
    least, most = np.inf, 0.0
    colour, dash = colours(about.systems), dashes(about.systems)
    counts = {"observed": one[f"observed_{what}_counts"]} | {
        name: one[f"{what}_counts"].sel(system=name) for name in about.systems
    }
    for name, values in counts.items():
        mean = values.mean("time").values
        reached = np.cumsum(mean[::-1])[::-1]
        seen = name == "observed"
        axes.plot(
            edges, np.where(reached > 0, reached, np.nan), label=name, color=colour.get(name, OBSERVED),
            linestyle=dash.get(name, "-"), marker="." if what == "area" else "",
            linewidth=2.4 if seen else 1.8, zorder=3 if seen else 2,
        )  # fmt: skip
        least = min(least, float(reached[reached > 0].min(initial=np.inf)))
        most = max(most, float(np.nanmax(reached, initial=0.0)))
    return least, most
