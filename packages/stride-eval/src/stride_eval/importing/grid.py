"""Where the cells of foreign fields lie, and whether two sources mean the same cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from stride_eval.errors import EvalError
from stride_eval.importing.units import conversion

_KEPT = ("units", "standard_name", "long_name", "axis", "positive_direction")
_LATITUDES = ("latitude", "lat", "nav_lat", "xlat", "lat2d")
_LONGITUDES = ("longitude", "lon", "nav_lon", "xlong", "lon2d")
_SAME_DEGREES = 1e-3
_SAME_SHARE = 0.01
"""Of a step: how far two axes that mean the same cells may lie apart."""


@dataclass(frozen=True)
class Axis:
    """Cell centres along one dimension, with the attributes that describe them."""

    values: np.ndarray
    attrs: Mapping[str, str]

    @property
    def units(self) -> str:
        """Units; empty where not told."""
        return str(self.attrs.get("units", ""))

    @property
    def is_longitude(self) -> bool:
        """Whether values 360 apart are the same."""
        return self.units.lower().startswith("degree") and (
            self.attrs.get("standard_name") in (None, "longitude") and "north" not in self.units.lower()
        )


@dataclass(frozen=True)
class ForeignGrid:
    """Rows and columns of a source in its own order.

    Attributes:
        shape: rows and columns.
        y: of the rows; None where the file has no one-dimensional coordinate.
        x: of the columns.
        latitude: [y, x], degrees, where the file has them in two dimensions.
        longitude: the same.
        mapping: attributes of the CF grid mapping; None without one.
    """

    shape: tuple[int, int]
    y: Axis | None
    x: Axis | None
    latitude: np.ndarray | None = None
    longitude: np.ndarray | None = None
    mapping: Mapping[str, Any] | None = None


def read_grid(dataset: xr.Dataset, array: xr.DataArray, y: str, x: str, *, positions: bool = True) -> ForeignGrid:
    """The grid of a variable from its file's coordinates.

    Args:
        dataset: the opened file.
        array: the variable in it.
        y: dimension of the rows.
        x: dimension of the columns.
        positions: whether latitudes and longitudes in two dimensions are read, which are as large as a field.
    """
    latitude = _positions(dataset, y, x, _LATITUDES) if positions else None
    longitude = _positions(dataset, y, x, _LONGITUDES) if positions else None
    both = latitude is not None and longitude is not None
    return ForeignGrid(
        (array.sizes[y], array.sizes[x]),
        _axis(array, y),
        _axis(array, x),
        latitude if both else None,
        longitude if both else None,
        _mapping(dataset, array),
    )


def orientation(first: ForeignGrid, other: ForeignGrid, names: tuple[str, str]) -> tuple[bool, bool]:
    """Whether rows and columns of another source must be reversed to be those of the first.

    Args:
        first: the grid that counts.
        other: the grid of the other source.
        names: what each is called, for errors.

    Raises:
        EvalError: the cells are not the same.
    """
    if first.shape != other.shape:
        raise EvalError(
            f"{names[0]} has {first.shape[0]} x {first.shape[1]} cells and {names[1]} {other.shape[0]} x "
            f"{other.shape[1]}; bring them to one grid before the import"
        )
    flips = [_reversed(dim, getattr(first, dim), getattr(other, dim), names) for dim in ("y", "x")]
    if None not in flips:
        return bool(flips[0]), bool(flips[1])
    if first.latitude is not None and other.latitude is not None:
        return _reversed_positions(first, other, names)
    # Nothing tells the order: it is taken to be the same, and the plan says so.
    return bool(flips[0]), bool(flips[1])


def is_comparable(first: ForeignGrid, other: ForeignGrid) -> bool:
    """Whether the coordinates of both tell that they mean the same cells."""
    axes = all(axis is not None for grid in (first, other) for axis in (grid.y, grid.x))
    return axes or (first.latitude is not None and other.latitude is not None)


def _axis(array: xr.DataArray, dim: str) -> Axis | None:
    if dim not in array.coords or array[dim].ndim != 1 or array[dim].dtype.kind not in "fiu":
        return None
    attrs = {name: str(array[dim].attrs[name]) for name in _KEPT if name in array[dim].attrs}
    return Axis(np.asarray(array[dim].values, np.float64), attrs)


def _positions(dataset: xr.Dataset, y: str, x: str, names: tuple[str, ...]) -> np.ndarray | None:
    """Two-dimensional latitudes or longitudes, by standard name or by usual name."""
    for name, variable in dataset.variables.items():
        told = variable.attrs.get("standard_name") == names[0] or str(name).lower() in names
        if told and set(variable.dims) == {y, x}:
            return np.asarray(variable.transpose(y, x).values, np.float64)
    return None


def _mapping(dataset: xr.Dataset, array: xr.DataArray) -> dict[str, Any] | None:
    text = str(array.attrs.get("grid_mapping", array.encoding.get("grid_mapping", ""))).split()
    name = text[0].rstrip(":") if text else ""
    if name not in dataset.variables or "grid_mapping_name" not in dataset[name].attrs:
        return None
    attrs = {str(key): value for key, value in dataset[name].attrs.items()}
    return {key: value.tolist() if hasattr(value, "tolist") else value for key, value in attrs.items()}


def _reversed(dim: str, first: Axis | None, other: Axis | None, names: tuple[str, str]) -> bool | None:
    """Whether the other axis runs the other way; None where one of them has no values."""
    if first is None or other is None:
        return None
    here, there = first.values, other.values
    if first.units and other.units and first.units != other.units:
        there = there * conversion(other.units, first.units).scale
    step = np.abs(np.diff(here)).min() if here.size > 1 else 1.0
    for flip in (False, True):
        values = there[::-1] if flip else there
        if dim == "x" and first.is_longitude:
            values = values + 360.0 * np.round((here - values) / 360.0)
        if np.allclose(here, values, rtol=0.0, atol=_SAME_SHARE * step):
            return flip
    raise EvalError(
        f"{names[0]} and {names[1]} lie on different grids: {dim} runs from {here[0]:g} to {here[-1]:g} and from "
        f"{there[0]:g} to {there[-1]:g}; bring them to one grid before the import"
    )


def _reversed_positions(first: ForeignGrid, other: ForeignGrid, names: tuple[str, str]) -> tuple[bool, bool]:
    assert first.latitude is not None and first.longitude is not None
    assert other.latitude is not None and other.longitude is not None
    for flip_y in (False, True):
        for flip_x in (False, True):
            turn = (slice(None, None, -1 if flip_y else 1), slice(None, None, -1 if flip_x else 1))
            along = (other.longitude[turn] - first.longitude + 180.0) % 360.0 - 180.0
            if max(np.abs(other.latitude[turn] - first.latitude).max(), np.abs(along).max()) < _SAME_DEGREES:
                return flip_y, flip_x
    raise EvalError(
        f"{names[0]} and {names[1]} lie on different grids: their first cells are at "
        f"{first.latitude[0, 0]:.2f} N {first.longitude[0, 0]:.2f} E and {other.latitude[0, 0]:.2f} N "
        f"{other.longitude[0, 0]:.2f} E; bring them to one grid before the import"
    )
