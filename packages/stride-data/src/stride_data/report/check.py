"""``stride-data check``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from stride_vars.regions import Box

from stride_data.adapter import GriddedAdapter
from stride_data.config import load_data_config
from stride_data.discovery.splits import neighbours
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.report.progress import progress
from stride_data.report.time_notes import notes_of_times, short


def check_data(
    config: Path,
    overrides: Sequence[str],
    *,
    read_all: bool,
    plot: Path | None = None,
    console: Console | None = None,
) -> None:
    """Print what a configuration finds.

    Args:
        config: YAML file.
        overrides: ``key=value`` texts.
        read_all: Read every time of every split instead of the first of each.
        plot: Picture file for a map of the boxes; none when omitted.
        console: Where to print; standard output when omitted.

    Raises:
        DataError: What keeps training from beginning.
    """
    console = console or wide_console()
    adapter = GriddedAdapter.from_config(load_data_config(config, overrides))
    console.print(f"[bold]{config}[/bold]: root {adapter.root}", highlight=False)
    for title, table in (
        ("Sources", _sources(adapter)),
        ("Variables", _variables(adapter)),
        ("Boxes", _boxes(adapter)),
        ("Splits", _splits(adapter)),
    ):
        table.title, table.title_justify, table.title_style = title, "left", "bold"
        console.print(table)
    if plot is not None:
        from stride_data.report.plot_boxes import plot_boxes

        plot_boxes(adapter, plot)
        console.print(f"wrote {plot}", highlight=False, soft_wrap=True)
    notes = _notes(adapter)
    problems = _read(adapter, console, read_all=read_all)
    for note in notes:
        console.print(f"[yellow]note:[/yellow] {note}", highlight=False, soft_wrap=True)
    if problems:
        for problem in problems[:-1]:
            console.print(f"[red]problem:[/red] {problem}", highlight=False, soft_wrap=True)
        raise DataError(problems[-1])
    console.print("[green]No problems found.[/green]", highlight=False)


def wide_console() -> Console:
    """Standard output; in files and pipes lines are as long as tables need."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _unit(attrs: Mapping[str, Any]) -> str:
    unit = str(attrs.get("units", ""))
    return "degrees" if unit.startswith("degree") else unit


def _sources(adapter: GriddedAdapter) -> Table:
    table = _table("source", "files", "times", "first", "last", "calendar", "grid", "spacing")
    for source in adapter.sources.values():
        grid, blocks = source.grid, source.origin["block_average"]
        rows, columns = grid.shape
        averaged = f" (means of {blocks} x {blocks})" if blocks > 1 else ""
        if "regrid" in source.origin:
            averaged = f" ({source.origin['regrid']['method']}, on data.lr_grid)"
        table.add_row(
            source.name,
            str(source.origin["count"]),
            str(len(source.times)) if source.times else "none",
            short(source.times[0]) if source.times else "",
            short(source.times[-1]) if source.times else "",
            source.calendar if source.times else "",
            f"{rows} x {columns}{averaged}",
            f"{grid.spacing[0]:g}, {grid.spacing[1]:g} {_unit(grid.y_attrs)}",
        )
    return table


def _variables(adapter: GriddedAdapter) -> Table:
    table = _table("role", "variable", "in the file", "units", "first field: min", "mean", "max", "missing")
    channels = adapter.channels
    roles = {
        "target": channels.target,
        "dynamic": channels.dynamic,
        "static": channels.static,
        "context": channels.context,
        "context static": channels.context_static,
    }
    for role, channels in roles.items():
        for channel in channels:
            source = adapter.sources[channel.source]
            field = source.fields[channel.spec.key]
            table.add_row(
                role,
                channel.name,
                field.name,
                f"{field.units} -> {channel.spec.units}",
                *_first_field(adapter, source, channel.spec.key, static=role.endswith("static")),
            )
    return table


