"""How long spells last."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.captions import members_of, span
from stride_eval.plots.legends import legend_under_panel, lines_under_panel
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, colours, dashes, new_figure, styled
from stride_eval.plots.temporal_words import CONVENTION, event_word, event_words, run_words, step_words
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Share of spells of at least each length; for variables with a wet threshold dry spells too."""
    kinds = {"event": event_word(spec)} | ({"none": "dry"} if spec.wet_threshold is not None else {})
    colour, dash = colours(about.systems), dashes(about.systems)
    drawn = new_figure(10.0 if len(kinds) > 1 else 6.4, 3.9 + lines_under_panel(len(about.systems) + 1))
    unit = "days" if results.attrs["step"] == 86400 else f"steps of {step_words(results.attrs['step'])}"
    words = []
    for axes, (kind, word) in zip(drawn.subplots(1, len(kinds), squeeze=False)[0], kinds.items(), strict=True):
        one = results.sel(kind=kind)
        counts = {"observed": one["observed_spells"]} | {name: one["spells"].sel(system=name) for name in about.systems}
        maxima = {"observed": float(one["observed_longest"])} | {
            name: float(one["longest"].sel(system=name)) for name in about.systems
        }
        said, last = [], 1
        for name, values in counts.items():
            filled = values.fillna(0.0)
            total = float(filled.sum())
            if not total:
                said.append(f"{name} none")
                continue
            reached = filled.values[::-1].cumsum()[::-1] / total
            reached = reached[reached > 0]
            last = max(last, len(reached))
            mean = float((filled * filled["length"]).sum() / total)
            axes.plot(
                np.arange(1, len(reached) + 1), reached, marker=".", label=f"{name}: mean {mean:.1f}, longest "
                f"{maxima[name]:.3g}", color=colour.get(name, OBSERVED), linestyle=dash.get(name, "-"),
                **({"linewidth": 2.4, "zorder": 3} if name == "observed" else {}),
            )  # fmt: skip
            said.append(f"{name} {mean:.1f}")
        axes.set_yscale("log")
        axes.set_xlim(0.5, last + 0.5)
        label_log_axis(axes, "y")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(f"Length [{unit}]")
        axes.set_ylabel("Share of spells at least as long")
        axes.set_title(f"{word.capitalize()} spells")
        if axes.get_lines():
            legend_under_panel(axes)
        words.append(f"mean length of {word} spells: {', '.join(said)}")
    return FigureRecord(
        name=f"spells_{results['target'].item()}",
        title="How long spells last",
        reading="On the black line is right; a line that falls faster breaks spells up too early.",
        caption=f"{span(about.dates)}: {run_words(results)}; {members_of(about)}, pixels pooled; "
        f"{event_words(results, spec)}. Longest: at any pixel, averaged over members. The ends of runs and missing "
        f"values cut spells. {CONVENTION}",
        alt="; ".join(words).capitalize() + ".",
        figure=drawn,
        target=str(results["target"].item()),
    )
