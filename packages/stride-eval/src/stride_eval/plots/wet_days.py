"""How often it is wet, and how much falls then."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, numbers
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.interval_dots import draw_rows
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, axis_label, new_figure, pretty_units, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: wet fraction; right: mean of the wet values; the observed value as a line."""
    days = results[["wet_frequency", "wet_amount", "observed_wet_frequency", "observed_wet_amount"]]
    observed = results[["observed_wet_frequency", "observed_wet_amount"]]
    panels = {
        "Wet fraction": (
            axis_label(f"Share of at least {spec.wet_threshold:g} {pretty_units(spec.units)}", "%"),
            lambda m, which: 100.0 * m[f"{which}wet_frequency"],
        ),
        "Intensity when wet": (
            axis_label("Mean of the wet values", spec.units),
            lambda m, which: m[f"{which}wet_amount"] / m[f"{which}wet_frequency"],
        ),
    }
    drawn = new_figure(10.0, 1.4 + 0.46 * max(len(about.systems), 3))
    words = []
    for axes, (title, (label, statistic)) in zip(drawn.subplots(1, 2, sharey=True), panels.items(), strict=True):
        found = interval(days, lambda m, statistic=statistic: statistic(m, ""), config)
        seen = float(statistic(observed.mean("time"), "observed_"))
        found_of = {name: numbers(found.sel(system=name)) for name in about.systems}
        draw_rows(axes, about.systems, found_of, all_systems=about.systems, decimals=1)
        axes.axvline(seen, color=OBSERVED, linewidth=1.6, zorder=0)
        axes.annotate(
            f"observed {seen:.1f}",
            (seen, 0.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=8.5,
        )
        axes.set_title(title)
        axes.set_xlabel(label)
        axes.margins(x=0.12)
        words.append(
            f"{title.lower()} observed {seen:.1f}, "
            + ", ".join(f"{name} {value[0]:.1f}" for name, value in found_of.items())
        )
    return FigureRecord(
        name=f"wet_{results['target'].item()}",
        title="How often it is wet, and how wet",
        reading="On the black line is right; many systems are wet too often and then too lightly, which a right mean "
        "can hide.",
        caption=f"{span(about.dates)}, {members_of(about)}, members and pixels pooled; "
        f"{interval_words(config, len(about.dates))}. The bars show "
        "how dates vary, and the observed value varies with them.",
        alt="; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )  # fmt: skip
