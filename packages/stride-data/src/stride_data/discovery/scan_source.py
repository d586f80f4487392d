"""From a source's configuration to a ``Source``, opening as few files as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError, nearest
from stride_vars.spec import VariableSpec

from stride_data.config import SourceConfig, VariableConfig
from stride_data.discovery.cf_names import find_dims, find_variable, read_grid
from stride_data.discovery.grids import Grid
from stride_data.discovery.joined_source import JoinedSource, join
from stride_data.discovery.longitude import is_longitude, unwrapped
from stride_data.discovery.open_files import FileHandles, open_dataset
from stride_data.discovery.patterns import FoundFile, find_files, is_per_variable
from stride_data.discovery.projection import check_crs, file_crs, is_projected
from stride_data.discovery.selection import find_selection, pressure_level, select
from stride_data.discovery.source import Source, SourceField
from stride_data.discovery.time_index import build_index, calendar_of, must_read
from stride_data.discovery.times import CALENDARS
from stride_data.discovery.variable_files import files_by_variable
from stride_data.errors import DataError
from stride_data.storage_options import expanded
from stride_data.units import conversion
from stride_data.urls import joined, local_path, protocol

if TYPE_CHECKING:
    import xarray as xr

    from stride_data.discovery.remote import Location

ScannedSource: TypeAlias = Source | JoinedSource


def scan_source(
    name: str,
    config: SourceConfig,
    root: str | Path,
    catalogue: Catalogue,
    *,
    like: ScannedSource | None = None,
    time_match: str = "exact",
    storage_options: Mapping[str, Any] | None = None,
) -> ScannedSource:
    """Scan one source.

    Files whose pattern dates them and that hold one time each take their time from the name, and only the first is
    opened; the others are checked when they are read. All other files are opened for their times.

    Args:
        name: The user's name for the source.
        config: Its configuration.
        root: Folder or URL of relative file patterns.
        catalogue: The variables.
        like: The source whose coordinates to take.
        time_match: "date" cuts times to their day.
        storage_options: The section's options of remote file systems, which the source's own go before.

    Raises:
        DataError: If a file, variable, unit or coordinate is missing or wrong.
    """
    where = f"data.sources.{name}"
    specs = {key: _spec(catalogue, key, f"{where}.variables") for key in config.variables}
    options = _options(config, str(root), storage_options or {}, where)
    files = find_files(config.files, root, f"{where}.files", options=options, repeated=config.duplicates != "refuse")
    if config.calendar is not None and config.calendar not in CALENDARS:
        raise DataError(f"{where}.calendar: unknown calendar '{config.calendar}'.{nearest(config.calendar, CALENDARS)}")
    if config.crs is not None:
        check_crs(config.crs, f"{where}.crs")

    def scan(part: SourceConfig, found: Sequence[FoundFile]) -> Source:
        chosen = {key: specs[key] for key in part.variables}
        return _scan_files(name, part, found, chosen, catalogue, like=like, time_match=time_match)

    if not is_per_variable(config.files):
        return scan(config, files)
    groups = files_by_variable(files, config.variables, catalogue, where)
    return join(
        name,
        {
            key: scan(config.model_copy(update={"variables": {key: config.variables[key]}}), found)
            for key, found in groups.items()
        },
    )


def _options(config: SourceConfig, root: str, shared: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options of the source's file system; the section's serve only the root's own protocol."""
    kind = protocol(local_path(joined(root, config.files)))
    if kind is None:
        return {}
    own = config.storage_options
    common = {key: value for key, value in shared.items() if key not in own}
    if protocol(root) not in (None, kind):
        common = {}
    return {**expanded(common, "data.storage_options"), **expanded(own, f"{where}.storage_options")}


