"""Distribution of the values and quantiles against the observed ones."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.binning import quantiles_of_counts, share_at_or_above
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import (
    MUTED,
    OBSERVED,
    axis_label,
    colours,
    dashes,
    markers,
    new_figure,
    pretty_units,
    styled,
)
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: how often values are passed (for unbounded variables, their density); right: quantile on quantile."""
    edges = results["edges"].values
    counts = results["counts"].fillna(0.0).sum("time")
    observed = results["observed_counts"].fillna(0.0).sum("time")
    drawn = new_figure(10.0, 4.3)
    left, right = drawn.subplots(1, 2)
    if is_amount(spec):
        _survival(left, counts, observed, edges, spec, about)
    else:
        _density(left, counts, observed, edges, spec, about)
    values = float(observed.sum())
    levels = _levels(values)
    seen = quantiles_of_counts(observed, edges, levels).values
    found = {name: quantiles_of_counts(counts.sel(system=name), edges, levels).values for name in about.systems}
    bands = {
        name: interval(
            results[["counts", "observed_counts"]].sel(system=name).fillna(0.0),
            lambda m: (
                quantiles_of_counts(m["counts"], edges, levels)
                - quantiles_of_counts(m["observed_counts"], edges, levels)
            ),
            config,
        )
        for name in about.systems
    }
    for name, band in bands.items():  # of the difference from the observed quantile on the same dates
        ends = seen + band["lower"].values, seen + band["upper"].values
        right.vlines(seen, *ends, color=colours(about.systems)[name], linewidth=2.0, alpha=0.35)
    _quantiles(right, seen, found, levels, spec, about)
    legend_below(drawn, left)
    last = {name: values[-1] for name, values in found.items()}
    return FigureRecord(
        name=f"distribution_{results['target'].item()}",
        title="Distribution of the values",
        reading="On the black line is right: left, a curve below it has too few such values; right, points above the "
        "diagonal are too large.",
        caption=f"{span(about.dates)}, {values:,.0f} observed values; {members_of(about)}, pooled. Quantiles up to "
        f"{100 * levels[-1]:g} %, as far as ten observed values lie beyond; neighbouring pixels are alike, so the "
        f"ends rest on few events. Bars: of the difference from the observed quantile on the same dates; "
        f"{interval_words(config, len(about.dates))}.",
        alt=f"{100 * levels[-1]:g} % quantile: observed {seen[-1]:.3g}, "
        + ", ".join(f"{name} {value:.3g}" for name, value in last.items()) + f" {pretty_units(spec.units)}.",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip


def _levels(values: float) -> np.ndarray:
    """Quantiles that at least ten values lie beyond, dense at the upper end."""
    wanted = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999])
    kept = wanted[(1.0 - wanted) * values >= 10.0]
    return kept if kept.size else np.array([0.5])


