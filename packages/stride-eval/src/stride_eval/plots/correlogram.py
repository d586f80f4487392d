"""Correlation of anomalies by distance."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.pixel_pairs import pair_sums
from stride_eval.metrics.correlogram import correlogram_from_components
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.distance_lines import draw_distances
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import OBSERVED, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: correlation; right: less the observed one, paired by date."""
    days = pair_sums(("product", "power"), results)
    seen = days[["observed_product", "observed_power", "n"]]
    unit = str(results.attrs["length_unit"])

    def of(means: xr.Dataset, which: str) -> xr.DataArray:
        return correlogram_from_components(xr.Dataset({name: means[f"{which}{name}"] for name in ("product", "power")}))

    observed = interval(seen, lambda m: of(m, "observed_"), config)
    found = interval(days, lambda m: of(m, ""), config)
    apart = interval(days, lambda m: of(m, "") - of(m, "observed_"), config)
    drawn = new_figure(10.0, 4.1)
    left, right = drawn.subplots(1, 2)
    draw_distances(left, observed, found, about, unit)
    left.set_ylabel("Correlation of anomalies")
    left.set_title("How far fields hang together")
    draw_distances(right, None, apart, about, unit)
    right.axhline(0.0, color=OBSERVED, linewidth=1.2, zorder=0)
    right.set_ylabel("Correlation less observed")
    right.set_title("Difference from observed")
    legend_below(drawn, left)
    near = {"observed": observed} | {name: found.sel(system=name) for name in about.systems}
    first = float(observed["distance"][0])
    return FigureRecord(
        name=f"correlogram_{results['target'].item()}",
        title="Correlation by distance",
        reading="On the observed curve is right; above it fields are too smooth, below it too rough or too noisy at "
        "that distance.",
        caption=f"{span(about.dates)}, {members_of(about)}, each member by itself; values less the pixel's mean over "
        f"dates, {int(results.attrs['pairs'])} random pairs of pixels at each distance; "
        f"{interval_words(config, len(about.dates))}.",
        alt=f"Correlation at {round_number(first)} {unit}: "
        + ", ".join(f"{name} {float(one['estimate'].isel(distance=0)):.2f}" for name, one in near.items())
        + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )
