"""Wavelet intensity-scale skill by threshold and scale."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.heading import heading
from stride_eval.plots.panel_grid import close_columns
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import axis_label, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """One panel a system: thresholds across, scales up, skill as colour and number."""
    unit, pixel = results.attrs["length_unit"], float(results.attrs["pixel"])
    kept = np.flatnonzero(np.isfinite(results["thresholds"].values))
    levels = results["thresholds"].values[kept]
    error = results["intensity_error"].isel(threshold=kept).sum("time")
    random = results["intensity_random"].isel(threshold=kept).sum("time")
    skill = 1.0 - error * error.sizes["scale"] / random.where(random > 0)
    width = results["scale"].values * pixel
    columns = min(len(about.systems), 4)
    rows = math.ceil(len(about.systems) / columns)
    each = max(1.9, 0.75 * len(levels))
    drawn = new_figure(1.4 + columns * each, 1.0 + rows * max(2.2, 0.36 * len(width)))
    panels = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    image = ScalarMappable(Normalize(-1.0, 1.0), "RdBu")
    for axes, name in zip(panels.flat, about.systems, strict=False):
        values = skill.sel(system=name).transpose("scale", "threshold").values
        axes.imshow(values, origin="lower", aspect="auto", cmap="RdBu", vmin=-1.0, vmax=1.0)
        for (row, column), value in np.ndenumerate(values):
            words = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
            axes.text(column, row, words, ha="center", va="center", fontsize=8,
                      color="white" if abs(value) > 0.65 else "#30343b")  # fmt: skip
        axes.set_title(heading(name, each, 11))
        axes.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
        axes.set_yticks(
            range(len(width)),
            [*(round_number(length) for length in width[:-1]), f"mean over {round_number(width[-1])}"],
        )
        axes.grid(visible=False)
    close_columns(panels, len(about.systems))
    drawn.supxlabel(axis_label("Threshold", spec.units), fontsize=10)
    panels[0, 0].set_ylabel(f"Scale [{unit}]")
    drawn.colorbar(image, ax=panels, label="Skill", extend="min", shrink=0.9)
    finest = skill.isel(scale=0, threshold=-1)
    return FigureRecord(
        name=f"intensity_scale_{results['target'].item()}",
        title="Skill by intensity and scale",
        reading="Blue: less error of that size than chance would make; red: more; 1 is perfect. "
        "A field too smooth to hold structures of a size "
        "makes little error there.",
        caption=f"{span(about.dates)}, {members_of(about)}, each member scored alone and sums taken before the ratio; "
        "Haar wavelet components of the error of values at or above the threshold, over the error of a random forecast "
        f"with the same shares; square tiles of {round_number(width[-1])} {unit}.",
        alt=f"Intensity-scale skill at {round_number(width[0])} {unit} and the highest threshold: "
        + ", ".join(f"{name} {float(finest.sel(system=name)):.2f}" for name in about.systems) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip
