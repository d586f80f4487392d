"""Maps of the CRPS, and of what each system gains on the reference."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import amount_scale, difference_scale
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Rows: mean CRPS over the dates; its difference from the reference's."""
    names = about.systems
    units = pretty_units(spec.units)
    crps = {name: results["crps_map"].sel(system=name).values for name in names}
    # Means over the map, for the eye alone: the table's CRPS counts every date's pixels.
    means = {name: _mean(field) for name, field in crps.items()}
    rows = [
        MapRow(
            axis_label("CRPS", spec.units),
            amount_scale(list(crps.values())),
            crps,
            {name: f"mean {number(mean, beside=means.values())} {units}".rstrip() for name, mean in means.items()},
        )
    ]
    others = [name for name in names if name != about.reference]
    if about.reference is not None:
        gain = {name: crps[name] - crps[about.reference] for name in others}
        lower = {name: 100.0 * _mean(np.where(np.isfinite(field), field < 0, np.nan)) for name, field in gain.items()}
        rows.append(
            MapRow(
                axis_label(f"CRPS less that of {about.reference}", spec.units),
                difference_scale(spec, gain.values()),
                gain,
                {name: f"lower in {share:.0f} % of pixels" for name, share in lower.items()},
            )
        )
    land = results["land"].values if "land" in results else None
    drawn = draw_map_rows(rows, names, MapFrame.of(*axes(results)), land, colours(names))
    return FigureRecord(
        name=f"crps_map_{results['target'].item()}",
        title="Where the CRPS is lost",
        reading="Top row: lighter is better."
        + ("" if about.reference is None else " Below: the colours of negative values show where a system beats the "
           "reference."),
        caption=f"{span(about.dates)}, {members_of(about)}; mean over the dates of the fair CRPS, for a single member "
        "of the absolute error. Few dates leave noise in every map.",
        alt="Mean CRPS over the map: "
        + ", ".join(f"{name} {number(mean, beside=means.values())} {units}".rstrip() for name, mean in means.items())
        + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip


def _mean(field: np.ndarray) -> float:
    kept = field[np.isfinite(field)]
    return float(kept.mean()) if kept.size else float("nan")
