"""Sources that read from a training store instead of the archive it was prepared from."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.discovery.remote import reason_of
from stride_data.errors import DataError
from stride_data.store.record import StoredField
from stride_data.store.tiles import MappedArray, ShardMaps
from stride_data.urls import is_url


class StoredArray(Protocol):
    """An array of fields that hands out crops."""

    def read(self, time: int, y0: int, y1: int, x0: int, x1: int, out: NDArray[np.float32]) -> None:
        """Copy rows ``y0`` to ``y1`` and columns ``x0`` to ``x1`` (both exclusive) at a position in time to ``out``."""
        ...


class ZarrArray:
    """Any Zarr array, read by zarr-python; opened anew in every process."""

    def __init__(self, store: str, name: str, options: Mapping[str, Any] | None = None) -> None:
        """Name the array, with the options of a remote store; it is opened when it is first read."""
        self.store, self.name, self.options = store, name, options or {}
        self._opened: tuple[int, Any] | None = None

    def read(self, time: int, y0: int, y1: int, x0: int, x1: int, out: NDArray[np.float32]) -> None:
        """Copy rows and columns at a position in time to ``out``.

        Raises:
            DataError: If the store cannot be read.
        """
        import zarr

        try:
            if self._opened is None or self._opened[0] != os.getpid():
                options = dict(self.options) or None
                opened = zarr.open_array(self.store, path=self.name, mode="r", storage_options=options)
                self._opened = (os.getpid(), opened)
            array = self._opened[1]
            where = (slice(y0, y1), slice(x0, x1))
            out[...] = array[(time, *where) if array.ndim == 3 else where]
        except Exception as exc:
            raise DataError(
                f"{self.store}: {self.name} cannot be read ({reason_of(exc, self.options)}); check the connection (a "
                "server must give byte ranges), or run `stride-data prepare` again where the store was made."
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        return {"store": self.store, "name": self.name, "options": self.options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)


class StoreSource:
    """One source of a store, by the archive's own names, times, grid and indices.

    Attributes:
        name: The user's name for it.
        fields: Its variables by catalogue key.
        grid: Grid of the archive.
        calendar: CF calendar of the times.
        times: ISO times of the archive, stored or not.
        origin: What its values come from, JSON-able.
        box: Cells that are stored; None when no field is.
        stored: ISO times that are stored.
    """

    def __init__(
        self,
        name: str,
        fields: Mapping[str, StoredField],
        grid: Grid,
        calendar: str,
        times: tuple[str, ...],
        origin: Mapping[str, Any],
        *,
        store: str,
        box: Box | None,
        stored: tuple[str, ...],
        timed: Mapping[str, StoredArray],
        static: Mapping[str, StoredArray],
    ) -> None:
        """``open_store`` makes them."""
        self.name, self.fields, self.grid, self.calendar = name, fields, grid, calendar
        self.times, self.origin = times, origin
        self.box, self.stored = box, stored
        self._store = store
        self._all = frozenset(times)
        self._positions = {time: position for position, time in enumerate(stored)}
        self._timed, self._static = dict(timed), dict(static)
        self._edges = (0, 0, 0, 0) if box is None else (box.y, box.x, box.y + box.height, box.x + box.width)
        self._whole: dict[str, NDArray[np.float32]] = {}

    def has_time(self, time: str) -> bool:
        """Whether the archive holds a time."""
        return time in self._all

    def place(self, time: str | None = None) -> str:
        """The store."""
        return self._store

    def limit_memory(self, limit_bytes: int) -> None:
        """Nothing is kept decoded: mapped files lie in the operating system's cache, which all processes share."""

    def read_box(self, key: str, time: str, box: Box) -> NDArray[np.float32]:
        """Values of a variable at a time in a box of the archive's grid, [height, width].

        Raises:
            DataError: If the store lacks the variable, the time or cells, or a shard is missing or damaged.
        """
        values = np.empty(box.shape, np.float32)
        self.read_into(values, key, time, box)
        return values

    def read_into(self, out: NDArray[np.float32], key: str, time: str, box: Box) -> None:
        """As ``read_box``, copied straight to where the values are wanted, [height, width]."""
        position = self._positions.get(time)
        array = self._timed.get(key)
        if position is None or array is None:
            raise self._lacks(key if array is None else f"the time {time}")
        array.read(position, *self._inside(box), out)

    def read_static_box(self, key: str, box: Box) -> NDArray[np.float32]:
        """View of a variable without time in a box, [height, width], read-only; the whole field is kept in memory.

        Raises:
            DataError: If the store lacks the variable or cells, or its shard is missing or damaged.
        """
        y0, y1, x0, x1 = self._inside(box)
        whole = self._whole.get(key)
        if whole is None:
            array = self._static.get(key)
            if array is None or self.box is None:
                raise self._lacks(f"{key} without time")
            whole = np.empty(self.box.shape, np.float32)
            array.read(0, 0, self.box.height, 0, self.box.width, whole)
            whole.setflags(write=False)
            self._whole[key] = whole
        return whole[y0:y1, x0:x1]

    def holds(self, key: str, *, timed: bool) -> bool:
        """Whether a variable is stored, with or without time."""
        return key in (self._timed if timed else self._static)

    def _inside(self, box: Box) -> tuple[int, int, int, int]:
        """First and last row and column (exclusive) of a box in the stored arrays."""
        first_row, first_column, last_row, last_column = self._edges
        y, x = box.y, box.x
        if y < first_row or x < first_column or y + box.height > last_row or x + box.width > last_column:
            raise self._lacks(f"cells of the box {box}")
        return y - first_row, y - first_row + box.height, x - first_column, x - first_column + box.width

    def _lacks(self, what: str) -> DataError:
        return lacking(self._store, self.name, what)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_whole": {}}


def lacking(store: str, source: str, what: str) -> DataError:
    """The error for what a store does not hold."""
    return DataError(
        f"{store}: this store lacks {what} of source {source}; prepare one of this configuration with `stride-data "
        "prepare`, or leave data.store out."
    )


def open_array(
    store: str, name: str, metadata: Mapping[str, Any], maps: ShardMaps, options: Mapping[str, Any]
) -> StoredArray:
    """The quickest reader of an array.

    Args:
        store: Path or URL of the store.
        name: Path of the array in it.
        metadata: The array's ``zarr.json``.
        maps: Where shards are kept mapped.
        options: Of a remote store's file system.
    """
    if is_local(store):
        mapped = MappedArray.of(Path(store) / name, metadata, maps)
        if mapped is not None:
            return mapped
    return ZarrArray(store, name, None if is_local(store) else options)


def is_local(store: str) -> bool:
    """Whether a store is a folder of this machine's file systems."""
    return not is_url(store)


def shard_names(metadata: Mapping[str, Any]) -> list[str]:
    """Names of all shards of an array, in its folder."""
    shape, shard = metadata["shape"], metadata["chunk_grid"]["configuration"]["chunk_shape"]
    counts = [math.ceil(size / edge) for size, edge in zip(shape, shard, strict=True)]
    return ["/".join(["c", *map(str, place)]) for place in np.ndindex(*counts)]
