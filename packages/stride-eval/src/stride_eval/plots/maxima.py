"""Maps of the extremes over the dates: maxima, a high quantile, minima or sums over five days."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import value_scale
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One quantity a row: the observed one beside each system's."""
    level = float(results["map_level"])
    labels = {
        "maximum": ("Maximum", spec.units),
        "high_quantile": (f"{100 * level:g} % quantile", spec.units),
        "five_day": ("Largest 5-day sum", spec.units.removesuffix(" day-1")),
        "minimum": ("Minimum", spec.units),
    }
    rows, fields = [], {}
    for name, (label, units) in labels.items():
        if name not in results or not bool(results[f"observed_{name}"].notnull().any()):
            continue
        fields[name] = {"observed": results[f"observed_{name}"].values} | {
            system: results[name].sel(system=system).values for system in about.systems
        }
        means = {system: float(np.nanmean(field)) for system, field in fields[name].items()}
        numbers = {
            system: f"mean {number(mean, beside=means.values())} {pretty_units(units)}".rstrip()
            for system, mean in means.items()
        }
        scale = value_scale(spec, [fields[name]["observed"]], others=fields[name].values(), own_range=name != "maximum")
        rows.append(MapRow(axis_label(label, units), scale, fields[name], numbers))
    land = results["land"].values if "land" in results else None
    columns = ["observed", *about.systems]
    drawn = draw_map_rows(rows, columns, MapFrame.of(*axes(results)), land, colours(about.systems))
    units = pretty_units(spec.units)
    return FigureRecord(
        name=f"maxima_{results['target'].item()}",
        title="Extremes over the dates",
        reading="Colours as strong as the observed ones are right; paler fields miss the heavy end. An average of "
        "members is smoother than one field.",
        caption=f"{span(about.dates)}; {members_of(about)}: each member's extreme at the pixel, averaged over members."
        + _why_no_sums(results, spec),
        alt="Mean over pixels of the maximum: "
        + ", ".join(f"{name} {np.nanmean(field):.4g} {units}".rstrip() for name, field in fields["maximum"].items())
        + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _why_no_sums(results: xr.Dataset, spec: VariableSpec) -> str:
    """What a reader who looks for Rx5day should know."""
    held = "observed_five_day" in results and bool(results["observed_five_day"].notnull().any())
    if held or not is_amount(spec) or spec.wet_threshold is None:
        return ""
    run = int(results.attrs["longest_run"])
    if run >= 5:
        return " No 5-day sums (Rx5day): they need daily values."
    return f" No 5-day sums (Rx5day): no five of the dates are consecutive (the longest run is {run})."
