"""A scanned source: what its files hold, and reading it field by field in canonical units."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box
from stride_vars.spec import VariableSpec

from stride_data.discovery.cache import FieldCache
from stride_data.discovery.cf_names import Dims
from stride_data.discovery.field_checks import check_field
from stride_data.discovery.grids import Grid
from stride_data.discovery.open_files import FileHandles, unreadable
from stride_data.discovery.selection import Selection, select
from stride_data.errors import DataError
from stride_data.regridding.regridding import Regridding
from stride_data.units import UnitConversion

if TYPE_CHECKING:
    import xarray as xr

    from stride_data.discovery.remote import Location

# Times that share a compressed chunk are read together, up to this many bytes of decoded values.
_READ_TOGETHER = 256 * 2**20

# HDF5 is not safe to use from several threads.
_LOCK = threading.RLock()


@dataclass(frozen=True)
class SourceField:
    """How one variable stands in a source's files.

    Attributes:
        spec: The variable.
        name: Its name in the files.
        dims: Its dimensions.
        file_units: The units attribute that all files must have; None where the configuration states the units.
        conversion: From the units in the files to canonical ones.
        valid_min: Values below are set to it; canonical units.
        selection: Where along its further dimensions the values are taken.
    """

    spec: VariableSpec
    name: str
    dims: Dims
    file_units: str | None
    conversion: UnitConversion
    valid_min: float | None
    selection: Selection = field(default_factory=dict)

    @property
    def units(self) -> str:
        """Units in the files, with the accumulation period if there is one."""
        return self.conversion.source


@dataclass(frozen=True)
class Source:
    """One set of files on one grid.

    Attributes:
        name: The user's name for it.
        paths: Its files.
        fields: By catalogue key.
        file_grid: Coordinates as they stand in the first file; None when the files carry none.
        native_grid: Grid of the values as read, rows flipped if asked for.
        block_average: Edge length of the blocks that are averaged.
        grid: Grid of the fields handed out: ``native_grid``, its blocks, or the grid that fields are brought to.
        calendar: CF calendar of the times.
        index: For each time, in order, which file and which position in it.
        flip_y: Whether rows are reversed.
        npz_key: Array of ``.npz`` files.
        handles: Files kept open.
        origin: What its values come from, JSON-able.
        regridding: How fields are brought to another grid, if they are.
        read_along: Keys of the fields that are read whenever one of them is: one opening serves all.
        cache: Decoded fields; sources of one configuration share it.
    """

    name: str
    paths: tuple[Location, ...]
    fields: dict[str, SourceField]
    file_grid: Grid | None
    native_grid: Grid
    block_average: int
    grid: Grid
    calendar: str
    index: dict[str, tuple[int, int]]
    flip_y: bool
    npz_key: str | None
    handles: FileHandles
    origin: Mapping[str, Any] = field(default_factory=dict)
    regridding: Regridding | None = None
    read_along: tuple[str, ...] = ()
    cache: FieldCache = field(default_factory=lambda: FieldCache(0))

    @property
    def times(self) -> tuple[str, ...]:
        """ISO times in order; empty when the source has none."""
        return tuple(self.index)

    def has_time(self, time: str) -> bool:
        """Whether the source holds a time."""
        return time in self.index

    def place(self, time: str | None = None) -> str:
        """The file that holds a time; the first one without a time."""
        return str(self.paths[self.index[time][0] if time is not None else 0])

    def read_box(self, key: str, time: str, box: Box) -> NDArray[np.float32]:
        """View of a variable at a time in a box, [height, width], read-only; whole fields are decoded and kept.

        Raises:
            DataError: If the source has no such time, or its file cannot be read.
        """
        wanted = (self.name, key, time)
        kept = self.cache.get(wanted)
        if kept is None:
            if time not in self.index:
                raise DataError(f"source {self.name} has no time {time}; choose one that all its channels have.")
            read = self.read(time, list(dict.fromkeys([key, *self.read_along])))
            # The field asked for goes in last, so that the others of its chunk cannot push it out.
            for (at, other), values in read.items():
                if (self.name, other, at) != wanted:
                    self.cache.put((self.name, other, at), values)
            kept = read[time, key]
            self.cache.put(wanted, kept)
        return kept[box.slices]

    def read_static_box(self, key: str, box: Box) -> NDArray[np.float32]:
        """View of a variable without time in a box, [height, width], read-only.

        Raises:
            DataError: If the variable changes with time, or its file cannot be read.
        """
        kept = self.cache.get((self.name, key))
        if kept is None:
            kept = self.read_static(key)
            self.cache.put((self.name, key), kept)
        return kept[box.slices]

    def limit_memory(self, limit_bytes: int) -> None:
        """Keep decoded fields only up to this size, together with the other sources of the configuration."""
        self.cache.limit_bytes = limit_bytes

    def read(self, time: str, keys: Sequence[str]) -> dict[tuple[str, str], NDArray[np.float32]]:
        """Read fields of one time, and of times that share its compressed chunk.

        Args:
            time: One of ``times``.
            keys: Catalogue keys.

        Returns:
            Fields [H, W] by (time, key), missing values NaN.

        Raises:
            DataError: If the file cannot be read or differs from the first one; the file is named.
        """
        file_number, position = self.index[time]
        path = self.paths[file_number]
        result: dict[tuple[str, str], NDArray[np.float32]] = {}
        many = len(self.index) > len(self.paths)
        with _LOCK, self.handles.opened(path, self.npz_key, keep=many) as dataset:
            for key in keys:
                found = self.fields[key]
                array = self._array(dataset, found, path)
                start, stop = _read_together(array, found.dims.time, position)
                values = self._decoded(array, found, start, stop, path)
                for offset in range(stop - start):
                    result[self._time_at[file_number, start + offset], key] = values[offset]
        return result

    def read_static(self, key: str) -> NDArray[np.float32]:
        """Read a field without time, [H, W].

        Raises:
            DataError: If the field changes with time, or the file cannot be read.
        """
        path, field = self.paths[0], self.fields[key]
        with _LOCK, self.handles.opened(path, self.npz_key, keep=False) as dataset:
            array = self._array(dataset, field, path)
            timed = field.dims.time is not None
            # Without a time dimension a field of many files still changes where the files' names date it.
            dated = not timed and all(other.dims.time is None for other in self.fields.values())
            if (len(self.paths) > 1 and (timed or dated)) or (timed and array.sizes[field.dims.time] > 1):
                raise DataError(
                    f"{path}: '{field.name}' has several times, so {self.name}.{key} cannot be static; list it under "
                    "data.dynamic or give a file with one time."
                )
            return self._decoded(array, field, 0, 1, path)[0]

    @functools.cached_property
    def _time_at(self) -> dict[tuple[int, int], str]:
        return {place: time for time, place in self.index.items()}

    def _array(self, dataset: xr.Dataset, field: SourceField, path: Location) -> xr.DataArray:
        """The variable of a file, checked against what the first file promised."""
        if field.name not in dataset:
            raise DataError(f"{path}: has no variable '{field.name}', unlike {self.paths[0].name}; replace the file.")
        where = f"data.sources.{self.name}.variables.{field.spec.key}"
        array = select(dataset[field.name], field.selection, path, where)
        units = array.attrs.get("units")
        if field.file_units is not None and units != field.file_units:
            here = "has no units" if units is None else f"is in '{units}'"
            raise DataError(
                f"{path}: '{field.name}' {here} but is in '{field.file_units}' in {self.paths[0].name}; make the files "
                "agree, or state the units of all of them in the configuration."
            )
        dims, shape = field.dims, self.native_grid.shape
        got = tuple(array.sizes.get(dim, 0) for dim in (dims.y, dims.x))
        if got != shape:
            raise DataError(
                f"{path}: '{field.name}' has {got[0]} x {got[1]} cells but {shape[0]} x {shape[1]} in "
                f"{self.paths[0].name}; the files of a source must share one grid."
            )
        if self.file_grid is not None and path != self.paths[0] and dims.y in array.coords and dims.x in array.coords:
            here = Grid.from_centres(array[dims.y].values, array[dims.x].values)
            if not here.same_as(self.file_grid):
                raise DataError(
                    f"{path}: its coordinates {dims.y}, {dims.x} differ from those in {self.paths[0].name}; the files "
                    "of a source must share one grid."
                )
        return array

    def _decoded(
        self, array: xr.DataArray, field: SourceField, start: int, stop: int, path: Location
    ) -> NDArray[np.float32]:
        """Values [T, H, W] in canonical units on the source's grid."""
        dims = field.dims
        if dims.time is not None:
            array = array.isel({dims.time: slice(start, stop)})
        array = array.squeeze([dim for dim in array.dims if dim not in (dims.time, dims.y, dims.x)], drop=True)
        order = [dim for dim in (dims.time, dims.y, dims.x) if dim is not None]
        try:
            raw = array.transpose(*order).values
        except DataError:
            raise
        except Exception as exc:
            raise unreadable(path, exc) from (exc if isinstance(path, Path) else None)
        values = field.conversion.apply(raw.reshape(-1, *self.native_grid.shape))
        values = check_field(values, field.spec, field.valid_min, f"{path}: '{field.name}'", self.name)
        if self.flip_y:
            values = values[:, ::-1]
        if self.regridding is not None:
            return self.regridding.apply(values)
        if self.block_average > 1:
            return block_mean(values, self.block_average)
        return np.ascontiguousarray(values)


def block_mean(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean over blocks of ``factor`` by ``factor`` cells; a block with a missing cell is missing.

    Args:
        values: Shape [..., H, W]; rows and columns of an incomplete last block are dropped.
        factor: Edge length of a block.

    Returns:
        Shape [..., H // factor, W // factor].
    """
    rows, columns = values.shape[-2] // factor, values.shape[-1] // factor
    cut = values[..., : rows * factor, : columns * factor]
    blocks = cut.reshape(*values.shape[:-2], rows, factor, columns, factor)
    return blocks.mean(axis=(-3, -1), dtype=np.float64).astype(np.float32)


def _read_together(array: xr.DataArray, time: str | None, position: int) -> tuple[int, int]:
    """First and last position (exclusive) of the times to read in one go with ``position``."""
    if time is None:
        return 0, 1
    chunk = int(array.encoding.get("preferred_chunks", {}).get(time, 1))
    cells = int(np.prod([size for dim, size in array.sizes.items() if dim != time]))
    length = max(1, min(chunk, _READ_TOGETHER // (8 * max(cells, 1))))
    start = (position // chunk) * chunk + ((position % chunk) // length) * length
    return start, min(start + length, (position // chunk + 1) * chunk, array.sizes[time])
