"""Maps in rows: one quantity a row with its own colour bar, one system a column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

from stride_eval.plots.colour_maps import ColourScale
from stride_eval.plots.heading import heading
from stride_eval.plots.maps import MapFrame, draw_coast, draw_dots, draw_field, label_place
from stride_eval.plots.style import OBSERVED, new_figure

_TITLE = 10  # points
_NUMBER = 8
_LABEL = 9
_LINE = 1.2


@dataclass(frozen=True)
class MapRow:
    """One quantity.

    Attributes:
        label: beside the colour bar.
        scale: colours of the row.
        fields: column -> field [y, x]; a column that is missing stays empty.
        numbers: column -> a few words under the panel, such as its mean.
        marks: column -> pixels [y, x] that dots stand on.
    """

    label: str
    scale: ColourScale
    fields: Mapping[str, np.ndarray]
    numbers: Mapping[str, str]
    marks: Mapping[str, np.ndarray] = field(default_factory=dict)


def draw_map_rows(
    rows: Sequence[MapRow],
    columns: Sequence[str],
    frame: MapFrame,
    land: np.ndarray | None,
    colour: Mapping[str, str],
) -> Figure:
    """A figure of panels.

    Args:
        rows: quantities from top to bottom.
        columns: systems from left to right ("observed" may be one).
        frame: where the fields lie.
        land: land fraction [y, x] for the coast.
        colour: column -> colour of its heading.
    """
    width = min(2.5, 10.2 / len(columns))
    titles = {name: heading(name, width, _TITLE) for name in columns}
    lines = max(title.count("\n") for title in titles.values())
    wrapped = max(_within(text, width).count("\n") for row in rows for text in (*row.numbers.values(), ""))
    under = 0.36 + wrapped * _LINE * _NUMBER / 72
    height = (width * frame.shape_on_paper + under) * len(rows) + 0.2 + lines * _LINE * _TITLE / 72
    drawn = new_figure(width * len(columns) + 1.1, height, maps=True)
    panels = drawn.subplots(len(rows), len(columns), squeeze=False)
    placed = False
    for line, row in zip(panels, rows, strict=True):
        image, used = None, []
        for axes, name in zip(line, columns, strict=True):
            if name not in row.fields:
                axes.set_axis_off()
                continue
            image = draw_field(axes, row.fields[name], frame, row.scale)
            draw_coast(axes, land, frame)
            if name in row.marks:
                draw_dots(axes, row.marks[name], frame)
            used.append(axes)
            if not placed:
                label_place(axes, frame)
                placed = True
            if name in row.numbers:
                axes.set_xlabel(_within(row.numbers[name], width), fontsize=_NUMBER, labelpad=3)
        if image is not None:
            bar = drawn.colorbar(image, ax=list(line), extend=row.scale.extend, shrink=0.86, aspect=18, pad=0.015)
            bar.set_label(heading(row.label, width * frame.shape_on_paper, _LABEL), fontsize=_LABEL)
            bar.ax.tick_params(labelsize=8)
            bar.outline.set_linewidth(0.5)
            if row.scale.ticks is not None:
                bar.set_ticks(list(row.scale.ticks), labels=[f"{tick:g}" for tick in row.scale.ticks])
    for number, name in enumerate(columns):
        first = next((index for index, row in enumerate(rows) if name in row.fields), None)
        if first is not None:
            tone = colour.get(name, OBSERVED)
            panels[first, number].set_title(titles[name], fontsize=_TITLE, loc="center", color=tone)
    return drawn


def _within(words: str, width: float) -> str:
    """Words under a panel in as many lines as it needs, broken between a number and its units first."""
    wrapped = heading(words, 0.9 * width, _NUMBER)
    apart = re.sub(r"(\d) (?=[A-Za-z])", r"\1\n", words, count=1)
    return apart if "\n" in wrapped and "\n" in apart else wrapped