def _first_field(adapter: GriddedAdapter, source: FieldSource, key: str, *, static: bool) -> tuple[str, str, str, str]:
    import numpy as np

    rows, columns = source.grid.shape
    # A training store may hold a part of the grid.
    everywhere = getattr(source, "box", None) or Box(y=0, x=0, height=rows, width=columns)
    if static:
        values = source.read_static_box(key, everywhere)
    else:
        time = next(iter(adapter.splits.values()))[0]
        values = source.read_box(key, time, everywhere)
    observed = values[~np.isnan(values)]
    missing = f"{1 - observed.size / values.size:.1%}" if observed.size < values.size else "none"
    if observed.size == 0:
        return ("", "", "", missing)
    return (f"{observed.min():.4g}", f"{observed.mean(dtype=np.float64):.4g}", f"{observed.max():.4g}", missing)


def _boxes(adapter: GriddedAdapter) -> Table:
    geometry, region = adapter.geometry, adapter.region
    table = _table("box", "rows", "columns", "cells", "y", "x")
    boxes = [
        ("domain of all sources, whole LR cells", geometry.hr_grid, geometry.domain),
        ("shuffle region of training", geometry.hr_grid, region.shuffle),
        ("HR box", geometry.hr_grid, region.hr),
        (f"LR box, {geometry.lr.y.ratio} x {geometry.lr.x.ratio} HR cells each", geometry.lr_grid, region.lr),
    ]
    if geometry.anchored_context is not None:
        along = geometry.anchored_context.alignment
        name = f"context box, {along.y.ratio} x {along.x.ratio} HR cells each"
        boxes.append((name, geometry.anchored_context.grid, region.context))
    for name, grid, box in boxes:
        if box is None:
            continue
        y0, y1 = grid.y_edges[box.y], grid.y_edges[box.y + box.height]
        x0, x1 = grid.x_edges[box.x], grid.x_edges[box.x + box.width]
        table.add_row(
            name,
            f"{box.y} to {box.y + box.height - 1}",
            f"{box.x} to {box.x + box.width - 1}",
            f"{box.height} x {box.width}",
            f"{y0:.10g} to {y1:.10g} {_unit(grid.y_attrs)}",
            f"{x0:.10g} to {x1:.10g} {_unit(grid.x_attrs)}",
        )
    return table


def _splits(adapter: GriddedAdapter) -> Table:
    table = _table("split", "times", "first", "last", "")
    for name, times in adapter.splits.items():
        same = adapter.config.splits[name].same_as
        table.add_row(name, str(len(times)), short(times[0]), short(times[-1]), f"same as {same}" if same else "")
    return table


def _notes(adapter: GriddedAdapter) -> list[str]:
    notes: list[str] = []
    for (first, second), count in neighbours(adapter.splits, adapter.calendar).items():
        notes.append(
            f"{count} times of {first} lie within a day of a time of {second}: weather persists, so the two are not "
            "independent."
        )
    for name, count in adapter.dropped_times.items():
        if count:
            notes.append(f"{count} times of {name} are left out: a field of their stack of lags is missing.")
    notes.extend(notes_of_times(adapter))
    for name, view in adapter.geometry.views.items():
        turned = [axis for axis, flipped in (("rows", view.flip_y), ("columns", view.flip_x)) if flipped]
        if turned:
            notes.append(f"{' and '.join(turned)} of {name} run opposite to the HR grid's and are turned.")
        if view.first_column % view.shape[1]:
            first = view.first_column % view.shape[1]
            notes.append(f"columns of {name} are counted from its column {first} on, around the globe.")
    if adapter.region.shuffle is not None:
        notes.append(f"training crops are drawn from {adapter.geometry.crops.count} places.")
    return notes


def _read(adapter: GriddedAdapter, console: Console, *, read_all: bool) -> list[str]:
    """Read times as training would; problems as sentences."""
    times: list[str] = []
    for found in adapter.splits.values():
        times.extend(found if read_all else found[:1])
    times = sorted(set(times))
    problems: list[str] = []
    with progress(console, "reading") as report:
        for done, time in enumerate(times, start=1):
            try:
                adapter.fields(time)
            except DataError as exc:
                problems.append(str(exc))
            report(done, len(times))
    return list(dict.fromkeys(problems))
