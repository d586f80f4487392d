"""What a configuration opens: sources, channels, boxes, times; from the archive or from a training store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stride_vars.catalogue import Catalogue

from stride_data.assembly.channels import Channels
from stride_data.assembly.lags import Lags
from stride_data.assembly.sample_times import SampleTimes, needs_targets, sample_times
from stride_data.config import DataConfig
from stride_data.discovery.scan import scan_sources
from stride_data.field_source import FieldSource
from stride_data.periods import parse_offset
from stride_data.regions.geometry import Geometry, build_geometry
from stride_data.store.open import open_store
from stride_data.urls import local_path
from stride_data.yaml_config import absolute, expand_env


@dataclass(frozen=True)
class Parts:
    """Everything that a configuration's samples are made from.

    Attributes:
        root: Folder or URL of relative file patterns.
        store: The training store that is read instead of the archive; None for the archive.
        sources: By name.
        channels: In order.
        geometry: Boxes and alignments.
        lags: Steps of the dynamic fields' stack.
        times: Of every split.
    """

    root: str
    store: str | None
    sources: Mapping[str, FieldSource]
    channels: Channels
    geometry: Geometry
    lags: Lags
    times: SampleTimes


def open_parts(config: DataConfig, base: str | Path) -> Parts:
    """Scan the files, or open the training store, and check that all fits together; no field is read.

    Args:
        config: The configuration.
        base: Folder that relative paths of the configuration refer to.

    Raises:
        DataError: If anything a user can cause is wrong.
    """
    catalogue = Catalogue.load(
        *(absolute(path, base) for path in expand_env(config.variables_files, "data.variables_file"))
    )
    root = absolute(expand_env(config.root, "data.root"), base)
    store, sources = None, None
    if config.store is not None:
        store = local_path(absolute(expand_env(config.store, "data.store"), base))
        sources = open_store(config, store, catalogue)
    else:
        sources = scan_sources(config, root, catalogue)
    channels = Channels.from_config(config, sources)
    context = (*channels.context, *channels.context_static)
    target, dynamic, static, around = (
        [channel.source for channel in some] for some in (channels.target, channels.dynamic, channels.static, context)
    )
    geometry = build_geometry(config.region, sources, target, dynamic, static, around)
    # Where no split needs targets, such as for a climate model of the future, the target's files only give the grid.
    timed = sources[target[0] if needs_targets(config) else dynamic[0]]
    lags = Lags(tuple(parse_offset(text) for text in config.lags), timed.calendar)
    return Parts(root, store, sources, channels, geometry, lags, sample_times(config, sources, channels, lags))
