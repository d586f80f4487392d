"""``stride-eval export``: a saved ensemble's Zarr store as one NetCDF4 file of the same groups and values."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from stride_vars.ensemble_format import validate_layout
from stride_vars.errors import StrideError

from stride_eval.errors import EvalError
from stride_eval.progress import Progress, silent
from stride_eval.written_whole import check_ensemble_replaceable, written_whole

COMPRESSION = 4
"""zlib level: beyond it files hardly shrink."""


def export_netcdf(store: Path, out: Path, progress: Progress = silent) -> Path:
    """Writes the NetCDF4 file of a saved ensemble; values are the store's bit for bit.

    A field is in memory at a time (a chunk of the store, where its chunks hold several). What lies at ``out`` is
    replaced by the finished file only.

    Args:
        store: a saved ensemble as a Zarr store.
        out: the file.
        progress: told of each variable.

    Returns:
        ``out``.

    Raises:
        EvalError: no saved ensemble at ``store``, or something else than a saved ensemble at ``out``.
    """
    check_ensemble_replaceable(out)
    with written_whole(out) as fresh:
        write_netcdf(store, fresh, progress)
    return out


def write_netcdf(store: Path, path: Path, progress: Progress = silent) -> None:
    """Writes the file in place; see ``export_netcdf``."""
    groups, attrs = _read(store)
    variables = [(group, str(name)) for group, dataset in groups.items() for name in dataset.variables]
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        _set_attrs(file, attrs)
        for group, dataset in groups.items():
            inside = file.createGroup(group)
            _set_attrs(inside, dataset.attrs)
            for dim, size in dataset.sizes.items():
                inside.createDimension(str(dim), size)
        for done, (group, name) in enumerate(variables):
            progress(done, len(variables), f"exporting {group}/{name}")
            _copy(file[group], name, groups[group].variables[name], where=f"/{group}/{name} of {str(store)!r}")
    progress(len(variables), len(variables), "exported")


def _read(store: Path) -> tuple[dict[str, xr.Dataset], Mapping[Any, Any]]:
    """Groups with numbers and attributes as they are stored, nothing decoded, and the root's attributes."""
    if not (store / "zarr.json").is_file():
        what = "nothing lies" if not store.exists() else "there is no Zarr store"
        raise EvalError(f"{what} at {str(store)!r}; give the path of a saved ensemble (a Zarr store)")
    try:
        tree = xr.open_datatree(store, engine="zarr", consolidated=False, decode_cf=False, cache=False)
    except Exception as error:  # every backend raises its own kinds for damaged files
        raise EvalError(
            f"{str(store)!r} cannot be read as a Zarr store ({' '.join(str(error).split())[:200]}); it may be damaged "
            "or half-written: generate it again"
        ) from error
    groups = {node.path.strip("/"): node.to_dataset() for node in tree.subtree if node.path != "/" and node.variables}
    layout = {
        group: {
            str(name): tuple(map(str, variable.dims))
            for name, variable in dataset.variables.items()
            if name not in dataset.dims and name not in _auxiliary(dataset)
        }
        for group, dataset in groups.items()
    }
    try:
        validate_layout(layout, tree.attrs, where=repr(str(store)))
    except StrideError as error:
        raise EvalError(str(error)) from error
    return groups, tree.attrs


def _auxiliary(dataset: xr.Dataset) -> set[str]:
    """Names that fields state as their auxiliary coordinates."""
    stated = (str(variable.attrs.get("coordinates", "")) for variable in dataset.variables.values())
    return {name for text in stated for name in text.split()}


def _copy(group: Any, name: str, variable: xr.Variable, where: str) -> None:
    is_field = variable.ndim > 1
    is_text = variable.dtype.kind in "OUT"
    how: dict[str, Any] = {}
    if is_field and not is_text:
        # A field a chunk, as in the store: whoever looks at one member of one day reads no more.
        pieces = tuple(1 if axis < variable.ndim - 2 else size for axis, size in enumerate(variable.shape))
        how = {"compression": "zlib", "complevel": COMPRESSION, "shuffle": True, "chunksizes": pieces}
    attrs = dict(variable.attrs)
    fill = attrs.pop("_FillValue", None)
    if fill is None and is_field and variable.dtype.kind == "f":
        fill = np.nan
    if fill is not None and name not in variable.dims:
        how["fill_value"] = variable.dtype.type(fill)
    kind = str if is_text else variable.dtype.newbyteorder("=")
    copy = group.createVariable(name, kind, variable.dims, **how)
    copy.set_auto_maskandscale(False)
    _set_attrs(copy, attrs)
    for place in _chunks(variable):
        try:
            values = np.asarray(variable[place].values)
        except Exception as error:  # every backend raises its own kinds for damaged chunks
            raise EvalError(
                f"{where} cannot be read ({' '.join(str(error).split())[:200]}); the store is damaged there: generate "
                "it again"
            ) from error
        copy[place if place else ...] = values.astype(object) if is_text else values


def _chunks(variable: xr.Variable) -> Iterator[tuple[slice, ...]]:
    """Places of the store's chunks, in order."""
    sizes: Sequence[int] = variable.encoding.get("chunks") or variable.shape
    starts = (range(0, length, max(1, size)) for length, size in zip(variable.shape, sizes, strict=True))
    for corner in itertools.product(*starts):
        yield tuple(slice(start, start + max(1, size)) for start, size in zip(corner, sizes, strict=True))


def _set_attrs(holder: Any, attrs: Mapping[Any, Any]) -> None:
    for name, value in attrs.items():
        if value is not None:
            holder.setncattr(str(name), _plain(value))


def _plain(value: Any) -> Any:
    """An attribute as NetCDF can hold it: it has no truth values and no nested ones."""
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, dict) else value
