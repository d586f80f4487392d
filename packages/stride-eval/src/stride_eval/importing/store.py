"""Writes a planned import as a saved ensemble in a Zarr store, a block of fields at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from stride_vars.ensemble_coordinates import (
    GRID_MAPPING,
    LATITUDE,
    LONGITUDE,
    axis_attrs,
    grid_mapping_attrs,
    links,
    member_attrs,
    time_attrs,
)
from stride_vars.ensemble_format import GROUPS, EnsembleAttrs
from stride_vars.ensemble_variables import variable_attrs

from stride_eval.importing.grid import Axis
from stride_eval.importing.plan import ImportPlan
from stride_eval.importing.series import Series
from stride_eval.importing.times import numbers
from stride_eval.progress import Progress, silent

Coordinates = dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]


def write_store(plan: ImportPlan, path: Path, progress: Progress = silent) -> dict[str, float]:
    """Writes the store.

    Args:
        plan: what was found.
        path: folder of the store; must not be there.
        progress: told of each block.

    Returns:
        "group/key" -> share of its values that are missing.
    """
    root = zarr.open_group(path, mode="w", zarr_format=3)
    root.attrs.update(_root_attrs(plan).to_attrs())
    for group, variables in plan.groups.items():
        _lay_out(plan, path, root, group, variables)
    missing: dict[str, float] = {}
    for group, key, series in _all(plan):
        array = root[f"{group}/{key}"]
        assert isinstance(array, zarr.Array)
        missing[f"{group}/{key}"] = _fill(array, plan, series, progress)
    with warnings.catch_warnings():
        # xarray reads and writes it, though the specification does not name it yet.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(str(path), zarr_format=3)
    return missing


def _all(plan: ImportPlan) -> Iterator[tuple[str, str, Series]]:
    for group, variables in plan.groups.items():
        for key, series in variables.items():
            yield group, key, series


def _root_attrs(plan: ImportPlan) -> EnsembleAttrs:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    system = plan.names.system or "imported"
    count = len(plan.members)
    return EnsembleAttrs(
        title=plan.names.title or f"{system}, {count} member{'s' if count > 1 else ''}",
        system=system,
        targets=tuple(plan.groups["ensemble"]),
        # The folder is the importing machine's own affair.
        config={"names": plan.names.model_dump(mode="json", exclude={"root", "variables_file"}, exclude_defaults=True)},
        package_versions={"stride-eval": version("stride-eval"), "stride-vars": version("stride-vars")},
        history=f"{now}: written by stride-eval import",
    )


def _lay_out(plan: ImportPlan, path: Path, root: zarr.Group, group: str, variables: Mapping[str, Series]) -> None:
    """Coordinates through xarray, which knows CF's encoding; empty arrays of one chunk a field through zarr."""
    dims = GROUPS[group].dims[0]
    grid_of = next(iter(variables.values())) if group == "conditioning" else plan.ensemble
    rows, columns = dims[-2:]
    coords: Coordinates = _grid_coordinates(grid_of, rows, columns)
    sizes = {rows: grid_of.grid.shape[0], columns: grid_of.grid.shape[1], "member": len(plan.members)}
    if "time" in dims:
        times = plan.times_of(group)
        hours, units = numbers(times, plan.ensemble.calendar)
        coords["time"] = (("time",), hours, time_attrs(units, plan.ensemble.calendar))
        sizes["time"] = len(times)
    if "member" in dims:
        coords["member"] = (("member",), *_member_coordinate(plan.members))
    # Coordinates have no missing values, and CF wants none stated.
    plain = {name: {"_FillValue": None} for name in coords}
    xr.Dataset(coords=coords).to_zarr(path, group=group, mode="a", zarr_format=3, consolidated=False, encoding=plain)
    linked = links({name: its for name, (its, _, _) in coords.items()}, dims)
    parent = root[group]
    assert isinstance(parent, zarr.Group)
    parent.attrs.pop("coordinates", None)
    for key, series in variables.items():
        parent.create_array(
            key,
            shape=tuple(sizes[dim] for dim in dims),
            chunks=tuple(1 if dim in ("time", "member") else sizes[dim] for dim in dims),
            dtype="float32",
            fill_value=float("nan"),
            dimension_names=dims,
            attributes={**variable_attrs(series.spec), **linked},
        )


def _grid_coordinates(series: Series, rows: str, columns: str) -> Coordinates:
    grid = series.grid
    prefix = rows.removesuffix("y")
    coords: Coordinates = {}
    axes: tuple[tuple[str, str, Axis | None, bool], ...] = (
        ("y", rows, grid.y, series.flips[0]),
        ("x", columns, grid.x, series.flips[1]),
    )
    located = grid.latitude is not None and grid.longitude is not None
    for role, dim, axis, flip in axes:
        if axis is not None:
            values = axis.values[::-1] if flip else axis.values
            coords[dim] = ((dim,), values, axis_attrs(role, axis.attrs, grid.mapping, located=located))
    if grid.latitude is not None and grid.longitude is not None:
        turn = tuple(slice(None, None, -1 if flip else 1) for flip in series.flips)
        coords[f"{prefix}latitude"] = ((rows, columns), grid.latitude[turn], dict(LATITUDE))
        coords[f"{prefix}longitude"] = ((rows, columns), grid.longitude[turn], dict(LONGITUDE))
    if grid.mapping is not None and grid.x is not None and grid.y is not None:
        coords[f"{prefix}{GRID_MAPPING}"] = ((), np.int32(0), grid_mapping_attrs(grid.mapping))
    return coords


def _member_coordinate(labels: Sequence[str]) -> tuple[np.ndarray, dict[str, Any]]:
    """The producer's numbers, or a count beside its names."""
    if all(label.isdigit() for label in labels):
        return np.array([int(label) for label in labels]), member_attrs()
    return np.arange(len(labels)), member_attrs(labels)


def _fill(array: zarr.Array, plan: ImportPlan, series: Series, progress: Progress) -> float:
    """Writes one variable; the share of missing values."""
    label = f"{series.group}/{series.key}"
    if series.group == "static":
        values = next(series.blocks(("",))).values[0, 0]
        array[:] = values
        return float(np.isnan(values).mean())
    times = plan.times_of(series.group)
    position = {time: index for index, time in enumerate(times)}
    number = {member: index for index, member in enumerate(plan.members)}
    total = len(times) * len(series.members)
    done, missing = 0, 0.0
    for block in series.blocks(times):
        for row, time in enumerate(block.times):
            for column, member in enumerate(block.members):
                field = block.values[row, column]
                place = (position[time], number[member]) if series.group == "ensemble" else (position[time],)
                array[place] = field
                missing += float(np.isnan(field).mean())
        done += len(block.times) * len(block.members)
        progress(done, total, f"importing {label}")
    return missing / total
