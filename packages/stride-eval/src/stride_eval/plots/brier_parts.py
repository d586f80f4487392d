"""Miscalibration against discrimination: where each system's Brier score comes from."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import event_parts
from stride_eval.families.decisions import shown_thresholds
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
    units, words, parts_of = pretty_units(spec.units), [], []
    for axes, index in zip(panels.flat, kept, strict=False):
        level = f"{float(results['thresholds'].isel(threshold=index)):g}"
        axes.set_title(f"≥ {level} {units}".rstrip())
        axes.set_xlabel("Miscalibration (MCB)")
        told, ends, uncertainty = [], [], math.nan
        for name in about.systems:
            found = event_parts(results, name, about.members[name], index, config)
            mcb, dsc = (
                [float(found[end].sel(part=key)) for end in ("estimate", "lower", "upper")]
                for key in ("miscalibration", "discrimination")
            )
            estimate = found["estimate"]
            if not np.isfinite(mcb[0]):
                continue
            uncertainty = float(estimate.sel(part="uncertainty"))
            axes.plot(mcb[1:], [dsc[0]] * 2, color=colour[name], linewidth=2.5, alpha=0.35)
            axes.plot([mcb[0]] * 2, dsc[1:], color=colour[name], linewidth=2.5, alpha=0.35)
            axes.plot(
                mcb[0], dsc[0], marker[name], color=colour[name], markersize=8, markeredgecolor="white", label=name
            )
            ends.append([value for value in (*mcb, *dsc) if np.isfinite(value)])
            told.append(f"{name} {number(float(estimate.sel(part='brier')), '1')}")
            reliability, resolution = (float(estimate.sel(part=key)) for key in ("reliability", "resolution"))
            parts_of.append(f"{name} ≥ {level}: {number(reliability, '1')} and {number(resolution, '1')}")
        if told:
            _lines(axes, uncertainty)
        words.append(f"at {level} " + (listed(told) if told else "not defined"))
    for axes in panels.flat[len(kept) :]:
        axes.set_axis_off()
    for line in panels:
        line[0].set_ylabel("Discrimination (DSC)")
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
        reading="Up is better discrimination, left is better calibration; along a thin line the Brier score is the "
        "same, and on the heavy one it is that of always stating the observed frequency.",
        caption=f"{span(about.dates)}, {members_of(about)}; Brier score = MCB - DSC + UNC by isotonic regression "
        "(CORP), numbers on the lines are Brier scores. By classes of k members, reliability and resolution are: "
        f"{'; '.join(parts_of) if parts_of else 'not defined'}. {interval_words(config, len(about.dates))}.",
        alt="Brier score " + "; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _lines(axes: Axes, uncertainty: float) -> None:
    """Lines of equal Brier score through the panel, which starts at 0, 0."""
    left, bottom = 0.0, 0.0
    right, top = (max(1.15 * limit, 0.02 * uncertainty, 1e-9) for limit in (axes.dataLim.x1, axes.dataLim.y1))
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.grid(visible=False)
    lowest, highest = uncertainty - top, uncertainty + right
    for score in np.linspace(lowest, highest, 9)[1:-1]:
        axes.axline((0.0, uncertainty - score), slope=1.0, color=GRID, linewidth=0.9, zorder=0)
        start = uncertainty - score
        if 0.04 * top < start < 0.96 * top:
            axes.annotate(
                number(score, "1"), (0.0, start), xytext=(3, 1), textcoords="offset points", fontsize=7, color=MUTED
            )
    axes.axline((0.0, 0.0), slope=1.0, color=MUTED, linewidth=1.4, zorder=0)
