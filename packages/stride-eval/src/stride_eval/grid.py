"""Where pixels lie: which way is north, how far apart they are, and what to call the axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

EARTH_KM_PER_DEGREE = 6371.0 * math.pi / 180.0

_METRES = {
    "m": 1e-3,
    "metre": 1e-3,
    "metres": 1e-3,
    "meter": 1e-3,
    "meters": 1e-3,
    "km": 1.0,
    "kilometre": 1.0,
    "kilometres": 1.0,
}


def axes(dataset: xr.Dataset | xr.DataArray, *, y: str = "y", x: str = "x") -> tuple[xr.DataArray, xr.DataArray]:
    """The coordinates of rows and columns, each with the attributes ``units`` and ``positive_direction``.

    Direction: the attribute ``positive_direction`` ("north", "south", "east", "west") when it is there; else a
    ``long_name`` that speaks of a distance south of something; else, for axes without values, the two-dimensional
    latitude; else values that increase northwards, as latitude and projected y do.

    Args:
        dataset: holds the dimensions ``y`` and ``x``, with coordinates or without.
        y: name of the rows' dimension.
        x: name of the columns' dimension.

    Returns:
        Two one-dimensional arrays; without coordinates in the dataset: the pixels' numbers, in units "1".
    """
    rows, columns = (_axis(dataset, dim) for dim in (y, x))
    rows.attrs["positive_direction"] = _direction(rows, dataset, ("north", "south"))
    columns.attrs["positive_direction"] = _direction(columns, dataset, ("east", "west"))
    return rows, columns


def _axis(dataset: xr.Dataset | xr.DataArray, dim: str) -> xr.DataArray:
    if dim in dataset.coords and dataset[dim].ndim == 1:
        axis = dataset[dim].reset_coords(drop=True).astype(np.float64)
        axis.attrs.setdefault("units", "1")
        return axis
    return xr.DataArray(np.arange(dataset.sizes[dim], dtype=np.float64), dims=dim, name=dim, attrs={"units": "1"})


def _direction(axis: xr.DataArray, dataset: xr.Dataset | xr.DataArray, ways: tuple[str, str]) -> str:
    stated = str(axis.attrs.get("positive_direction", "")).strip().lower()
    if stated in ways:
        return stated
    # "distance south of the northern edge": the first of the two words says where values grow to.
    words = str(axis.attrs.get("long_name", "")).lower().replace("-", " ").split()
    if "distance" in words:
        for word in words:
            if word in ways:
                return word
    if axis.attrs["units"] == "1" and ways[0] == "north":
        for name in ("latitude", "lat"):
            if name in dataset.coords and axis.name in dataset[name].dims:
                latitude = dataset[name].mean([dim for dim in dataset[name].dims if dim != axis.name]).values
                return "north" if latitude[-1] >= latitude[0] else "south"
    return ways[0]


@dataclass(frozen=True)
class Spacing:
    """Distance between pixels.

    Attributes:
        y, x: between rows and between columns.
        unit: "km", or "pixel" when the coordinates tell no distance.
    """

    y: float
    x: float
    unit: str


def spacing(rows: xr.DataArray, columns: xr.DataArray) -> Spacing:
    """Distance between pixels from their coordinates; degrees are taken at the domain's middle latitude."""
    if rows.size < 2 or columns.size < 2:
        return Spacing(1.0, 1.0, "pixel")
    dy, dx = (abs(float(axis[-1] - axis[0])) / (axis.size - 1) for axis in (rows, columns))
    units = [str(axis.attrs.get("units", "1")).strip().lower() for axis in (rows, columns)]
    if all(unit in _METRES for unit in units) and dy > 0 and dx > 0:
        return Spacing(dy * _METRES[units[0]], dx * _METRES[units[1]], "km")
    if is_geographic(rows) and dy > 0 and dx > 0:
        middle = math.cos(math.radians(float(rows.mean())))
        return Spacing(dy * EARTH_KM_PER_DEGREE, dx * EARTH_KM_PER_DEGREE * max(middle, 1e-3), "km")
    return Spacing(1.0, 1.0, "pixel")


def is_geographic(rows: xr.DataArray) -> bool:
    """Whether the rows are latitudes."""
    return str(rows.attrs.get("units", "")).lower().startswith("degree")
