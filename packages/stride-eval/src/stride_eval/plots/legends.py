"""Legends beside the drawing, so that they hide no line."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_LETTER = 0.08  # inches of a letter of the legend's font on average
_HANDLE = 0.6  # inches of a handle with its gaps
_LINE = 0.21  # inches


def legend_below(figure: Figure, axes: Axes) -> None:
    """One legend for all panels under them; the figure grows by its lines.

    Args:
        figure: laid out by constraints.
        axes: the panel whose labelled lines it names.
    """
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    columns = _columns(labels, figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + _LINE * math.ceil(len(labels) / columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def legend_under_panel(axes: Axes, *, title: str | None = None) -> None:
    """A legend of its own under a panel and its axis label, one entry a line.

    Args:
        axes: in a figure that is laid out by constraints and has room for the lines.
        title: above the entries.
    """
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.17), title=title, fontsize=8, title_fontsize=8
        )


def lines_under_panel(entries: int) -> float:
    """Inches that ``legend_under_panel`` takes."""
    return 0.19 * entries + 0.1


def _columns(labels: list[str], width: float) -> int:
    """As many as fit, then no more than the lines need."""
    widest = _HANDLE + _LETTER * max(len(label) for label in labels)
    most = max(1, min(len(labels), int(width / widest)))
    return math.ceil(len(labels) / math.ceil(len(labels) / most))
