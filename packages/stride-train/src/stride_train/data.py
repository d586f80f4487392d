"""Opening the data of an experiment, with the statistics that its transforms need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stride_data.adapter import GriddedAdapter

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
    adapter = GriddedAdapter.from_config(config.data, base=Path.cwd())
    if statistics is not None:
        adapter.load_statistics(statistics)
    return adapter


def prepare_statistics(config: ExperimentConfig, run: RunFolder) -> GriddedAdapter:
    """Opens the data with offline statistics of the training split, which are computed unless they are there.

    `data.statistics` in the experiment names a file made before; else the run folder's file is used, made if need be,
    and made again when it does not belong to this data.

    Raises:
        StrideError: If the data, or the statistics file that the experiment names, are wrong.
    """
    adapter = open_data(config)
    if config.data.statistics is not None:
        adapter.load_statistics(Path(config.data.statistics))
        return adapter
    if run.statistics.is_file():
        adapter.load_statistics(run.statistics)
        found = adapter.statistics or {}
        if found.get("provenance") == adapter.statistics_provenance():
            return adapter
    with progress("computing statistics") as advance:
        computed = adapter.compute_statistics(lambda done, total: advance(done / total, f"{done} of {total} times"))
    adapter.load_statistics(computed)
    adapter.write_statistics(run.statistics)
    return adapter
