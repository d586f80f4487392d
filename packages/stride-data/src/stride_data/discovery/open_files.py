"""Opening NetCDF files, Zarr stores and ``.npz`` arrays as one kind of object."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stride_data.discovery.classic_netcdf import bytes_by_header, expected_bytes, is_classic
from stride_data.discovery.remote import open_remote, reason_of, remote_exists, remote_problem, zarr_store
from stride_data.errors import DataError

if TYPE_CHECKING:
    import xarray as xr
    from upath import UPath

    from stride_data.discovery.remote import Location

# Fields are taken by position, and building the indexes takes longer than opening a file of one time.
_LAZILY: dict[str, Any] = {"decode_times": False, "cache": False, "create_default_indexes": False}


def is_zarr(path: Location) -> bool:
    """Whether a path is a Zarr store."""
    if path.suffix == ".zarr":
        return True
    if isinstance(path, Path):
        return (path / "zarr.json").exists() or (path / ".zgroup").exists()
    # Every look at a remote store is a request, so that files with an ending are taken for files.
    return path.suffix == "" and any(remote_exists(path / name) for name in ("zarr.json", ".zgroup"))


def open_dataset(path: Location, npz_key: str | None = None) -> xr.Dataset:
    """Open a file lazily, values unpacked and missing ones NaN, times left as numbers.

    Args:
        path: NetCDF file, Zarr store or ``.npz`` file, here or on a remote store.
        npz_key: Array of an ``.npz`` file; the only one when omitted.

    Returns:
        The dataset; an ``.npz`` array has dimensions ([time,] y, x), no coordinates and the key as its name.

    Raises:
        DataError: If the file cannot be read.
    """
    import xarray as xr

    if isinstance(path, Path) and not path.exists():
        raise DataError(f"{path}: there is no such file; it was there when the data were scanned, put it back.")
    if path.suffix == ".npz":
        return _open_npz(path, npz_key)
    try:
        if is_zarr(path):
            with warnings.catch_warnings():
                # A store without consolidated metadata is opened all the same.
                warnings.simplefilter("ignore", RuntimeWarning)
                store: Any = path if isinstance(path, Path) else zarr_store(path)
                return xr.open_dataset(store, engine="zarr", **_LAZILY)
        if not isinstance(path, Path):
            return _open_remote_netcdf(path)
        expected = expected_bytes(path)
        if expected is not None and path.stat().st_size < expected:
            raise unreadable(path, ValueError(f"{path.stat().st_size} of {expected} bytes are there"))
        return xr.open_dataset(path, engine="netcdf4", **_LAZILY)
    except DataError:
        raise
    except Exception as exc:
        raise unreadable(path, exc) from (exc if isinstance(path, Path) else None)


def _open_remote_netcdf(path: UPath) -> xr.Dataset:
    """HDF5 is read part by part where it stands; classic files, which have no such reader, come whole into memory."""
    import netCDF4
    import xarray as xr
    from xarray.backends import NetCDF4DataStore

    file = open_remote(path)
    start = file.read(4)
    file.seek(0)
    if is_classic(start) and not isinstance(file, io.BytesIO):
        file = open_remote(path, whole=True)
    if not isinstance(file, io.BytesIO):
        missing = [name for name in ("h5netcdf", "h5py") if importlib.util.find_spec(name) is None]
        if missing:
            raise DataError(
                f"{path}: reading parts of a remote NetCDF file needs {' and '.join(missing)}; install "
                "stride-data[remote]."
            )
        return xr.open_dataset(file, engine="h5netcdf", phony_dims="access", **_LAZILY)
    expected, content = bytes_by_header(file), file.getvalue()
    if expected is not None and len(content) < expected:
        raise unreadable(path, ValueError(f"{len(content)} of {expected} bytes are there"))
    opened = netCDF4.Dataset("remote", mode="r", memory=content)
    return xr.open_dataset(NetCDF4DataStore(opened), **_LAZILY)


def _open_npz(path: Location, npz_key: str | None) -> xr.Dataset:
    import numpy as np
    import xarray as xr

    try:
        file = path if isinstance(path, Path) else open_remote(path, whole=True)
        with np.load(file, allow_pickle=False) as archive:
            keys = list(archive.files)
            key = npz_key if npz_key is not None else keys[0] if len(keys) == 1 else None
            if key is None or key not in keys:
                wanted = f"no array '{npz_key}'" if npz_key else "several arrays"
                raise DataError(f"{path}: has {wanted}; set the source's npz_key to one of {', '.join(keys)}.")
            values = archive[key]
    except DataError:
        raise
    except Exception as exc:
        raise unreadable(path, exc) from exc
    if values.ndim not in (2, 3) or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: array '{key}' has shape {values.shape} and type {values.dtype}; numbers of shape (y, x) or "
            "(time, y, x) are needed."
        )
    return xr.Dataset({key: (("time", "y", "x")[-values.ndim :], values)})


def unreadable(path: Location, exc: Exception) -> DataError:
    """The error for a file that the library cannot read."""
    from_store = remote_problem(path, exc)
    if from_store is not None:
        return from_store
    reason = reason_of(exc, {} if isinstance(path, Path) else path.storage_options)
    kind = "an .npz file" if path.suffix == ".npz" else "a Zarr store" if is_zarr(path) else "a NetCDF file"
    return DataError(f"{path}: cannot be read ({reason}); it is cut short or not {kind}, fetch it again.")


class FileHandles:
    """The files opened last, kept open so that reading the next time of a long file does not parse its header again.

    Handles are never used across a fork and never pickled: every process opens its own.
    """

    def __init__(self, limit: int = 4) -> None:
        """Keep at most ``limit`` files open."""
        self._limit = limit
        self._pid = os.getpid()
        self._open: OrderedDict[tuple[Location, str | None], xr.Dataset] = OrderedDict()

    @contextlib.contextmanager
    def opened(self, path: Location, npz_key: str | None, *, keep: bool) -> Iterator[xr.Dataset]:
        """Use a file, from the ones kept open if it is there.

        Args:
            path: The file.
            npz_key: Array of an ``.npz`` file.
            keep: Whether to keep it open: worth it for files with many times.
        """
        if not keep:
            with open_dataset(path, npz_key) as dataset:
                yield dataset
            return
        if self._pid != os.getpid():
            self._open, self._pid = OrderedDict(), os.getpid()
        key = (path, npz_key)
        if key not in self._open:
            self._open[key] = open_dataset(path, npz_key)
            while len(self._open) > self._limit:
                _, oldest = self._open.popitem(last=False)
                oldest.close()
        self._open.move_to_end(key)
        yield self._open[key]

    def __getstate__(self) -> dict[str, int]:
        return {"limit": self._limit}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__init__(state["limit"])
