"""A finished figure with the words that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass
class FigureRecord:
    """A figure of the report.

    Attributes:
        name: machine name, unique in its family; the file is ``<family>_<name>.png``.
        title: what the figure shows.
        reading: one sentence on how to read it.
        caption: counts and choices behind it: dates, members, pixels, thresholds.
        alt: what a person who does not see the figure should know of it.
        figure: the drawing itself.
        target: key of the variable.
    """

    name: str
    title: str
    reading: str
    caption: str
    alt: str
    figure: Figure
    target: str
