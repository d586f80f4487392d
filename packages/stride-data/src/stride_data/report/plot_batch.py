"""A picture of a batch: one row a sample, one column a channel, in physical units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stride_vars.spec import VariableSpec

from stride_data.adapter import GriddedAdapter
from stride_data.report.figures import colour_map, grows_southward, import_pyplot, save_figure

_MOST_COLUMNS = 8


def plot_batch(adapter: GriddedAdapter, samples: Sequence[dict[str, Any]], path: Path) -> Path:
    """Draw the samples of a batch as they arrive at the trainer, brought back to physical units.

    Low-resolution channels are drawn cell by cell at their own resolution, on the axes of their own box; a dashed line
    in them is the high-resolution box. Of a stack in time, the step nearest the target is shown.

    Args:
        adapter: Where the samples come from; its transforms are inverted.
        samples: What ``adapter.sample`` gave.
        path: The picture.

    Raises:
        DataError: If matplotlib is missing or the picture cannot be written.
    """
    plt = import_pyplot()
    columns = _columns(adapter, samples)[:_MOST_COLUMNS]
    figure, axes = plt.subplots(
        len(samples),
        len(columns),
        figsize=(2.5 * len(columns) + 0.6, 2.45 * len(samples) + 0.5),
        squeeze=False,
        layout="constrained",
    )
    southward = grows_southward(adapter.geometry.hr_grid.y_attrs)
    for column, (title, spec, fields, boxes) in enumerate(columns):
        low, high = _limits(spec, fields)
        image = None
        for row, (values, bounds) in enumerate(zip(fields, boxes, strict=True)):
            axis = axes[row, column]
            image = _draw(axis, values, bounds, colour_map(spec.cmap), low, high)
            hr = samples[row]["cond_coord"]["hr_bounds"]
            if tuple(bounds) != tuple(hr):
                axis.plot(
                    [hr[2], hr[3], hr[3], hr[2], hr[2]], [hr[0], hr[0], hr[1], hr[1], hr[0]], "k--", linewidth=0.8
                )
            axis.set(xticks=[], yticks=[])
            if southward:
                axis.invert_yaxis()
            if column == 0:
                axis.set_ylabel(samples[row]["meta"]["timestamps"][0].removesuffix(":00"), fontsize=8)
        axes[0, column].set_title(title, fontsize=9)
        units = "" if spec.units == "1" else spec.units
        bar = figure.colorbar(image, ax=axes[:, column], location="bottom", shrink=0.85, aspect=18, pad=0.01)
        bar.set_label(units, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return save_figure(figure, path)


def _columns(adapter: GriddedAdapter, samples: Sequence[dict[str, Any]]) -> list[tuple[str, VariableSpec, list, list]]:
    """Title, variable, fields and bounds of every column."""
    nearest = int(np.argmin(np.abs(adapter.lag_hours)))

    def dynamic(sample: dict[str, Any]) -> np.ndarray:
        values = adapter.inverse_conditioning(sample["cond_dynamic"])
        return values[nearest] if adapter.temporal_steps > 1 else values

    def context(sample: dict[str, Any]) -> np.ndarray:
        values = adapter.inverse_context(sample["cond_context_dynamic"])
        return values[nearest] if adapter.temporal_steps > 1 else values

    def context_static(sample: dict[str, Any]) -> np.ndarray:
        return adapter.inverse_context_static(sample["cond_context_static"])

    def target(sample: dict[str, Any]) -> np.ndarray:
        return np.where(sample["mask"], adapter.inverse_target(sample["target"]), np.nan)

    def static(sample: dict[str, Any]) -> np.ndarray:
        return adapter.inverse_static(sample["cond_static"])

    columns: list[tuple[str, VariableSpec, list, list]] = []
    roles = [("target", adapter.target_vars, target, "hr"), ("LR", adapter.cond_vars, dynamic, "lr")]
    if samples[0]["target"] is None:
        roles = roles[1:]
    if adapter.static_names:
        roles.append(("static", adapter.static_vars, static, "hr"))
    around = (
        ("context", adapter.channels.context, context),
        ("context", adapter.channels.context_static, context_static),
    )
    roles += [(role, tuple(c.spec for c in some), read, "context") for role, some, read in around if some]
    for role, specs, fields_of, grid in roles:
        physical = [fields_of(sample) for sample in samples]
        for channel, spec in enumerate(specs):
            boxes = [sample["cond_coord"][f"{grid}_bounds"] for sample in samples]
            title = f"{spec.display_name}\n{role}"
            columns.append((title, spec, [values[channel] for values in physical], boxes))
    return columns


def _limits(spec: VariableSpec, fields: Sequence[np.ndarray]) -> tuple[float, float]:
    """What the batch holds, not the variable's usual range: crops show a small part of it."""
    values = np.concatenate([field.ravel() for field in fields])
    values = values[np.isfinite(values)]
    if not values.size:
        return (0.0, 1.0)
    low, high = (float(value) for value in np.quantile(values, (0.001, 0.999)))
    if spec.wet_threshold is not None:  # dry must look dry; zero kelvin is of no interest
        low = 0.0
    return (low, high) if high > low else (low, low + 1.0)


def _draw(axis: Any, values: np.ndarray, bounds: Sequence[float], cmap: Any, low: float, high: float) -> Any:
    first_row, last_row, first_column, last_column = (float(edge) for edge in bounds)
    # The first row lies at the first edge, whichever way the coordinate runs; the axes then put north up.
    image = axis.imshow(
        values,
        extent=(first_column, last_column, last_row, first_row),
        origin="upper",
        cmap=cmap,
        vmin=low,
        vmax=high,
        interpolation="nearest",
        aspect="auto",
    )
    axis.set_ylim(min(first_row, last_row), max(first_row, last_row))
    axis.set_xlim(min(first_column, last_column), max(first_column, last_column))
    return image
