"""Mean and events through the year, and through the day where dates are subdaily."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.ticker import MaxNLocator
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, colours, dashes, new_figure, styled
from stride_eval.plots.temporal_words import event_word, event_words
from stride_eval.provenance import Provenance

MONTHS = "JFMAMJJASOND"


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Rows: month, and hour where there are several; columns: mean, share of events."""
    word = event_word(spec)
    cycles = ["month"] + (["hour"] if len(np.unique(results["hour"])) > 1 else [])
    columns = {
        "mean": (axis_label("Mean", spec.units), 1.0),
        "event_frequency": (f"Share of {word} values [%]", 100.0),
    }
    colour, dash = colours(about.systems), dashes(about.systems)
    drawn = new_figure(10.0, 3.4 * len(cycles))
    panels = drawn.subplots(len(cycles), 2, squeeze=False)
    for line, cycle in zip(panels, cycles, strict=True):
        places = _places(results, cycle)
        for axes, (name, (label, factor)) in zip(line, columns.items(), strict=True):
            seen = _cycle(results, f"observed_{name}", cycle, factor)
            axes.plot(places, seen, color=OBSERVED, linewidth=2.4, marker=".", label="observed", zorder=3)
            for system in about.systems:
                values = _cycle(results.sel(system=system), name, cycle, factor)
                axes.plot(places, values, color=colour[system], linestyle=dash[system], marker=".", label=system)
            axes.set_ylabel(label)
            if cycle == "month":
                axes.set_xticks(range(1, 13), list(MONTHS))
                axes.set_xlim(0.5, 12.5)
            else:
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("Month" if cycle == "month" else "Hour of the time stamps")
    legend_below(drawn, panels[0, 0])
    panels[0, 0].set_title("Mean")
    panels[0, 1].set_title(f"How often it is {word}")
    months, counts = np.unique(results["month"].values, return_counts=True)
    seen = _cycle(results, "observed_mean", "month", 1.0)
    return FigureRecord(
        name=f"cycles_{results['target'].item()}",
        title="Seasonal and diurnal cycle" if "hour" in cycles else "Seasonal cycle",
        reading="On the black line is right; a shift of the whole line is a bias, another shape a wrong cycle.",
        caption=f"{span(about.dates)}, in {len(months)} calendar months of {counts.min()} to {counts.max()} dates; "
        f"{members_of(about)}, members and pixels pooled; {event_words(results, spec)}.",
        alt=f"Observed monthly means from {np.nanmin(seen):.3g} to {np.nanmax(seen):.3g}; "
        + ", ".join(
            f"{name} off by at most "
            f"{np.nanmax(np.abs(_cycle(results.sel(system=name), 'mean', 'month', 1.0) - seen)):.2g}"
            for name in about.systems
        )
        + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _places(results: xr.Dataset, cycle: str) -> np.ndarray:
    """All twelve months, so that lines break where there is no date; the hours that occur."""
    return np.arange(1, 13) if cycle == "month" else np.unique(results["hour"].values)


def _cycle(results: xr.Dataset, name: str, cycle: str, factor: float) -> np.ndarray:
    """Mean over the dates of each month or hour, dates weighted by their pixels."""
    weight = results["n"].where(results[name].notnull(), 0).fillna(0).values
    values = results[name].fillna(0.0).values * weight
    place = results[cycle].values
    found = []
    for one in _places(results, cycle):
        total = weight[place == one].sum()
        found.append(factor * values[place == one].sum() / total if total else np.nan)
    return np.array(found)
