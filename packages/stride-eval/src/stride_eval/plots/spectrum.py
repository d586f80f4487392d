"""Power spectra and their ratio to the observed one."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.spectral_domain import domain_words
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import MUTED, OBSERVED, colours, dashes, new_figure, squared_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: power by wavelength; right: power over the observed power, with intervals."""
    unit = results.attrs["length_unit"]
    days = results[["spectrum", "observed_spectrum"]]
    # A date with a missing pixel has no spectrum in any system.
    days = days.isel(time=np.flatnonzero(days["observed_spectrum"].notnull().all("wavenumber").values))
    wavelength = 1.0 / days["wavenumber"].values
    colour, dash = colours(about.systems), dashes(about.systems)
    drawn = new_figure(10.0, 4.1)
    left, right = drawn.subplots(1, 2)
    ratio = interval(days, lambda m: m["spectrum"] / m["observed_spectrum"], config)
    left.plot(
        wavelength, days["observed_spectrum"].mean("time"), color=OBSERVED, linewidth=2.4, label="observed", zorder=3
    )
    for name in about.systems:
        left.plot(
            wavelength,
            days["spectrum"].sel(system=name).mean("time"),
            color=colour[name],
            linestyle=dash[name],
            label=name,
        )
        one = ratio.sel(system=name)
        right.fill_between(wavelength, one["lower"], one["upper"], color=colour[name], alpha=0.18, linewidth=0)
        right.plot(wavelength, one["estimate"], color=colour[name], linestyle=dash[name], label=name)
    right.axhline(1.0, color=OBSERVED, linewidth=1.2, zorder=0)
    limit = float(results["small_scale"])
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlim=(wavelength.max() * 1.05, wavelength.min() / 1.05))
        axes.set_xlabel(f"Wavelength [{unit}]")
        label_log_axis(axes, "x")
        if wavelength.min() < limit < wavelength.max():
            axes.axvline(limit, color=MUTED, linewidth=1.0, linestyle=":")
    if wavelength.min() < limit < wavelength.max():
        _name_limit(right, limit)
    squared = squared_units(spec.units) + " " if spec.units != "1" else ""
    left.set_ylabel(f"Power [{squared}{unit}]")
    left.set_title("Variance by wavelength")
    legend_below(drawn, left)
    estimate = ratio["estimate"].values
    finite = estimate[np.isfinite(estimate) & (estimate > 0)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (1.0, 1.0)
    # Below the lowest curve there is room for the words beside the limit.
    right.set_ylim(max(min(0.5, 0.5 * low), 1e-3), min(max(2.0, 1.25 * high), 1e3))
    label_log_axis(right, "y", shortest=2.0)
    right.set_ylabel("Power over observed")
    right.set_title("Ratio to observed")
    ends = ", ".join(
        f"{name} {float(ratio['estimate'].sel(system=name).isel(wavenumber=-1)):.2g}" for name in about.systems
    )
    left_out = len(about.dates) - days.sizes["time"]
    return FigureRecord(
        name=f"spectrum_{results['target'].item()}",
        title="Power spectrum",
        reading="Left to right: from large to small structures; a ratio of 1 is right, below it fields are too smooth "
        "at that size, above it too rough.",
        caption=f"{span(about.dates)}"
        + (f", {left_out} of them without spectrum because pixels are missing" if left_out else "")
        + f"; {members_of(about)}: mean of the members' own spectra (never the spectrum of the mean), isotropic, by "
        "cosine "
        f"transform; {interval_words(config, len(about.dates))}." + domain_words(results, about.shape),
        alt=f"Power over observed at the shortest wavelength ({round_number(float(wavelength.min()))} {unit}): {ends}.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _name_limit(axes: Axes, limit: float) -> None:
    """Says what lies beyond the dotted line, on its side that has room."""
    first, last = axes.get_xlim()
    late = np.log(limit / first) / np.log(last / first) > 0.7
    axes.annotate(
        "not in the\nlow resolution →", (limit, 0.01), xycoords=("data", "axes fraction"),
        xytext=(-4 if late else 4, 2), textcoords="offset points", ha="right" if late else "left", fontsize=8,
        color=MUTED, zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )  # fmt: skip
