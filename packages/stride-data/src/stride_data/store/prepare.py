"""Writing a training store: shard by shard, each whole or not at all, so that it can be stopped at any moment."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stride_vars.regions import Box

from stride_data.errors import DataError
from stride_data.statistics.compute import Progress
from stride_data.store.identity import identity
from stride_data.store.layout import TILE, Compression, Layout
from stride_data.store.needs import needs_of
from stride_data.store.record import SourcePlan
from stride_data.store.skeleton import StorePlan, check_target, write_skeleton
from stride_data.store.tiles import read_index

if TYPE_CHECKING:
    from stride_data.adapter import GriddedAdapter

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file is too large",
}
_FORBIDDEN = {
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
}


def plan_store(adapter: GriddedAdapter, *, tile: int = TILE, compression: Compression = "none") -> StorePlan:
    """What a store of a configuration holds.

    Args:
        adapter: The configuration's, reading its archive.
        tile: Wished edge length of a tile, in cells.
        compression: Of the tiles.
    """
    needs = needs_of(adapter)
    sources = {name: SourcePlan.of(source, needs[name], tile) for name, source in adapter.sources.items()}
    return StorePlan(sources, identity(adapter.config), compression)


@dataclass(frozen=True)
class Prepared:
    """What ``prepare_store`` found and did.

    Attributes:
        shards: Number of all shards.
        there: Shards that were there, whole, before.
        bytes: Bytes of all shards, uncompressed.
    """

    shards: int
    there: int
    bytes: int


def prepare_store(
    plan: StorePlan,
    path: str | Path,
    *,
    progress: Progress | None = None,
    announce: Callable[[Prepared], None] | None = None,
) -> Prepared:
    """Write a store, or what is missing of it.

    Every shard is written under a temporary name and then renamed, so that what bears a shard's name is whole, whenever
    this was stopped. Called again it writes only what is missing; the store is then the same as if it had not been
    stopped.

    Args:
        plan: The store.
        path: Its folder.
        progress: Told after each shard.
        announce: Told what is going to be written before it begins.

    Raises:
        DataError: If another store or something else is there, another process writes it, the disk has too little room,
            or must not be written to.
    """
    path = Path(path)
    with _sentences(path):
        existing = check_target(plan, path)
        if not existing:
            _check_room(plan, plan.bytes, path)
            write_skeleton(plan, path)
        with _locked(path):
            _remove_leftovers(path)
            missing = {name: _missing(source, path / name) for name, source in plan.sources.items()}
            open_shards = sum(len(found) for found in missing.values())
            found = Prepared(plan.shards, plan.shards - open_shards, plan.bytes)
            if open_shards:
                _check_room(plan, plan.bytes * open_shards // plan.shards, path)
            if announce is not None:
                announce(found)
            done = found.there
            for name, source in plan.sources.items():
                for _ in _fill(source, path / name, missing[name]):
                    done += 1
                    if progress is not None:
                        progress(done, plan.shards)
    return found


def _missing(plan: SourcePlan, folder: Path) -> set[tuple[str, int]]:
    """Arrays and numbers of the shards that are not there, or not whole."""
    return {
        (array, number)
        for array, (_, timed) in plan.arrays.items()
        for number in range(_layout(plan, timed).shards(len(plan.need.times) if timed else 1))
        if not _is_whole(_shard(folder / array, number, timed), _layout(plan, timed))
    }


def _layout(plan: SourcePlan, timed: bool) -> Layout:
    layout = plan.layout if timed else plan.static_layout
    assert layout is not None
    return layout


def _shard(array: Path, number: int, timed: bool) -> Path:
    return array / "c" / str(number) / "0" / "0" if timed else array / "c" / "0" / "0"


def _is_whole(path: Path, layout: Layout) -> bool:
    """Whether a shard is there and its index fits its length; the tiles are not read."""
    rows, columns = layout.tiles
    try:
        with path.open("rb") as file:
            read_index(file, layout.shard_times * rows * columns, str(path))
    except (FileNotFoundError, DataError):
        return False
    return True


def _fill(plan: SourcePlan, folder: Path, missing: set[tuple[str, int]]) -> Iterator[None]:
    """Write the missing shards of a source; yields after each."""
    import zarr

    box = plan.need.box
    if not missing or box is None:
        return
    # A shard whose values are all missing is written too: a file that is not there is then always one to be written.
    with zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.open_group(folder, mode="r+")
        for array, (key, timed) in plan.arrays.items():
            if not timed and (array, 0) in missing:
                _write(group[array], ..., plan.source.read_static_box(key, box), _shard(folder / array, 0, timed))
                yield
        if plan.layout is None:
            return
        length, times = plan.layout.shard_times, plan.need.times
        for number in range(plan.layout.shards(len(times))):
            arrays = {array: key for array, (key, timed) in plan.arrays.items() if timed and (array, number) in missing}
            some = times[number * length : (number + 1) * length]
            for array, values in _read(plan, arrays, some, box).items():
                begin = number * length
                _write(group[array], slice(begin, begin + len(some)), values, _shard(folder / array, number, True))
                yield


def _read(plan: SourcePlan, arrays: dict[str, str], times: tuple[str, ...], box: Box) -> dict[str, np.ndarray]:
    """Fields of some times, all variables of a time together, since files hold several."""
    values = {array: np.empty((len(times), *box.shape), np.float32) for array in arrays}
    for position, time in enumerate(times if arrays else ()):
        for array, key in arrays.items():
            values[array][position] = plan.source.read_box(key, time, box)
    return values


def _write(array: Any, where: Any, values: np.ndarray, shard: Path) -> None:
    # zarr would read a damaged shard before it writes into it.
    shard.unlink(missing_ok=True)
    array[where] = values


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed process left under temporary names; zarr's end in ``.partial``."""
    for leftover in path.rglob("*.partial"):
        leftover.unlink(missing_ok=True)


def _check_room(plan: StorePlan, needed: int, path: Path) -> None:
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise DataError(f"--out {path}: {existing} is a file, not a folder; choose another path.")
    if not os.access(existing, os.W_OK):
        raise DataError(f"--out {path}: {existing} must not be written to; choose another path.")
    free = shutil.disk_usage(existing).free
    # How much compression saves is not known before.
    if plan.compression == "none" and needed > free:
        raise DataError(
            f"--out {path}: {needed / 1e9:.3g} GB are to be written, but only {free / 1e9:.3g} GB are free there; free "
            "some space, choose another path, or give --compression zstd."
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a second process from writing the same store; a killed process leaves no lock behind."""
    try:
        import fcntl
    except ImportError:  # not on this system
        yield
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"--out {path}: another process is writing this store; let it finish.") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into a sentence."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise DataError(
                f"--out {path}: {_FULL[exc.errno]}; free some space and give the same command again, which goes on "
                "from here."
            ) from exc
        if exc.errno in _FORBIDDEN:
            raise DataError(f"--out {path}: {_FORBIDDEN[exc.errno]}; choose another path.") from exc
        raise
