"""Maps of the largest value over the dates."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import value_scale
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """The observed maxima beside the mean of each system's members' maxima."""
    fields = {"observed": results["observed_maximum"].values} | {
        name: results["maximum"].sel(system=name).values for name in about.systems
    }
    units = pretty_units(spec.units)
    numbers = {name: f"mean {np.nanmean(field):.3g} {units}".rstrip() for name, field in fields.items()}
    land = results["land"].values if "land" in results else None
    row = MapRow(
        axis_label("Maximum", spec.units),
        value_scale(spec, [fields["observed"]], others=fields.values()),
        fields,
        numbers,
    )
    drawn = draw_map_rows([row], list(fields), MapFrame.of(*axes(results)), land, colours(about.systems))
    return FigureRecord(
        name=f"maxima_{results['target'].item()}",
        title="Largest value over the dates",
        reading="Colours as strong as the observed ones are right; paler fields miss the heavy end. An average of "
        "members is smoother than one field.",
        caption=f"{span(about.dates)}; {members_of(about)}: each member's maximum at the pixel, averaged over members.",
        alt="Mean over pixels of the maximum: "
        "" + ", ".join(f"{name} {np.nanmean(field):.3g} {units}" for name, field in fields.items()) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip
