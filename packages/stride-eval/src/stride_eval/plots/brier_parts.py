"""Miscalibration against discrimination: where each system's Brier score comes from."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import event_parts
from stride_eval.families.decisions import shown_thresholds
from stride_eval.families.intervals import numbers
from stride_eval.plots.captions import interval_words, listed, members_of, span
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import GRID, MUTED, colours, markers, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a threshold; one point a system; lines of equal Brier score."""
    kept = shown_thresholds(results)
    columns = min(len(kept), 3)
    rows = math.ceil(len(kept) / columns)
    drawn = new_figure(3.5 * columns + 0.4, 3.7 * rows + 0.2)
    panels = drawn.subplots(rows, columns, squeeze=False)
    colour, marker = colours(about.systems), markers(about.systems)
    units, words, by_classes = pretty_units(spec.units), [], []
    for axes, index in zip(panels.flat, kept, strict=False):
        level = f"{float(results['thresholds'].isel(threshold=index)):g}"
        axes.set_title(f"≥ {level} {units}".rstrip())
        axes.set_xlabel("Miscalibration [% of uncertainty]")
        told = []
        for name in about.systems:
            found = event_parts(results, name, about.members[name], index, config)
            mcb, dsc = (numbers(found.sel(part=key)) for key in ("miscalibration", "discrimination"))
            if not np.isfinite(mcb[0]):
                continue
            axes.plot(mcb[1:], [dsc[0]] * 2, color=colour[name], linewidth=2.5, alpha=0.35)
            axes.plot([mcb[0]] * 2, dsc[1:], color=colour[name], linewidth=2.5, alpha=0.35)
            axes.plot(
                mcb[0], dsc[0], marker[name], color=colour[name], markersize=8, markeredgecolor="white", label=name
            )
            skill, reliability, resolution = (
                number(float(found["estimate"].sel(part=key)), "%") for key in ("skill", "reliability", "resolution")
            )
            told.append(f"{name} {skill} %")
            by_classes.append(f"{name} ≥ {level}: {reliability} and {resolution}")
        if told:
            _lines(axes)
        words.append(f"at {level} " + (listed(told) if told else "not defined"))
    for axes in panels.flat[len(kept) :]:
        axes.set_axis_off()
    for line in panels:
        line[0].set_ylabel("Discrimination [% of uncertainty]")
    handles = {
        label: handle for axes in panels.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles:
        drawn.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=min(len(about.systems), 4)
        )
    return FigureRecord(
        name=f"brier_parts_{results['target'].item()}",
        title="Where the Brier score comes from",
        reading="Up is better discrimination, left is better calibration; along a thin line the Brier skill (its "
        "number) is the same, and below the heavy one it is better to state the observed frequency always.",
        caption=f"{span(about.dates)}, {members_of(about)}; isotonic parts of the Brier score (CORP) in per cent "
        "of the uncertainty, the Brier score of always stating the observed frequency. By classes of k members, "
        f"reliability and resolution are, in the same per cent: "
        f"{'; '.join(by_classes) if by_classes else 'not defined'}; "
        f"{interval_words(config, len(about.dates))}.",
        alt="Brier skill against the observed frequency " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _lines(axes: Axes) -> None:
    """Lines of equal skill through the panel, which starts at 0, 0."""
    right, top = (max(1.15 * limit, 1.0) for limit in (axes.dataLim.x1, axes.dataLim.y1))
    axes.set(xlim=(0.0, right), ylim=(0.0, top))
    axes.grid(visible=False)
    for skill in MaxNLocator(8).tick_values(-right, top):
        axes.axline((0.0, skill), slope=1.0, color=MUTED if skill == 0 else GRID, linewidth=1.2, zorder=0)
        if 0.04 * top < skill < 0.96 * top:
            axes.annotate(
                f"{skill:g}", (0.0, skill), xytext=(3, 2), textcoords="offset points", fontsize=7.5, color=MUTED
            )
