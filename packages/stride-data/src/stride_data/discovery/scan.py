"""Scanning: from a source's configuration to a ``Source``, opening as few files as possible."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError, nearest
from stride_vars.spec import VariableSpec

from stride_data.config import DataConfig, SourceConfig, VariableConfig
from stride_data.discovery.cache import FieldCache
from stride_data.discovery.cf_names import Dims, find_dims, find_variable, read_grid
from stride_data.discovery.grids import Grid
from stride_data.discovery.longitude import is_longitude, unwrapped
from stride_data.discovery.open_files import FileHandles, open_dataset, unreadable
from stride_data.discovery.patterns import FoundFile, find_files
from stride_data.discovery.projection import check_crs, file_crs
from stride_data.discovery.source import Source, SourceField
from stride_data.discovery.times import CALENDARS, by_date, decode_times
from stride_data.errors import DataError
from stride_data.units import conversion

if TYPE_CHECKING:
    import xarray as xr


def scan_sources(config: DataConfig, root: Path, catalogue: Catalogue) -> dict[str, Source]:
    """Scan all sources of a configuration.

    Args:
        config: The configuration.
        root: Folder of relative file patterns.
        catalogue: The variables.

    Returns:
        Sources by name, in the configuration's order.

    Raises:
        DataError: If a file, variable, unit or coordinate is missing or wrong.
    """
    scanned: dict[str, Source] = {}
    cache = FieldCache(int(config.cache_gb * 1e9))
    timed = [*config.target, *config.dynamic, *config.context]

    def scan(name: str, waiting: tuple[str, ...] = ()) -> Source:
        if name in waiting:
            raise DataError(
                f"data.sources.{name}.like: {' -> '.join([*waiting, name])} never ends; give one a spacing."
            )
        if name not in scanned:
            source = config.sources[name]
            like = scan(source.like, (*waiting, name)) if source.like else None
            found = scan_source(name, source, root, catalogue, like=like, time_match=config.time_match)
            along = tuple(key for key in found.fields if f"{name}.{key}" in timed)
            scanned[name] = dataclasses.replace(found, cache=cache, read_along=along)
        return scanned[name]

    return {name: scan(name) for name in config.sources}


def scan_source(
    name: str,
    config: SourceConfig,
    root: Path,
    catalogue: Catalogue,
    *,
    like: Source | None = None,
    time_match: str = "exact",
) -> Source:
    """Scan one source.

    Files whose pattern dates them and that hold one time each take their time from the name, and only the first is
    opened; the others are checked when they are read. All other files are opened for their times.

    Args:
        name: The user's name for the source.
        config: Its configuration.
        root: Folder of relative file patterns.
        catalogue: The variables.
        like: The source whose coordinates to take.
        time_match: "date" cuts times to their day.

    Raises:
        DataError: If a file, variable, unit or coordinate is missing or wrong.
    """
    where = f"data.sources.{name}"
    specs = {key: _spec(catalogue, key, f"{where}.variables") for key in config.variables}
    files = find_files(config.files, root, f"{where}.files")
    if config.calendar is not None and config.calendar not in CALENDARS:
        raise DataError(f"{where}.calendar: unknown calendar '{config.calendar}'.{nearest(config.calendar, CALENDARS)}")
    if config.crs is not None:
        check_crs(config.crs, f"{where}.crs")
    first = files[0].path
    with open_dataset(first, config.npz_key) as dataset:
        fields: dict[str, SourceField] = {}
        file_grid: Grid | None = None
        shape: tuple[int, int] | None = None
        for key, spec in specs.items():
            variable = config.variables[key]
            file_name = find_variable(dataset, key, variable, catalogue, first, f"{where}.variables.{key}")
            array = dataset[file_name]
            dims = find_dims(array, config.dims, first, f"{where}.dims")
            here = (array.sizes[dims.y], array.sizes[dims.x])
            if shape is not None and here != shape:
                raise DataError(
                    f"{first}: '{file_name}' has {here[0]} x {here[1]} cells, other variables of {where} have "
                    f"{shape[0]} x {shape[1]}; make it a source of its own."
                )
            shape = here
            file_grid = file_grid or read_grid(array, dims, config.crs or file_crs(dataset, array))
            fields[key] = _field(array, file_name, dims, spec, variable, first, f"{where}.variables.{key}")
        assert shape is not None
        calendar = config.calendar or _calendar(dataset, fields)
        read_times = _must_read_times(dataset, fields, files)
    native = _native_grid(config, file_grid, shape, like, first, where)
    factor = config.block_average or 1
    if min(native.shape) < factor:
        raise DataError(
            f"{where}.block_average: blocks of {factor} cells do not fit into {shape[0]} x {shape[1]} cells."
        )
    return Source(
        name=name,
        paths=tuple(file.path for file in files),
        fields=fields,
        file_grid=file_grid,
        native_grid=native,
        block_average=factor,
        grid=native.block_averaged(factor) if factor > 1 else native,
        calendar=calendar,
        index=_index(files, config, fields, read_times, calendar, time_match, where),
        flip_y=config.flip_y,
        npz_key=config.npz_key,
        handles=FileHandles(),
        origin={
            "pattern": config.files,
            "count": len(files),
            "calendar": calendar,
            "block_average": factor,
            "units": {key: field.units for key, field in fields.items()},
            "variables": {key: entry.model_dump(mode="json") for key, entry in config.variables.items()},
        },
    )


def _spec(catalogue: Catalogue, key: str, where: str) -> VariableSpec:
    try:
        return catalogue.get(key)
    except StrideError as exc:
        raise DataError(f"{where}: {exc}") from exc


def _field(
    array: xr.DataArray,
    name: str,
    dims: Dims,
    spec: VariableSpec,
    config: VariableConfig,
    path: Path,
    where: str,
) -> SourceField:
    file_units = array.attrs.get("units")
    file_units = None if file_units is None else str(file_units)
    units = config.units if config.units is not None else file_units
    if units is None:
        raise DataError(f"{path}: '{name}' has no units; set {where}.units (canonical units are '{spec.units}').")
    try:
        to_canonical = conversion(units, spec.units, config.accumulation)
    except DataError as exc:
        hint = f"set {where}.units"
        if config.accumulation is None and spec.units.endswith(("day-1", "s-1")):
            hint += " or, for an amount, accumulation (the period it was accumulated over, such as '1 day')"
        raise DataError(f"{path}: '{name}': {str(exc).rstrip('.')}; {hint}.") from exc
    expected = file_units if config.units is None else None
    return SourceField(spec, name, dims, expected, to_canonical, config.valid_min)


def _native_grid(
    config: SourceConfig, file_grid: Grid | None, shape: tuple[int, int], like: Source | None, path: Path, where: str
) -> Grid:
    """Grid of the values as read; stated coordinates describe the rows after flipping, a file's own before."""
    if like is not None:
        if like.native_grid.shape != shape:
            has = like.native_grid.shape
            raise DataError(
                f"{path}: has {shape[0]} x {shape[1]} cells, but {where}.like names '{like.name}' with {has[0]} x "
                f"{has[1]}; give a spacing instead."
            )
        return like.native_grid
    if config.spacing is not None:
        step = config.spacing
        return Grid.from_centres(
            step.y0 + step.y * np.arange(shape[0]),
            step.x0 + step.x * np.arange(shape[1]),
            y_attrs={"units": step.units, "axis": "Y"},
            x_attrs={"units": step.units, "axis": "X"},
            crs=config.crs,
        )
    if file_grid is None:
        raise DataError(
            f"{path}: has no coordinates along its rows and columns; set {where}.like to a source on the same grid, or "
            f"{where}.spacing, such as {{y: 2500, x: 2500}}."
        )
    if is_longitude(file_grid.x_attrs):
        x = unwrapped(file_grid.x)
        file_grid = dataclasses.replace(file_grid, x=x, x_edges=Grid.from_centres(file_grid.y, x).x_edges)
    return file_grid.flipped_y() if config.flip_y else file_grid


