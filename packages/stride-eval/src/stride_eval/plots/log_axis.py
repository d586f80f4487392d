"""Round labels on logarithmic axes."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes

from stride_eval.plots.round_numbers import round_number


def label_log_axis(axes: Axes, which: Literal["x", "y"], *, shortest: float = 3.0) -> None:
    """Labels 1, 2, 5, 10, ... in place of powers of ten.

    Every power alone where the axis spans many, finer steps where it spans few.

    Args:
        axes: with logarithmic axis and its limits set.
        which: of the two axes.
        shortest: number of decades from which powers of ten alone are labelled.
    """
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    choices = [(1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)]
    shown: list[float] = []
    for steps in choices[0 if high / low >= 10.0**shortest else 1 :]:
        ticks = [step * 10.0**power for power in range(-12, 13) for step in steps]
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) > 1:
            break
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(shown, [round_number(tick) for tick in shown])
    axis.set_ticks([], minor=True)
