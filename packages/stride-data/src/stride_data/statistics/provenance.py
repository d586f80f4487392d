"""Where statistics come from: all that decides their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from stride_vars.regions import Box

from stride_data.config import DataConfig
from stride_data.discovery.source import Source


def provenance(
    config: DataConfig, sources: Mapping[str, Source], times: Sequence[str], split: str, *, hr: Box, lr: Box
) -> dict[str, Any]:
    """Describe what statistics are computed from; file names stay relative, so that moved data keep their id.

    Args:
        config: The configuration.
        sources: Scanned sources.
        times: Times of the split.
        split: Its name.
        hr: Cells on the HR grid.
        lr: Cells on the LR grid.
    """
    files: dict[str, Any] = {}
    for name, source in sources.items():
        stated = config.sources[name]
        files[name] = {
            "pattern": stated.files,
            "count": len(source.paths),
            "calendar": source.calendar,
            "block_average": source.block_average,
            "units": {key: field.conversion.source for key, field in source.fields.items()},
            "variables": {key: entry.model_dump(mode="json") for key, entry in stated.variables.items()},
        }
    return {
        "files": files,
        "split": {"name": split, **config.splits[split].model_dump(mode="json", exclude_none=True)},
        "dates": list(times),
        "region": {"hr": hr.model_dump(), "lr": lr.model_dump()},
        "missing_conditioning": config.missing_conditioning,
        "package": {"stride-data": version("stride-data")},
    }
