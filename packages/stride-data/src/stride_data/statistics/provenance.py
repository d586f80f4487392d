"""Where statistics come from: all that decides their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from stride_vars.regions import Box

from stride_data.assembly.channels import Channel
from stride_data.config import DataConfig
from stride_data.field_source import FieldSource
from stride_data.regions.geometry import Geometry
from stride_data.transforms import requirement


def provenance(
    config: DataConfig,
    sources: Mapping[str, FieldSource],
    times: Sequence[str],
    split: str,
    *,
    hr: Box,
    geometry: Geometry,
) -> dict[str, Any]:
    """Describe what statistics are computed from; file names stay relative, so that moved data keep their id.

    Args:
        config: The configuration.
        sources: Scanned sources.
        times: Times of the split.
        split: Its name.
        hr: Cells on the HR grid.
        geometry: Boxes on the other grids.
    """
    context = geometry.context_box(hr)
    views = {name: view.changes for name, view in geometry.views.items() if view.changes}
    return {
        "files": {name: dict(source.origin) for name, source in sources.items()},
        "split": {"name": split, **config.splits[split].model_dump(mode="json", exclude_none=True)},
        "dates": list(times),
        "region": {
            "hr": hr.model_dump(),
            "lr": geometry.lr_box(hr).model_dump(),
            **({} if context is None else {"context": context.model_dump()}),
            "views": views,
        },
        "lags": list(config.lags),
        "missing_conditioning": config.missing_conditioning,
        "package": {"stride-data": version("stride-data")},
    }


def required(channels: Sequence[Channel]) -> dict[str, Any]:
    """What the transforms of channels need of the statistics, by ``source.key``.

    Raises:
        DataError: If a transform's options do not suit its variable.
    """
    return {
        channel.name: requirement(spec=channel.spec, source=channel.source, options=channel.options).as_dict()
        for channel in channels
    }
