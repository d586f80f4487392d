"""How many objects there are, and how well they match the observed ones."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.feature_scores import threat_score
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.object_words import event, no_sal, object_words
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, colours, markers, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: numbers of objects a field, as boxes; right: object-based threat score with intervals."""
    levels = np.flatnonzero(np.isfinite(results["thresholds"].values))
    colour, marker = colours(about.systems), markers(about.systems)
    drawn = new_figure(10.0, 4.1)
    left, right = drawn.subplots(1, 2, width_ratios=(3, 2))
    counts = {"observed": results["observed_n_objects"]} | {
        name: results["objects"].sel(system=name) for name in about.systems
    }
    width = min(0.22, 0.82 / len(counts))
    means, most = [], 1.0
    for place, (name, values) in enumerate(counts.items()):
        shade = colour.get(name, OBSERVED)
        sets = [_finite(values.isel(threshold=level)) for level in levels]
        most = max([most, *(float(one.max()) for one in sets if one.size)])
        at = np.arange(len(levels)) + (place - (len(counts) - 1) / 2) * width
        drawn_sets = [(x, one) for x, one in zip(at, sets, strict=True) if one.size]
        if not drawn_sets:
            continue
        left.boxplot(
            [one for _, one in drawn_sets], positions=[x for x, _ in drawn_sets], widths=0.8 * width, whis=(5, 95),
            showfliers=False, manage_ticks=False, patch_artist=True,
            boxprops={"facecolor": shade, "alpha": 0.55, "edgecolor": shade},
            medianprops={"color": OBSERVED if name != "observed" else "white", "linewidth": 1.6},
            whiskerprops={"color": shade, "linewidth": 1.2}, capprops={"color": shade, "linewidth": 1.2},
        )  # fmt: skip
        left.plot([], [], "s", color=shade, alpha=0.7, markersize=9, label=name)
        left.plot(
            [x for x, _ in drawn_sets], [one.mean() for _, one in drawn_sets], "o", color="white", markersize=4.5,
            markeredgecolor=OBSERVED, markeredgewidth=0.9, zorder=4,
        )  # fmt: skip
        means.append(f"{name} {', '.join(f'{one.mean():.1f}' for _, one in drawn_sets)}")
    # Many small objects at low thresholds, few at high ones: both must be seen, and none at all too.
    left.set_yscale("symlog", linthresh=1.0, linscale=0.5)
    left.set_ylim(0, 1.5 * most)
    steps = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    left.set_yticks([0, *(step for step in steps if step <= 1.5 * most)], minor=False)
    left.yaxis.set_major_formatter("{x:g}")
    left.set_ylabel("Objects in a field")
    left.set_title("How many")
    threat = interval(results[["matched_area", "object_area"]], threat_score, config)
    middle = (len(about.systems) - 1) / 2
    apart = min(0.16, 0.7 / len(about.systems))
    for number, name in enumerate(about.systems):
        one = threat.sel(system=name).isel(threshold=levels)
        at = np.arange(len(levels)) + (number - middle) * apart
        right.vlines(at, one["lower"], one["upper"], color=colour[name], linewidth=3.0, alpha=0.45)
        right.plot(
            at, one["estimate"], marker[name], color=colour[name], markersize=7, markeredgecolor="white",
            markeredgewidth=0.7,
        )  # fmt: skip
    right.set_ylim(0.0, 1.02)
    right.set_ylabel("Object-based threat score")
    right.set_title("How alike")
    names = [event(float(results["thresholds"][level]), spec) for level in levels]
    for axes in (left, right):
        axes.set_xticks(range(len(levels)), [name.replace(" ", "\n", 2).replace("\n", " ", 1) for name in names])
        axes.set_xlim(-0.55, len(levels) - 0.45)
        axes.grid(axis="x", visible=False)
    drawn.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=min(len(counts), 6))
    unit = "km" if results.attrs["length_unit"] == "km" else "pixels"
    return FigureRecord(
        name=f"object_counts_{results['target'].item()}",
        title="Numbers of objects, and their likeness",
        reading="Left, boxes should look like the black ones: too few objects mean fields that are too smooth. "
        "Right, 1 is a field with the same objects in the same places.",
        caption=f"{span(about.dates)}, {members_of(about)}. {object_words(results)}. Boxes: quartiles over dates and "
        "members, whiskers: 5 to 95 %, white dots: means. Score: area of matched objects, weighted by the mean of "
        "proximity, ratio of areas and overlap, over all area; centroids at most "
        f"{results.attrs['reach']:g} {unit} apart unless they overlap, weight at least 0.5; "
        f"{interval_words(config, len(about.dates))}. It rewards agreement, not spread.{no_sal(spec)}",
        alt=f"Mean number of objects a field at {', '.join(names)}: {'; '.join(means)}.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _finite(values: xr.DataArray) -> np.ndarray:
    flat = values.values.ravel()
    return flat[np.isfinite(flat)]
