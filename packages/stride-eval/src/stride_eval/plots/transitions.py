"""Probability of an event after a date with and without it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, numbers
from stride_eval.metrics.transition import transition_probabilities_from_counts
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.interval_dots import draw_rows
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, new_figure, styled
from stride_eval.plots.temporal_words import CONVENTION, event_word, event_words, run_words
from stride_eval.provenance import Provenance

COUNTS = ("event_event", "event_none", "none_event", "none_none")


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: after a date with the event; right: after one without; the observed value as a line."""
    word = event_word(spec)
    paired = results.isel(time=np.flatnonzero(results["follows"].values > 0))
    observed = xr.Dataset({name: paired[f"observed_{name}"] for name in COUNTS})
    other = "dry" if spec.wet_threshold is not None else f"not {word}"
    panels = {"after_event": f"P({word} | {word} before)", "after_none": f"P({word} | {other} before)"}
    drawn = new_figure(10.0, 1.4 + 0.46 * max(len(about.systems), 3))
    words = []
    for axes, (name, title) in zip(drawn.subplots(1, 2, sharey=True), panels.items(), strict=True):
        seen = 100.0 * float(transition_probabilities_from_counts(observed.mean("time"))[name])
        found = interval(
            paired[list(COUNTS)],
            lambda m, name=name: 100.0 * transition_probabilities_from_counts(m)[name],
            config,
        )
        found_of = {system: numbers(found.sel(system=system)) for system in about.systems}
        draw_rows(axes, about.systems, found_of, all_systems=about.systems, decimals=1)
        if np.isfinite(seen):
            axes.axvline(seen, color=OBSERVED, linewidth=1.6, zorder=0)
            axes.annotate(
                f"observed {seen:.1f}", (seen, 0.0), xycoords=("data", "axes fraction"), xytext=(4, 3),
                textcoords="offset points", fontsize=8.5,
            )  # fmt: skip
        axes.set_title(title)
        axes.set_xlabel("Probability [%]")
        axes.margins(x=0.12)
        words.append(
            f"{title} observed {seen:.1f} %, " + ", ".join(f"{key} {value[0]:.1f} %" for key, value in found_of.items())
        )
    return FigureRecord(
        name=f"transitions_{results['target'].item()}",
        title=f"How {word} follows {word}",
        reading="On the black line is right; left of it in the left panel, events end too early.",
        caption=f"{span(about.dates)}: {run_words(results)}; {members_of(about)}, pixels pooled; "
        f"{event_words(results, spec)}; {interval_words(config, len(about.dates))}. {CONVENTION}",
        alt="; ".join(words) + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )
