"""A foreign file as xarray sees it: packed numbers unpacked, missing ones NaN, times left as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError, nearest

from stride_eval.errors import EvalError


@contextmanager
def opened(path: Path, group: str | None) -> Iterator[xr.Dataset]:
    """A NetCDF file or Zarr store, read lazily and closed at the end; nothing of it is kept in memory.

    Raises:
        EvalError: a file that cannot be read, or has no such group.
    """
    how: dict[str, Any] = {"engine": "zarr", "consolidated": False} if path.is_dir() else {"engine": "netcdf4"}
    try:
        dataset = xr.open_dataset(
            path, group=group, decode_times=False, decode_timedelta=False, chunks=None, cache=False, **how
        )
    except Exception as error:  # every backend raises its own kinds for damaged files
        what = "Zarr store" if path.is_dir() else "NetCDF file"
        inside = f", group '{group}'" if group else ""
        raise EvalError(
            f"{str(path)!r}{inside} cannot be read as a {what} ({' '.join(str(error).split())[:200]}); it may be "
            "damaged, or of another format"
        ) from error
    with dataset:
        yield dataset


def find_variable(dataset: xr.Dataset, key: str, name: str | None, catalogue: Catalogue, where: str, path: Path) -> str:
    """Name under which a file carries a variable.

    Args:
        dataset: the opened file.
        key: STRIDE's key.
        name: the file's name, where the configuration gives it.
        catalogue: where names are resolved otherwise.
        where: key of the configuration, for errors.
        path: the file, for errors.

    Raises:
        EvalError: no variable, or more than one, fits.
    """
    present = [str(known) for known in dataset.data_vars]
    if name is not None:
        if name not in present:
            raise EvalError(
                f"{str(path)!r} has no variable '{name}', which {where}.name asks for.{nearest(name, present)}"
            )
        return name
    found = [known for known in present if _means(dataset[known], key, catalogue)]
    if len(found) != 1:
        what = f"{', '.join(found)} all mean '{key}'" if found else f"no variable means '{key}'"
        raise EvalError(f"{str(path)!r}: {what}; set {where}.name to one of {', '.join(found or present) or 'none'}")
    return found[0]


def _means(array: xr.DataArray, key: str, catalogue: Catalogue) -> bool:
    for text in (array.name, array.attrs.get("standard_name")):
        try:
            if isinstance(text, str) and catalogue.resolve(text).key == key:
                return True
        except StrideError:
            continue
    return False
