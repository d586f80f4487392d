"""Opening the data of an experiment, with the statistics that its transforms need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stride_data.adapter import GriddedAdapter
from stride_data.errors import DataError
from stride_data.statistics.file import read_statistics

from stride_train.config import ExperimentConfig
from stride_train.progress import progress
from stride_train.run_folder import RunFolder


def open_data(config: ExperimentConfig, *, statistics: Path | dict[str, Any] | None = None) -> GriddedAdapter:
    """Scans the archive and loads statistics.

    Args:
        config: The experiment; its paths are absolute or meant from the current folder.
        statistics: A statistics file or its content; None leaves the transforms that need them unusable.

    Raises:
        StrideError: If something about the data is wrong.
    """
    return GriddedAdapter.from_config(config.data, base=Path.cwd(), statistics=statistics)


def prepare_statistics(config: ExperimentConfig, run: RunFolder) -> GriddedAdapter:
    """Opens the data with offline statistics of the training split, which are computed unless they are there.

    `data.statistics` in the experiment names a file made before; else the run folder's file is used, made if need be,
    and made again when it does not belong to this data.

    Raises:
        StrideError: If the data, or the statistics file that the experiment names, are wrong.
    """
    adapter = open_data(config)
    if config.data.statistics is not None:
        return adapter
    if run.statistics.is_file() and _belong(run.statistics, adapter):
        adapter.load_statistics(run.statistics)
        return adapter
    with progress("computing statistics") as advance:
        computed = adapter.compute_statistics(lambda done, total: advance(done / total, f"{done} of {total} times"))
    adapter.load_statistics(computed)
    adapter.write_statistics(run.statistics)
    return adapter


def _belong(path: Path, adapter: GriddedAdapter) -> bool:
    """Whether a statistics file was computed from the very same data for the same transforms."""
    try:
        return read_statistics(path).get("provenance") == adapter.statistics_provenance()
    except DataError:
        return False
