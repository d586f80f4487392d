"""The picture of a training's history: the loss, and what the monitors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stride_vars.spec import VariableSpec

from stride_train.training.field_colours import pretty
from stride_train.training.judged_reading import JudgedReading
from stride_train.training.monitors import target_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GENERATED, _OBSERVED, _PALE = "#1f4e8c", "#333333", "#b8c4d6"


@dataclass(frozen=True)
class _Panel:
    """One reading of the monitors.

    Attributes:
        column: Of the history.
        heading: Above the panel.
        units: Whether values have the target's units.
        right: Where a dashed line shows what is right; None for none.
        observed: Column of what was observed.
    """

    column: str
    heading: str
    units: bool = False
    right: float | None = None
    observed: str | None = None


_PANELS = (
    _Panel("crps", "CRPS", units=True),
    _Panel("spread_skill", "spread / error", right=1.0),
    _Panel("spectrum_ratio", "small scales / observed", right=1.0),
    _Panel("bias_percent", "bias [%]", right=0.0),
    _Panel("bias", "bias", units=True, right=0.0),
    _Panel("wet_fraction", "wet fraction (-- observed)", observed="wet_fraction_observed"),
)


def draw_history(
    rows: Sequence[Mapping[str, str]],
    picture: Path,
    title: str,
    *,
    targets: Mapping[str, VariableSpec],
    best: JudgedReading | None = None,
) -> None:
    """Draws the loss against training steps, and below it a row of panels for what the monitors read of each target.

    Args:
        rows: Of the history.
        picture: The PNG file to write, whole or not at all.
        title: Heading of the picture.
        targets: Variables by the targets' names.
        best: The best reading so far, which is marked.
    """
    from matplotlib.figure import Figure

    several = len(targets) > 1
    lines = [
        (variable, panels)
        for name, variable in targets.items()
        if (panels := _panels_with_readings(rows, name if several else None))
    ]
    across = max((len(panels) for _, panels in lines), default=3)
    width, height = max(2.6 * across, 7.0), 2.9 + 2.4 * len(lines)
    figure = Figure(figsize=(width, height))
    # Margins in inches by hand: a layout engine draws everything twice, and this is drawn while training waits.
    grid = figure.add_gridspec(
        1 + len(lines),
        across,
        height_ratios=[1.1, *(1.0 for _ in lines)],
        left=0.65 / width,
        right=1 - 0.15 / width,
        bottom=0.55 / height,
        top=1 - 0.75 / height,
        wspace=0.32,
        hspace=0.42,
    )
    split = across - 2 if several and lines else across
    _draw_loss(figure.add_subplot(grid[0, :split]), rows)
    if split < across:
        _draw_panel(
            figure.add_subplot(grid[0, split:]),
            rows,
            _Panel("crps", "CRPS / standard deviation, mean of the targets"),
            best,
        )
    for line, (variable, panels) in enumerate(lines, start=1):
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(grid[line, place])
            _draw_panel(axes, rows, panel, best)
            if panel.units:
                unit = variable.model_copy(update={"display_name": panel.heading}).label
                axes.set_title(pretty(unit), fontsize=10, loc="left")
            if place == 0:
                axes.set_ylabel(variable.display_name, fontweight="bold")
            if line == len(lines):
                axes.set_xlabel("training step")
    if not lines:
        figure.axes[0].set_xlabel("training step")
    figure.suptitle(title, fontsize=12, fontweight="bold", y=1 - 0.1 / height, va="top")
    temporary = picture.with_name(f".{picture.stem}.partial.png")
    try:
        figure.savefig(temporary, dpi=130)
        temporary.replace(picture)
    finally:
        temporary.unlink(missing_ok=True)


def _panels_with_readings(rows: Sequence[Mapping[str, str]], target: str | None) -> list[_Panel]:
    """The panels that there is something to draw in; `target` names one of several."""
    panels = [
        panel
        if target is None
        else _Panel(
            target_column(panel.column, target),
            panel.heading,
            panel.units,
            panel.right,
            panel.observed and target_column(panel.observed, target),
        )
        for panel in _PANELS
    ]
    found = [panel for panel in panels if _series(rows, panel.column)[0]]
    # One panel for the bias: percent says more where they mean something.
    percent = any(panel.column.startswith("bias_percent") for panel in found)
    return [panel for panel in found if not (percent and panel.column.partition("/")[0] == "bias")]


def _series(rows: Sequence[Mapping[str, str]], column: str) -> tuple[list[int], list[float]]:
    kept = [row for row in rows if row.get(column)]
    return [int(row["step"]) for row in kept], [float(row[column]) for row in kept]


def _draw_loss(axes: Axes, rows: Sequence[Mapping[str, str]]) -> None:
    steps, values = _series(rows, "edm_loss")
    axes.plot(steps, values, color=_PALE, linewidth=0.8, label="per batch")
    axes.plot(steps, _smooth(values), color=_GENERATED, linewidth=1.8, label="running mean")
    axes.set_title("EDM loss", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper right")
    _quiet(axes)


def _draw_panel(axes: Axes, rows: Sequence[Mapping[str, str]], panel: _Panel, best: JudgedReading | None) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    steps, values = _series(rows, panel.column)
    if panel.right is not None:
        axes.axhline(panel.right, color=_OBSERVED, linestyle="--", linewidth=1.2)
    axes.plot(steps, values, color=_GENERATED, marker="o", markersize=3.5, linewidth=1.6)
    if panel.observed is not None:
        axes.plot(*_series(rows, panel.observed), color=_OBSERVED, linestyle="--", linewidth=1.2)
    if best is not None and best.monitor == panel.column:
        axes.plot([best.step], [best.value], color="#d55e00", marker="o", markersize=8, fillstyle="none", ls="none")
        axes.annotate(
            "best",
            (best.step, best.value),
            xytext=(0, 8),
            textcoords="offset points",
            color="#d55e00",
            fontsize=8,
            ha="center",
        )
    axes.set_title(panel.heading, fontsize=10, loc="left")
    axes.margins(y=0.15)
    if panel.right == 1.0 and values and min(values) > 0 and max(values) > 5 * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=5, integer=True)


def _smooth(values: list[float], memory: float = 0.95) -> list[float]:
    """Running mean that forgets, corrected for its start."""
    smoothed, total, weight = [], 0.0, 0.0
    for value in values:
        total = memory * total + (1 - memory) * value
        weight = memory * weight + (1 - memory)
        smoothed.append(total / weight)
    return smoothed