def _survival(
    axes: Axes, counts: xr.DataArray, observed: xr.DataArray, edges: np.ndarray, spec: VariableSpec, about: Provenance
) -> None:
    colour, dash = colours(about.systems), dashes(about.systems)
    shown = edges[:-1] > 0
    for name, array in [(name, counts.sel(system=name)) for name in about.systems] + [("observed", observed)]:
        share = 100.0 * share_at_or_above(array).values
        kept = shown & (share > 0)
        style = (
            {"color": OBSERVED, "linewidth": 2.4, "zorder": 3}
            if name == "observed"
            else {"color": colour[name], "linestyle": dash[name]}
        )
        axes.plot(edges[:-1][kept], share[kept], label=name, **style)
    total = float(observed.sum())
    low = spec.wet_threshold / 10.0 if spec.wet_threshold else float(edges[1])
    seen = 100.0 * share_at_or_above(observed).values
    top = max(float(edges[:-1][seen > 0][-1]), 10.0 * low)  # all dry: some axis all the same
    axes.set(xscale="log", yscale="log", xlim=(low, 2.0 * top), ylim=(0.5 * 100.0 / total, 120.0))
    if spec.wet_threshold:
        axes.axvline(spec.wet_threshold, color=MUTED, linewidth=1.0, linestyle=":")
        axes.annotate(
            "wet",
            (spec.wet_threshold, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8,
            color=MUTED,
        )
    label_log_axis(axes, "x", shortest=2.0)
    label_log_axis(axes, "y", shortest=2.0)
    axes.set_title("How often a value is reached")
    axes.set_xlabel(axis_label(spec.display_name, spec.units))
    axes.set_ylabel("Share of values at or above [%]")


def _density(
    axes: Axes, counts: xr.DataArray, observed: xr.DataArray, edges: np.ndarray, spec: VariableSpec, about: Provenance
) -> None:
    """Density on about sixty bins of equal width over what was observed, a little beyond."""
    colour, dash = colours(about.systems), dashes(about.systems)
    low, high = quantiles_of_counts(observed, edges, np.array([0.0, 1.0])).values
    reach = 0.1 * (high - low) or 1.0
    coarse = np.linspace(low - reach, high + reach, 61)
    for name, array in [(name, counts.sel(system=name)) for name in about.systems] + [("observed", observed)]:
        below = np.interp(coarse, edges, np.concatenate([[0.0], np.cumsum(array.values)]) / float(array.sum()))
        style = (
            {"color": OBSERVED, "linewidth": 2.4, "zorder": 3}
            if name == "observed"
            else {"color": colour[name], "linestyle": dash[name]}
        )
        axes.plot((coarse[:-1] + coarse[1:]) / 2, np.diff(below) / np.diff(coarse), label=name, **style)
    axes.set_ylim(bottom=0.0)
    axes.set_title("Density")
    axes.set_xlabel(axis_label(spec.display_name, spec.units))
    axes.set_ylabel(f"Density [per {pretty_units(spec.units)}]" if spec.units != "1" else "Density")


def _quantiles(
    axes: Axes,
    seen: np.ndarray,
    found: dict[str, np.ndarray],
    levels: np.ndarray,
    spec: VariableSpec,
    about: Provenance,
) -> None:
    colour, marker = colours(about.systems), markers(about.systems)
    everything = np.concatenate([seen, *found.values()])
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    if is_amount(spec) and high > 0:
        low = max(low, (spec.wet_threshold or high * 1e-3) / 10.0)
        axes.set(xscale="log", yscale="log")
        low, high = low / 1.2, high * 1.4
    else:
        reach = 0.05 * (high - low) or 1.0
        low, high = low - reach, high + reach
    axes.plot([low, high], [low, high], color=OBSERVED, linewidth=1.2)
    for name, values in found.items():
        axes.plot(
            seen,
            values,
            marker=marker[name],
            color=colour[name],
            markersize=5.5,
            linewidth=1.0,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=name,
        )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    if axes.get_xscale() == "log":
        label_log_axis(axes, "x")
        label_log_axis(axes, "y")
    _label_levels(axes, levels, seen, low, high)
    axes.set_title("Quantile against quantile")
    axes.set_xlabel(axis_label("Observed", spec.units))
    axes.set_ylabel(axis_label("System", spec.units))


def _label_levels(axes: Axes, levels: np.ndarray, seen: np.ndarray, low: float, high: float) -> None:
    """Names some of the observed quantiles along the lower edge, from the highest down, where there is room."""
    logarithmic = axes.get_xscale() == "log"
    # Zeros (dry quantiles) lie left of a logarithmic axis.
    position = (
        np.log(np.maximum(seen, low / 2) / low) / np.log(high / low) if logarithmic else (seen - low) / (high - low)
    )
    last = np.inf
    for level, value, place in sorted(zip(levels, seen, position, strict=True), reverse=True):
        if level in (0.5, 0.9, 0.99, 0.999, 0.9999) and 0.0 < place < 1.0:
            axes.axvline(value, color="#c9ced6", linewidth=0.8, linestyle=":", zorder=0)
            if last - place > 0.14 and place > 0.05:
                at = (value, 0.02)
                axes.annotate(
                    f"{100 * level:g} %", at, xycoords=("data", "axes fraction"), ha="center", fontsize=7.5, color=MUTED
                )
                last = place
