"""Ensemble spread against the error of the ensemble mean, date by date."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import listed, members_of, pixels_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, axis_label, colours, markers, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One point a date and system, with the line on which spread equals error."""
    drawn = new_figure(5.6, 4.6)
    axes = drawn.subplots()
    colour, marker = colours(about.systems), markers(about.systems)
    largest, ratios = 0.0, {}
    for name in about.ensembles:
        one = results.sel(system=name)
        unbiased = (one["squared_error"] - one["variance"] / about.members[name]).clip(min=0.0)
        spread, error = np.sqrt(one["variance"]), np.sqrt(unbiased)
        weight = one["n"] / one["n"].sum()
        ratios[name] = float(np.sqrt((one["variance"] * weight).sum()) / np.sqrt((unbiased * weight).sum()))
        axes.scatter(
            error, spread, s=46 if len(about.dates) <= 60 else 14, color=colour[name], marker=marker[name],
            edgecolor="white", linewidth=0.6, alpha=0.9, label=f"{name}: ratio {ratios[name]:.2f}",
        )  # fmt: skip
        largest = max(largest, float(spread.max()), float(error.max()))
    limit = 1.08 * largest or 1.0
    axes.plot([0, limit], [0, limit], color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate("spread = "
    "error", (0.97 * limit, 0.97 * limit), rotation=45, ha="right", va="bottom", color=MUTED, fontsize=9,
                  rotation_mode="anchor", xytext=(-4, 3), textcoords="offset points")  # fmt: skip
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    axes.set_xlabel(axis_label("Unbiased error of the ensemble mean", spec.units))
    axes.set_ylabel(axis_label("Spread", spec.units))
    legend_below(drawn, axes)
    return FigureRecord(
        name=f"spread_error_{results['target'].item()}",
        title="Spread against error",
        reading="Points on the dashed line spread as much as they err; below it the ensemble is too sure of itself, "
        "above it too wide.",
        caption=f"One point a date: {span(about.dates)}, {pixels_of(results['n'])}, "
        f"{members_of(about, about.ensembles)}; spread: "
        "root of the mean variance (ddof = 1); error: root of the squared error of the mean less variance/M.",
        alt="Ratio of spread to error: "
        + listed([f"{name} {ratio:.2f}" for name, ratio in ratios.items()])
        + "; 1 is calibrated.",
        figure=drawn,
        target=str(results["target"].item()),
    )
