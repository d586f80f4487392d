"""Maps of the error of the ensemble mean, of the spread and of the correlation."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import Normalize
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import ColourScale, amount_scale, colour_map
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Rows: RMSE of the ensemble mean; spread, on the same colours; correlation."""
    names = about.systems
    error = {name: results["rmse"].sel(system=name).values for name in names}
    spread = {name: results["spread"].sel(system=name).values for name in about.ensembles}
    scale = amount_scale([*error.values(), *spread.values()])
    units = pretty_units(spec.units)

    def pooled(fields: dict[str, np.ndarray]) -> dict[str, str]:
        roots = {name: float(np.sqrt(np.nanmean(field**2))) for name, field in fields.items()}
        return {name: f"pooled {number(root, beside=roots.values())} {units}".rstrip() for name, root in roots.items()}

    rows = [MapRow(axis_label("RMSE of the mean", spec.units), scale, error, pooled(error))]
    if spread:
        rows.append(MapRow(axis_label("Spread", spec.units), scale, spread, pooled(spread)))
    correlation = {
        name: field for name in names if np.isfinite(field := results["correlation"].sel(system=name).values).any()
    }
    if correlation:
        low = float(np.nanquantile(np.concatenate([field.ravel() for field in correlation.values()]), 0.005))
        # Where all agree somewhat, -1 to 1 would show one colour.
        low = min(np.floor(10.0 * low) / 10.0, 0.9) if low > 0 else -1.0
        map_of = colour_map("RdBu" if low < 0 else "YlGnBu")
        scale = ColourScale(map_of, Normalize(low, 1.0), "neither" if low < 0 else "min")
        medians = {name: f"median {np.nanmedian(field):.2f}".replace("-", "−") for name, field in correlation.items()}
        rows.append(MapRow("Correlation of the mean", scale, correlation, medians))
    drawn = draw_map_rows(
        rows, names, MapFrame.of(*axes(results)), results["land"].values if "land" in results else None, colours(names)
    )
    return FigureRecord(
        name=f"error_{results['target'].item()}",
        title="Where the error is, and whether the spread knows it" if spread else "Where the error is",
        reading="Darker is a larger error; a good ensemble's spread is dark in the same places and about as dark."
        if spread
        else "Darker is a larger error.",
        caption=f"{span(about.dates)}, {members_of(about)}; root of the mean over the dates of the squared error of "
        "the ensemble mean, and of the variance (ddof = 1)."
        + (
            " Correlation over the dates of the ensemble mean with the observation."
            if correlation
            else f" No correlation over the dates: it needs {config.fewest_pairs} of them."
        )
        + (" Systems of one member have no spread." if len(spread) < len(names) else ""),
        alt="Pooled root mean squared error: "
        + ", ".join(f"{name} {np.sqrt(np.nanmean(error[name] ** 2)):.3g} {units}" for name in names) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip
