"""Scanning all sources of a configuration, those that need another one after it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from stride_vars.catalogue import Catalogue

from stride_data.config import DataConfig, LrGridConfig
from stride_data.discovery.cache import FieldCache
from stride_data.discovery.grids import Grid
from stride_data.discovery.joined_source import JoinedSource
from stride_data.discovery.scan_source import ScannedSource, scan_source
from stride_data.discovery.source import Source
from stride_data.errors import DataError
from stride_data.regridding.lr_grid import declared_grid
from stride_data.regridding.regridding import MISSING, Method, plan_regridding

__all__ = ["scan_source", "scan_sources"]


def scan_sources(config: DataConfig, root: str | Path, catalogue: Catalogue) -> dict[str, ScannedSource]:
    """Scan all sources of a configuration.

    Args:
        config: The configuration.
        root: Folder or URL of relative file patterns.
        catalogue: The variables.

    Returns:
        Sources by name, in the configuration's order.

    Raises:
        DataError: If a file, variable, unit or coordinate is missing or wrong.
    """
    scanned: dict[str, ScannedSource] = {}
    cache = FieldCache(int(config.cache_gb * 1e9))
    timed = [*config.target, *config.dynamic, *config.context]

    def scan(name: str, waiting: tuple[str, ...] = ()) -> ScannedSource:
        if name in waiting:
            raise DataError(
                f"data.sources.{name}.like: {' -> '.join([*waiting, name])} never ends; give one a spacing."
            )
        if name not in scanned:
            source = config.sources[name]
            found = scan_source(
                name,
                source,
                root,
                catalogue,
                like=scan(source.like, (*waiting, name)) if source.like else None,
                time_match=config.time_match,
                storage_options=config.storage_options,
            )
            scanned[name] = _reading_together(found, cache, timed)
        return scanned[name]

    sources = {name: scan(name) for name in config.sources}
    if config.lr_grid is None:
        return sources
    target = declared_grid(config.lr_grid, sources[config.lr_grid.source].grid)
    return {
        name: source
        if (method := config.sources[name].regrid) is None
        else _regridded(source, target, method, config.lr_grid)
        for name, source in sources.items()
    }


def _reading_together(source: ScannedSource, cache: FieldCache, timed: list[str]) -> ScannedSource:
    """The source with the shared cache; one opening of a file serves all variables that samples read from it."""
    if isinstance(source, JoinedSource):
        parts = {key: dataclasses.replace(part, cache=cache) for key, part in source.parts.items()}
        return dataclasses.replace(source, parts=parts)
    along = tuple(key for key in source.fields if f"{source.name}.{key}" in timed)
    return dataclasses.replace(source, cache=cache, read_along=along)


def _regridded(source: ScannedSource, target: Grid, method: Method, config: LrGridConfig) -> ScannedSource:
    if isinstance(source, JoinedSource):
        parts = {key: _brought(part, target, method, config) for key, part in source.parts.items()}
        return dataclasses.replace(source, parts=parts)
    return _brought(source, target, method, config)


def _brought(source: Source, target: Grid, method: Method, config: LrGridConfig) -> Source:
    where = f"data.sources.{source.name}"
    described: dict[str, Any] = {
        "method": method,
        "lr_grid": config.model_dump(mode="json", exclude_none=True),
        "shape": list(target.shape),
        "y": [float(target.y[0]), float(target.y[-1])],
        "x": [float(target.x[0]), float(target.x[-1])],
        "units": [str(attrs.get("units", "")) for attrs in (target.y_attrs, target.x_attrs)],
        "crs": target.crs,
        "missing": MISSING,
    }
    return dataclasses.replace(
        source,
        grid=target,
        regridding=plan_regridding(source.native_grid, target, method, where, config.source),
        origin={**source.origin, "regrid": described},
    )
