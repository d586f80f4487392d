"""Which dimension is which: by the file of names, then by CF attributes, then by usual names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from stride_vars.errors import nearest

from stride_eval.errors import EvalError
from stride_eval.importing.names import DimensionNames

ROLES = ("time", "member", "y", "x")

_AXES = {"T": "time", "E": "member", "Y": "y", "X": "x"}
_STANDARD_NAMES = {
    "time": "time",
    "realization": "member",
    "latitude": "y",
    "grid_latitude": "y",
    "projection_y_coordinate": "y",
    "longitude": "x",
    "grid_longitude": "x",
    "projection_x_coordinate": "x",
}
_USUAL = {
    "time": ("time", "valid_time", "t", "times", "date", "day"),
    "member": (
        "member",
        "realization",
        "realisation",
        "number",
        "ensemble",
        "ens",
        "member_id",
        "ensemble_member",
        "sample",
        "samples",
    ),
    "y": ("y", "lat", "latitude", "rlat", "yc", "y_coordinate", "south_north", "nlat", "j"),
    "x": ("x", "lon", "longitude", "rlon", "xc", "x_coordinate", "west_east", "nlon", "i"),
}
_BY_NAME = {name: role for role, names in _USUAL.items() for name in names}


def chosen(array: xr.DataArray, select: Mapping[str, int | float | str], where: str) -> xr.DataArray:
    """The variable at the coordinates (or, without them, positions) that ``select`` names.

    Args:
        array: a variable of a file.
        select: dimension -> coordinate or position.
        where: file and variable, for errors.

    Raises:
        EvalError: a dimension or a value that is not there.
    """
    for dim, value in select.items():
        if dim not in array.dims:
            raise EvalError(
                f"{where} has no dimension '{dim}' to select from.{nearest(dim, [str(name) for name in array.dims])}"
            )
        try:
            if dim in array.coords:
                how = {} if isinstance(value, str) else {"method": "nearest", "tolerance": 1e-6 * abs(value) + 1e-12}
                array = array.sel({dim: value}, **how)
            else:
                array = array.isel({dim: int(value)})
        except (KeyError, IndexError, ValueError, TypeError):
            there = array[dim].values[:6] if dim in array.coords else f"positions below {array.sizes[dim]}"
            raise EvalError(f"{where} has no {dim} = {value!r}; choose one of {there}") from None
    return array


def find_roles(array: xr.DataArray, stated: DimensionNames, where: str, key: str) -> dict[str, str]:
    """Role ("time", "member", "y", "x") -> dimension, of the roles that a variable has.

    Args:
        array: the variable with its coordinates.
        stated: names that the configuration gives; one of another group's variables may be absent here.
        where: file and variable, for errors.
        key: section of the configuration, for errors.

    Raises:
        EvalError: no rows or columns, or a further dimension longer than one.
    """
    roles: dict[str, str] = {}
    for role in ROLES:
        name = getattr(stated, role)
        if name is not None and (dim := _dimension(array, name)) is not None:
            roles[role] = dim
    dims = [str(dim) for dim in array.dims]
    for tell in (_by_attributes, _by_name):
        for dim in dims:
            role = tell(array, dim)
            # What the configuration names otherwise is not guessed.
            if role and role not in roles and dim not in roles.values() and getattr(stated, role) is None:
                roles[role] = dim
    for role in ("y", "x"):
        if role not in roles:
            name = getattr(stated, role)
            said = f"there is no '{name}'.{nearest(name, dims)}" if name else "they cannot be told by their names;"
            raise EvalError(
                f"{where} has the dimensions ({', '.join(dims)}): which is {role}? {said} Set {key}.dims.{role}"
            )
    for dim in dims:
        if dim not in roles.values() and array.sizes[dim] > 1:
            raise EvalError(
                f"{where} has a further dimension '{dim}' of length {array.sizes[dim]}; say with {key}.dims what it "
                f"is, or choose one with select: {{{dim}: ...}}"
            )
    return roles


def _dimension(array: xr.DataArray, name: str) -> str | None:
    """The dimension of that name, or that of a coordinate of that name."""
    if name in array.dims:
        return name
    if name in array.coords and array[name].ndim == 1:
        return str(array[name].dims[0])
    return None


def _by_attributes(array: xr.DataArray, dim: str) -> str | None:
    attrs: Mapping[Any, Any] = array[dim].attrs if dim in array.coords else {}
    units = str(attrs.get("units", "")).lower()
    if " since " in units:
        return "time"
    by_standard_name = _STANDARD_NAMES.get(str(attrs.get("standard_name", "")))
    if by_standard_name:
        return by_standard_name
    if units in ("degrees_north", "degree_north", "degrees_n"):
        return "y"
    if units in ("degrees_east", "degree_east", "degrees_e"):
        return "x"
    return _AXES.get(str(attrs.get("axis", "")).upper())


def _by_name(array: xr.DataArray, dim: str) -> str | None:
    return _BY_NAME.get(dim.lower())
