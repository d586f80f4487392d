"""Dates along an axis, whatever their calendar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from stride_eval.plots.captions import short_date


def label_dates(axes: Axes, dates: Sequence[str], at_most: int = 6) -> None:
    """Labels some of the positions 0, 1, 2, ... by their dates."""
    count = len(dates)
    shown = sorted({int(position) for position in np.linspace(0, count - 1, min(count, at_most)).round()})
    axes.set_xticks(
        shown,
        [short_date(dates[position]) for position in shown],
        rotation=0 if len(shown) < 4 else 30,
        ha="center" if len(shown) < 4 else "right",
    )
    axes.set_xlim(-0.5, count - 0.5)