def _scan_files(
    name: str,
    config: SourceConfig,
    files: Sequence[FoundFile],
    specs: Mapping[str, VariableSpec],
    catalogue: Catalogue,
    *,
    like: ScannedSource | None,
    time_match: str,
) -> Source:
    where = f"data.sources.{name}"
    first = files[0].path
    with open_dataset(first, config.npz_key) as dataset:
        fields: dict[str, SourceField] = {}
        file_grid: Grid | None = None
        shape: tuple[int, int] | None = None
        for key, spec in specs.items():
            field, array = _find_field(dataset, key, spec, config, catalogue, files[0], where)
            here = (array.sizes[field.dims.y], array.sizes[field.dims.x])
            if shape is not None and here != shape:
                raise DataError(
                    f"{first}: '{field.name}' has {here[0]} x {here[1]} cells, other variables of {where} have "
                    f"{shape[0]} x {shape[1]}; make it a source of its own."
                )
            shape = here
            file_grid = file_grid or read_grid(array, field.dims, config.crs or file_crs(dataset, array))
            fields[key] = field
        assert shape is not None
        timed = {field.name: field.dims.time for field in fields.values() if field.dims.time is not None}
        calendar = config.calendar or calendar_of(dataset, list(timed.values()))
        read_times = must_read(dataset, timed, files)
    native = _native_grid(config, file_grid, shape, like, first, where)
    factor = config.block_average or 1
    if min(native.shape) < factor:
        raise DataError(
            f"{where}.block_average: blocks of {factor} cells do not fit into {shape[0]} x {shape[1]} cells."
        )
    index = build_index(
        files,
        list(timed.values()),
        read=read_times,
        calendar=calendar,
        npz_key=config.npz_key,
        time_match=time_match,
        duplicates=config.duplicates,
        where=where,
    )
    origin: dict[str, Any] = {
        "pattern": config.files,
        "count": len(files),
        "calendar": calendar,
        "block_average": factor,
        "units": {key: field.units for key, field in fields.items()},
        "variables": {key: _described(entry) for key, entry in config.variables.items()},
    }
    if index.dropped:
        origin["duplicates"] = {"kept": config.duplicates, "dropped": index.dropped}
    return Source(
        name=name,
        paths=tuple(file.path for file in files),
        fields=fields,
        file_grid=file_grid,
        native_grid=native,
        block_average=factor,
        grid=native.block_averaged(factor) if factor > 1 else native,
        calendar=calendar,
        index=index.places,
        flip_y=config.flip_y,
        npz_key=config.npz_key,
        handles=FileHandles(),
        origin=origin,
    )


def _described(entry: VariableConfig) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude=None if entry.select else {"select"})


def _spec(catalogue: Catalogue, key: str, where: str) -> VariableSpec:
    try:
        return catalogue.get(key)
    except StrideError as exc:
        raise DataError(f"{where}: {exc}") from exc


def _find_field(
    dataset: xr.Dataset,
    key: str,
    spec: VariableSpec,
    config: SourceConfig,
    catalogue: Catalogue,
    file: FoundFile,
    where: str,
) -> tuple[SourceField, xr.DataArray]:
    """How a variable stands in the first file, and the variable with its further dimensions selected."""
    path, entry, here = file.path, config.variables[key], f"{where}.variables.{key}"
    name = find_variable(dataset, key, entry, catalogue, path, here, on_level=file.level is not None)
    array = dataset[name]
    wanted = find_selection(array, entry.select, pressure_level(key, catalogue), path, here)
    array = select(array, wanted, path, here)
    dims = find_dims(array, config.dims, path, f"{where}.dims", f"{here}.select")
    file_units = array.attrs.get("units")
    file_units = None if file_units is None else str(file_units)
    units = entry.units if entry.units is not None else file_units
    if units is None:
        raise DataError(f"{path}: '{name}' has no units; set {here}.units (canonical units are '{spec.units}').")
    try:
        to_canonical = conversion(units, spec.units, entry.accumulation)
    except DataError as exc:
        hint = f"set {here}.units"
        if entry.accumulation is None and spec.units.endswith(("day-1", "s-1")):
            hint += " or, for an amount, accumulation (the period it was accumulated over, such as '1 day')"
        raise DataError(f"{path}: '{name}': {str(exc).rstrip('.')}; {hint}.") from exc
    expected = file_units if entry.units is None else None
    return SourceField(spec, name, dims, expected, to_canonical, entry.valid_min, wanted), array


def _projected(axis: str, crs: str | None) -> dict[str, str]:
    """CF's name of a coordinate that a projection gives."""
    return {"standard_name": f"projection_{axis}_coordinate"} if crs is not None and is_projected(crs) else {}


def _native_grid(
    config: SourceConfig,
    file_grid: Grid | None,
    shape: tuple[int, int],
    like: ScannedSource | None,
    path: Location,
    where: str,
) -> Grid:
    """Grid of the values as read; stated coordinates describe the rows after flipping, a file's own before."""
    if like is not None:
        if like.native_grid.shape != shape:
            has = like.native_grid.shape
            raise DataError(
                f"{path}: has {shape[0]} x {shape[1]} cells, but {where}.like names '{like.name}' with {has[0]} x "
                f"{has[1]}; give a spacing instead."
            )
        return replace(like.native_grid, crs=config.crs or like.native_grid.crs)
    if config.spacing is not None:
        step = config.spacing
        return Grid.from_centres(
            step.y0 + step.y * np.arange(shape[0]),
            step.x0 + step.x * np.arange(shape[1]),
            y_attrs={"units": step.units, "axis": "Y", **_projected("y", config.crs)},
            x_attrs={"units": step.units, "axis": "X", **_projected("x", config.crs)},
            crs=config.crs,
        )
    if file_grid is None:
        raise DataError(
            f"{path}: has no coordinates along its rows and columns; set {where}.like to a source on the same grid, or "
            f"{where}.spacing, such as {{y: 2500, x: 2500}}."
        )
    if is_longitude(file_grid.x_attrs):
        x = unwrapped(file_grid.x)
        file_grid = replace(file_grid, x=x, x_edges=Grid.from_centres(file_grid.y, x).x_edges)
    return file_grid.flipped_y() if config.flip_y else file_grid
