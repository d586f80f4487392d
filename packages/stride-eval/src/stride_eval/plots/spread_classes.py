"""Spread against error within classes of like spread: whether the spread tells certain pixels from uncertain ones."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, listed, members_of, pixels_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import MUTED, axis_label, colours, markers, new_figure, styled
from stride_eval.provenance import Provenance

CLASSES = 10
"""About as many, of about equal count."""


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One point a class of spread and system, with the line on which spread equals error."""
    drawn = new_figure(5.6, 4.6)
    axes = drawn.subplots()
    colour, marker = colours(about.systems), markers(about.systems)
    ends: list[float] = []
    words = []
    for name in about.ensembles:
        spread, error, lower, upper = _classes(results.sel(system=name), about.members[name], config)
        if not spread.size:
            continue
        axes.vlines(spread, lower, upper, color=colour[name], linewidth=2.0, alpha=0.35)
        axes.plot(
            spread, error, color=colour[name], marker=marker[name], markersize=6, linewidth=1.2,
            markeredgecolor="white", markeredgewidth=0.5, label=name,
        )  # fmt: skip
        ends += [float(spread.max()), float(error.max())]
        words.append(f"{name}: error {error[-1]:.2g} where the spread is largest ({spread[-1]:.2g})")
    limit = 1.08 * max(ends, default=1.0) or 1.0
    axes.plot([0, limit], [0, limit], color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate(
        "error = spread", (0.97 * limit, 0.97 * limit), rotation=45, ha="right", va="bottom", color=MUTED,
        fontsize=9, rotation_mode="anchor", xytext=(-4, 3), textcoords="offset points",
    )  # fmt: skip
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    axes.set_xlabel(axis_label("Spread of the class", spec.units))
    axes.set_ylabel(axis_label("Unbiased error of the ensemble mean", spec.units))
    if words:
        legend_below(drawn, axes)
    return FigureRecord(
        name=f"spread_classes_{results['target'].item()}",
        title="Does the spread know where the error is",
        reading="Pixels in classes of like spread: on the dashed line the error is as large as the spread says; above "
        "it the ensemble is too sure of itself, and a level line has a spread that tells nothing.",
        caption=f"{span(about.dates)}, {pixels_of(results['n'])}, {members_of(about, about.ensembles)}; about "
        f"{CLASSES} classes of equal count, all pixels and dates pooled; root of the mean variance (ddof = 1), root of "
        f"the squared error of the mean less variance/M. Few members know their spread badly, which alone makes the "
        f"curve flatter than the line; {interval_words(config, len(about.dates))}.",
        alt=listed(words) + "." if words else "No pixel has a spread.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _classes(
    one: xr.Dataset, members: int, config: EvalConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spread, error and its interval of each class that has pixels."""
    names = ["class_variance", "class_squared_error", "class_n"]
    fine = one[names].fillna(0.0)
    count = fine["class_n"].sum("time").values
    if not count.sum():
        nothing = np.empty(0)
        return nothing, nothing, nothing, nothing
    # The fine classes are put together by the share of pixels at their middle.
    share = (np.cumsum(count) - count / 2) / count.sum()
    group = xr.DataArray(np.minimum((CLASSES * share).astype(int), CLASSES - 1), dims="spread_class", name="group")
    sums = fine.groupby(group).sum()
    spread2 = (sums["class_variance"].sum("time") / sums["class_n"].sum("time")).values

    def error(m: xr.Dataset) -> xr.DataArray:
        n = m["class_n"].where(m["class_n"] > 0)
        return ((m["class_squared_error"] - m["class_variance"] / members) / n).clip(min=0.0) ** 0.5

    found = interval(sums, error, config)
    kept = np.isfinite(spread2) & np.isfinite(found["estimate"].values)
    return (
        np.sqrt(spread2[kept]), found["estimate"].values[kept], found["lower"].values[kept],
        found["upper"].values[kept],
    )  # fmt: skip
