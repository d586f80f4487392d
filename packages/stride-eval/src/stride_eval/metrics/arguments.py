"""What every metric checks about its arguments, and how it reads ``dim``, thresholds and sequences."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from types import EllipsisType
from typing import TypeAlias

import numpy as np
import xarray as xr

from stride_eval.metrics.errors import MetricError

Dims: TypeAlias = str | Iterable[Hashable] | EllipsisType | None
"""Dimensions to reduce: ``None`` none, ``...`` all, a name, or names."""


def ensemble_size(forecast: xr.DataArray, member_dim: str) -> int:
    """Number of members of an ensemble.

    Raises:
        MetricError: ``forecast`` is no DataArray, has no dimension ``member_dim``, or no member.
    """
    _require_array(forecast, "forecast")
    if member_dim not in forecast.dims:
        raise MetricError(
            f"forecast has no dimension {member_dim!r} (it has {_names(forecast)}); name the ensemble "
            f"dimension by member_dim=, or make a single field an ensemble of one by .expand_dims({member_dim!r})"
        )
    if forecast.sizes[member_dim] == 0:
        raise MetricError(f"forecast holds no member along {member_dim!r}; give at least one")
    return forecast.sizes[member_dim]


def check_pair(forecast: xr.DataArray, observed: xr.DataArray, member_dim: str) -> int:
    """Checks that an ensemble and its observation lie on the same points; returns the number of members.

    Raises:
        MetricError: no DataArrays, no member dimension in ``forecast`` or one in ``observed``, other dimensions or
            labels.
    """
    members = ensemble_size(forecast, member_dim)
    _require_array(observed, "observed")
    if member_dim in observed.dims:
        raise MetricError(
            f"observed has the member dimension {member_dim!r}; select one field by .isel({member_dim}=0)"
        )
    points = [name for name in forecast.dims if name != member_dim]
    if set(points) != set(observed.dims):
        raise MetricError(
            f"observed has dimensions {_names(observed)} but forecast has {', '.join(map(str, points)) or 'none'} "
            f"beside {member_dim!r}; rename or select so that both have the same"
        )
    for name in points:
        _check_labels(forecast, observed, name)
    return members


def _check_labels(forecast: xr.DataArray, observed: xr.DataArray, name: Hashable) -> None:
    """One dimension: same length, and the same labels where both have labels."""
    if forecast.sizes[name] != observed.sizes[name]:
        raise MetricError(
            f"forecast has {forecast.sizes[name]} points along {name!r} and observed {observed.sizes[name]}; "
            "select the common ones first, for example by xarray.align(..., join='inner')"
        )
    labels = [array.indexes[name] for array in (forecast, observed) if name in array.indexes]
    if len(labels) == 2 and not labels[0].equals(labels[1]):
        raise MetricError(
            f"forecast and observed have other labels along {name!r}; bring them to the same first, "
            "for example by xarray.align(..., join='inner')"
        )


def reduced_dims(values: xr.DataArray, dim: Dims, *, member_dim: str | None = None) -> list[Hashable]:
    """The dimensions of ``values`` that ``dim`` names, in the order of ``values``.

    Args:
        values: what will be reduced.
        dim: ``None``, ``...``, a name, or names.
        member_dim: a name that is ignored where ``values`` lacks it, so that forecast and observed take the same
            ``dim``.

    Raises:
        MetricError: a name that ``values`` does not have.
    """
    if dim is None:
        return []
    if dim is ...:
        return list(values.dims)
    names = [dim] if isinstance(dim, str) else list(dim)
    for name in names:
        if name not in values.dims and name != member_dim:
            raise MetricError(
                f"there is no dimension {name!r} to reduce; choose among {_names(values)}, or ... for all"
            )
    return [name for name in values.dims if name in names]


def as_threshold(threshold: float | xr.DataArray) -> xr.DataArray:
    """A threshold as an array that broadcasts against fields.

    Raises:
        MetricError: a plain number that is not finite.
    """
    if isinstance(threshold, xr.DataArray):
        return threshold
    value = float(threshold)
    if not np.isfinite(value):
        raise MetricError(f"threshold is {value}; give a finite number in the units of the field")
    return xr.DataArray(value)


def increasing(values: Sequence[float] | np.ndarray, what: str, *, at_least: int) -> np.ndarray:
    """Numbers as a float64 array that is checked to be finite and strictly increasing.

    Raises:
        MetricError: fewer than ``at_least``, not finite, or not increasing.
    """
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1 or array.size < at_least or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise MetricError(
            f"{what} must be at least {at_least} finite, strictly increasing number(s); got {array.tolist()}"
        )
    return array


def describe(result: xr.DataArray, long_name: str, units: str | None = None) -> xr.DataArray:
    """Names a result and gives it its units, in place of whatever attributes arithmetic left."""
    result.attrs = {"long_name": long_name} | ({} if units is None else {"units": units})
    result.name = None
    return result


def units_of(*arrays: xr.DataArray) -> str | None:
    """Units of the first array that states them."""
    return next((str(array.attrs["units"]) for array in arrays if "units" in array.attrs), None)


def _require_array(value: object, what: str) -> None:
    """Refuses anything but a DataArray."""
    if not isinstance(value, xr.DataArray):
        raise MetricError(f"{what} is a {type(value).__name__}; give an xarray.DataArray with named dimensions")


def _names(array: xr.DataArray) -> str:
    """Dimension names in words."""
    return ", ".join(map(str, array.dims)) or "none"