def _time_name(dataset: xr.Dataset, fields: Mapping[str, SourceField]) -> str | None:
    """Name of the time coordinate: the dimension's, otherwise a scalar one's."""
    for field in fields.values():
        if field.dims.time is not None:
            return field.dims.time
    scalars = [str(name) for name in dataset.coords if dataset[name].ndim == 0]
    return next((name for name in scalars if " since " in str(dataset[name].attrs.get("units", ""))), None)


def _calendar(dataset: xr.Dataset, fields: Mapping[str, SourceField]) -> str:
    time = _time_name(dataset, fields)
    return str(dataset[time].attrs.get("calendar", "standard")) if time is not None and time in dataset else "standard"


def _must_read_times(dataset: xr.Dataset, fields: Mapping[str, SourceField], files: list[FoundFile]) -> bool:
    """Whether times must be read from the files: their names have no date, or they hold several times each."""
    time = _time_name(dataset, fields)
    lengths = [dataset[f.name].sizes[f.dims.time] for f in fields.values() if f.dims.time is not None]
    if files[0].stamp is not None:
        return max(lengths, default=1) > 1
    return time is not None


def _index(
    files: list[FoundFile],
    config: SourceConfig,
    fields: Mapping[str, SourceField],
    read_times: bool,
    calendar: str,
    time_match: str,
    where: str,
) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for number, file in enumerate(files):
        if read_times:
            stamps = _times_of(file.path, config, fields, calendar)
        else:
            stamps = [file.stamp] if file.stamp is not None else []
        for position, stamp in enumerate(stamps):
            time = by_date(stamp) if time_match == "date" else stamp
            if time in places:
                other = files[places[time][0]].path
                both = (
                    f"{other}: holds the time {time} twice"
                    if other == file.path
                    else (f"{other} and {file.path} both hold the time {time}")
                )
                hint = "; several times a day need data.time_match: exact" if time != stamp else ""
                raise DataError(f"{both}; remove one or narrow {where}.files{hint}.")
            places[time] = (number, position)
    return dict(sorted(places.items()))


def _times_of(path: Path, config: SourceConfig, fields: Mapping[str, SourceField], calendar: str) -> list[str]:
    with open_dataset(path, config.npz_key) as dataset:
        time = _time_name(dataset, fields)
        if time is None:
            return []
        if time not in dataset:
            raise DataError(f"{path}: dimension '{time}' has no coordinate; put the date into the file pattern.")
        units: Any = dataset[time].attrs.get("units")
        if units is None:
            raise DataError(f"{path}: the coordinate '{time}' has no units such as 'days since 1970-01-01'; add them.")
        try:
            values = np.atleast_1d(dataset[time].values)
        except Exception as exc:
            raise unreadable(path, exc) from exc
        return decode_times(values, str(units), calendar, str(path))
