"""Several scores side by side, each a panel of dots with intervals, one row a system."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from stride_eval.plots.heading import heading
from stride_eval.plots.interval_dots import draw_rows
from stride_eval.plots.style import new_figure
from stride_eval.provenance import Provenance


@dataclass(frozen=True)
class ScorePanel:
    """One score, lower is better.

    Attributes:
        title: above the panel.
        label: of its axis.
        found: system -> estimate, lower, upper.
    """

    title: str
    label: str
    found: Mapping[str, tuple[float, float, float]]


def draw_score_panels(
    panels: Sequence[ScorePanel], about: Provenance, *, one_member: str, systems: Sequence[str] | None = None
) -> Figure:
    """The panels in rows of three at most, with the systems named at the left.

    Args:
        panels: one or more.
        about: names and colours of the systems.
        one_member: a few words under the names of systems of one member.
        systems: rows, where not all systems have one.
    """
    names = about.systems if systems is None else systems
    columns = min(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    drawn = new_figure(3.1 * columns + 1.4, (1.5 + 0.5 * max(len(names), 3)) * rows)
    places = drawn.subplots(rows, columns, sharey=True, squeeze=False)
    notes = {name: one_member for name in about.systems if about.members[name] == 1}
    for axes, panel in zip(places.flat, panels, strict=False):
        top = max((value for values in panel.found.values() for value in values if np.isfinite(value)), default=1.0)
        decimals = int(np.clip(2 - math.floor(math.log10(top)), 0, 6)) if top > 0 else 2
        draw_rows(axes, names, panel.found, all_systems=about.systems, notes=notes, decimals=decimals)
        axes.set_title(heading(panel.title, 3.1, 11))
        axes.set_xlabel(panel.label)
        if all(not value[0] < 0 for value in panel.found.values()):
            axes.set_xlim(left=0.0, right=1.08 * top if top > 0 else 1.0)
    for axes in places.flat[len(panels) :]:
        axes.set_axis_off()
    return drawn
