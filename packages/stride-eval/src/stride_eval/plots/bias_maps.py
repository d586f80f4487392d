"""Maps of the mean over the dates and of its bias."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.bias_significance import ALPHA, FEWEST_BLOCKS, significant
from stride_eval.grid import axes
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.colour_maps import difference_scale, value_scale
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import axis_label, colours, pretty_units, styled
from stride_eval.provenance import Provenance
from stride_eval.summary import number


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Rows: mean, bias, and for variables with a wet threshold the difference in wet days."""
    names = about.systems
    mean = {"observed": results["observed_mean"].values} | {
        name: results["mean"].sel(system=name).values for name in names
    }
    bias = {name: results["bias"].sel(system=name).values for name in names}
    units = pretty_units(spec.units)
    tested = bool(results["bias_p"].notnull().any())
    believed = significant(results["bias_p"])
    marks = {name: believed.sel(system=name).values for name in names} if tested else {}
    rows = [
        MapRow(
            axis_label("Mean", spec.units),
            value_scale(spec, [mean["observed"]], others=mean.values(), own_range=True),
            mean,
            _means(mean, "mean", units),
        ),
        MapRow(
            axis_label("Bias", spec.units),
            difference_scale(spec, bias.values()),
            bias,
            _means(bias, "mean", units),
            marks,
        ),
    ]
    if spec.wet_threshold is not None:
        wet = {
            name: 100.0 * (results["wet_frequency"].sel(system=name) - results["observed_wet_frequency"]).values
            for name in names
        }
        rows.append(
            MapRow(
                "Wet dates less observed [points]",
                difference_scale(spec, wet.values()),
                wet,
                _means(wet, "mean", "points"),
            )
        )
    drawn = draw_map_rows(
        rows,
        ["observed", *names],
        MapFrame.of(*axes(results)),
        results["land"].values if "land" in results else None,
        colours(names),
    )
    wet_words = "" if spec.wet_threshold is None else f"; wet: at least {spec.wet_threshold:g} {units}"
    return FigureRecord(
        name=f"bias_{results['target'].item()}",
        title="Mean over the dates, and what is wrong with it",
        reading="Top row: should look like the observed panel; rows below: white is right, colours say where and by "
        "how much a system is off" + (", dots where that is more than chance." if tested else "."),
        caption=f"{span(about.dates)}, {members_of(about)}; mean of the ensemble mean{wet_words}. Few dates leave "
        "noise in "
        "every map: a bias that follows no feature of the terrain may be chance. " + _test_words(results, tested)
        + ("" if config.families is not None and "extremes" not in config.families else
           " Maps of the maxima and, of enough dates, of a high quantile stand under Extremes."),
        alt="Mean bias of each system: "
        + ", ".join(f"{name} {words}" for name, words in _means(bias, "", units).items()) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip


def _test_words(results: xr.Dataset, tested: bool) -> str:
    length = int(results.attrs["test_block"])
    if not tested:
        return f"No test of the bias: it needs {FEWEST_BLOCKS} blocks of dates."
    blocks = "single dates" if length == 1 else f"blocks of {length} dates"
    return (
        f"Dots: bias more than chance (Student's test on means of {blocks}, false discovery rate {ALPHA:g} over the "
        "map)."
    )


def _means(fields: dict[str, np.ndarray], word: str, units: str) -> dict[str, str]:
    means = {name: float(np.nanmean(field)) for name, field in fields.items()}
    return {name: f"{word} {number(mean, beside=means.values())} {units}".strip() for name, mean in means.items()}
