"""One saved ensemble on disk, opened lazily: a Zarr store or a NetCDF4 file with groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from stride_vars.ensemble_format import EnsembleAttrs, validate_layout
from stride_vars.errors import StrideError

from stride_eval.errors import EvalError


@dataclass(frozen=True)
class SavedEnsemble:
    """One system's saved ensemble; arrays stay on disk until they are asked for.

    Attributes:
        name: what the user calls the system.
        path: where it lies.
        groups: the groups that exist ("ensemble", "target", "pmm", "conditioning", "static"), each a Dataset.
        attrs: attributes of the root.
        targets: keys of the generated variables, as the root attribute ``targets`` lists them.
        times: ISO time stamps ``YYYY-MM-DDTHH:MM:SS`` in the file's calendar.
    """

    name: str
    path: Path
    groups: Mapping[str, xr.Dataset]
    attrs: Mapping[str, Any]
    targets: tuple[str, ...]
    times: tuple[str, ...]

    @property
    def ensemble(self) -> xr.Dataset:
        """The group /ensemble."""
        return self.groups["ensemble"]

    @property
    def members(self) -> int:
        """Number of members."""
        return int(self.ensemble.sizes["member"])

    def times_of(self, group: str) -> tuple[str, ...]:
        """ISO time stamps of a group (groups may hold other dates than /ensemble)."""
        return time_labels(self.groups[group], f"system {self.name!r}, /{group} of {str(self.path)!r}")


def open_ensemble(name: str, path: Path) -> SavedEnsemble:
    """Opens a saved ensemble and checks its layout; reads no field.

    Args:
        name: what the user calls the system.
        path: a Zarr store (folder) or a NetCDF4 file.

    Raises:
        EvalError: nothing there, not readable, not a saved ensemble, no targets, or a layout that does not fit.
    """
    path = Path(path)
    if not path.exists():
        raise EvalError(
            f"system {name!r}: nothing lies at {str(path)!r}; give the path of a saved ensemble (Zarr store or NetCDF "
            "file)"
        )
    tree = _open_tree(name, path)
    attrs = {str(key): value for key, value in tree.attrs.items()}
    groups = {
        str(child.path).strip("/"): child.to_dataset()
        for child in tree.subtree
        if child.path != "/" and child.data_vars
    }
    where = f"system {name!r} ({str(path)!r})"
    try:
        validate_layout(_layout(groups), attrs, where=where)
        targets = EnsembleAttrs.from_attrs(attrs, where=where).targets
    except StrideError as error:
        raise EvalError(str(error)) from error
    absent = [key for key in targets if "target" in groups and key not in groups["target"].data_vars]
    if absent:
        raise EvalError(
            f"{where}: /target has no {absent[0]!r}: scores need its observed fields; write them there, or take it "
            "out of the root attribute targets"
        )
    return SavedEnsemble(
        name=name,
        path=path,
        groups=groups,
        attrs=attrs,
        targets=targets,
        times=time_labels(groups["ensemble"], f"system {name!r}, /ensemble of {str(path)!r}"),
    )


def _open_tree(name: str, path: Path) -> xr.DataTree:
    """The whole store as a tree of lazily read groups."""
    # Consolidated metadata are no part of Zarr v3: asking for them only warns.
    how: dict[str, Any] = {"engine": "zarr", "consolidated": False} if path.is_dir() else {"engine": "netcdf4"}
    try:
        return xr.open_datatree(path, **how)
    except Exception as error:  # every backend raises its own kinds for damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EvalError(
            f"system {name!r}: {str(path)!r} cannot be read as a {'Zarr store' if path.is_dir() else 'NetCDF4 file'} "
            f"({reason[:200]}); it may be damaged or half-written: generate it again"
        ) from error


def _layout(groups: Mapping[str, xr.Dataset]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Group -> variable -> dimension names, for the schema's check."""
    return {
        group: {str(key): tuple(str(dim) for dim in array.dims) for key, array in dataset.data_vars.items()}
        for group, dataset in groups.items()
    }


def time_labels(dataset: xr.Dataset, where: str) -> tuple[str, ...]:
    """ISO time stamps of a dataset's ``time`` coordinate, in its own calendar.

    Args:
        dataset: holds a coordinate ``time`` of datetime64 or cftime.
        where: names the dataset in errors.

    Raises:
        EvalError: no time coordinate, times that are no dates, or the same time twice.
    """
    if "time" not in dataset.coords:
        raise EvalError(f"{where} has no time coordinate; add a CF time coordinate named 'time'")
    values = np.atleast_1d(dataset["time"].values)
    if np.issubdtype(values.dtype, np.datetime64):
        labels = tuple(str(label) for label in np.datetime_as_string(values, unit="s"))
    elif values.size and hasattr(values.flat[0], "isoformat"):
        labels = tuple(value.isoformat()[:19] for value in values)
    else:
        raise EvalError(
            f"{where}: the time coordinate holds {values.dtype} and no dates; give it CF units such as 'days since "
            "2000-01-01'"
        )
    if len(set(labels)) != len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise EvalError(f"{where} holds the time {twice} twice; keep one of them")
    return labels
