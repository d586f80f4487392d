"""The history of a training: a CSV file that grows, and a picture of it."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS: tuple[str, ...] = (
    "step",
    "images",
    "seconds",
    "learning_rate",
    "loss",
    "edm_loss",
    "gate_loss",
    "gradient_norm",
    "crps",
    "wet_fraction",
    "wet_fraction_observed",
)


class History:
    """Rows of (step, images, seconds, ...), appended to a CSV file as they come.

    Attributes:
        path: The CSV file.
    """

    def __init__(self, path: Path, *, resume_at: int | None = None):
        """Opens a history.

        Args:
            path: The CSV file.
            resume_at: Continue an existing file: rows after this step (written after the checkpoint that is resumed)
                are dropped. None starts anew.
        """
        self.path = path
        rows = [] if resume_at is None else [row for row in read_history(path) if int(row["step"]) <= resume_at]
        temporary = path.with_name(f".{path.name}.partial")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(path)

    def append(self, **values: float | int) -> None:
        """Adds one row; columns that are not given stay empty."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writerow(
                {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in values.items()}
            )


def read_history(path: Path) -> list[dict[str, str]]:
    """Rows of a history file; none when the file does not exist."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def draw_history(history: Path, picture: Path, title: str) -> None:
    """Draws loss, CRPS of the small validation ensemble and its wet fraction against training steps.

    Args:
        history: The CSV file.
        picture: The PNG file to write.
        title: Heading of the picture.
    """
    from matplotlib.figure import Figure

    rows = read_history(history)

    def series(column: str) -> tuple[list[int], list[float]]:
        kept = [row for row in rows if row.get(column) not in (None, "")]
        return [int(row["step"]) for row in kept], [float(row[column]) for row in kept]

    panels = [("edm_loss", "EDM loss")]
    if series("crps")[0]:
        panels.append(("crps", "CRPS of a small\nvalidation ensemble"))
    if series("wet_fraction")[0]:
        panels.append(("wet_fraction", "wet fraction"))
    figure = Figure(figsize=(7.0, 0.6 + 2.0 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (column, label) in zip(axes, panels, strict=True):
        steps, values = series(column)
        if column == "edm_loss":
            axis.plot(steps, values, color="#b8c4d6", linewidth=0.8, label="per batch")
            axis.plot(steps, _smooth(values), color="#1f4e8c", linewidth=1.6, label="running mean")
            axis.legend(frameon=False, fontsize="small")
        else:
            axis.plot(steps, values, color="#1f4e8c", marker="o", markersize=3.5, label="generated")
        if column == "wet_fraction":
            observed_steps, observed = series("wet_fraction_observed")
            axis.plot(observed_steps, observed, color="#333333", linestyle="--", linewidth=1.2, label="observed")
            axis.legend(frameon=False, fontsize="small")
        axis.set_ylabel(label)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("training step")
    figure.suptitle(title, fontsize="medium")
    temporary = picture.with_name(f".{picture.stem}.partial.png")
    figure.savefig(temporary, dpi=130)
    temporary.replace(picture)


def _smooth(values: list[float], memory: float = 0.95) -> list[float]:
    """Running mean that forgets, corrected for its start."""
    smoothed, total, weight = [], 0.0, 0.0
    for value in values:
        total = memory * total + (1 - memory) * value
        weight = memory * weight + (1 - memory)
        smoothed.append(total / weight)
    return smoothed
