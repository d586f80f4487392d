"""``stride-data stats``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stride_data.adapter import GriddedAdapter
from stride_data.config import load_data_config
from stride_data.errors import DataError
from stride_data.report.progress import progress
from stride_data.statistics.schedulers import DEFAULT_SCHEDULER, check_scheduler

FILE_NAME = "statistics.json"


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be written before the long work begins.

    Raises:
        DataError: If it, or the part of its path that exists, is no folder or must not be written to.
    """
    existing = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise DataError(f"--out {out}: {existing} is a file, not a folder; choose another folder.")
    if not os.access(existing, os.W_OK):
        raise DataError(f"--out {out}: {existing} must not be written to; choose another folder.")


def write_stats(
    config: Path,
    out: Path,
    overrides: Sequence[str],
    *,
    scheduler: str = DEFAULT_SCHEDULER,
    workers: int | None = None,
    console: Console | None = None,
) -> Path:
    """Compute the statistics of a configuration, write them and print their main numbers.

    Args:
        config: YAML file.
        out: Folder of the file; made when missing.
        overrides: ``key=value`` texts.
        scheduler: "synchronous", "threads", "processes", or the address of a distributed scheduler.
        workers: Number of threads or processes; as many as there are cores when omitted.
        console: Where to print; standard output when omitted.

    Returns:
        The file written.

    Raises:
        DataError: If the data or the configuration are wrong; nothing is written then.
    """
    console = console or Console()
    check_folder(out)
    check_scheduler(scheduler, workers)
    # Statistics that the configuration names are about to be made, and need not exist yet.
    data = load_data_config(config, overrides).model_copy(update={"statistics": None})
    adapter = GriddedAdapter.from_config(data)
    with progress(console, "statistics") as report:
        statistics = adapter.compute_statistics(report, scheduler=scheduler, workers=workers)
    adapter.load_statistics(statistics)
    path = adapter.write_statistics(out / FILE_NAME)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("variable", "units", "values", "missing", "mean", "std", "min", "max", "wet"):
        table.add_column(column)
    for name, entry in statistics["variables"].items():
        wet = entry["wet_fraction"]
        table.add_row(
            name,
            entry["units"],
            str(entry["n"]),
            str(entry["missing"]),
            *(f"{entry[key]:.5g}" for key in ("mean", "std", "min", "max")),
            "" if wet is None else f"{wet:.1%}",
        )
    console.print(table)
    console.print(f"wrote {path} (id {statistics['id']})", highlight=False, soft_wrap=True)
    return path
