"""A grid kept in a Zarr group: its arrays as arrays, everything else as attributes, equal when read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from stride_data.discovery.grids import Grid

PREFIX = "archive_"
"""Names of the arrays begin with it: they are of the whole grid, of which the store may hold a part."""


def write_grid(group: Any, grid: Grid) -> dict[str, Any]:
    """Write the arrays of a grid into a Zarr group.

    Args:
        group: The group, writable.
        grid: The grid.

    Returns:
        What is no array, JSON-able; ``read_grid`` wants it back.
    """
    others: dict[str, Any] = {}
    for entry in dataclasses.fields(grid):
        value = getattr(grid, entry.name)
        if isinstance(value, np.ndarray):
            name = PREFIX + entry.name
            dims = (name,) if value.ndim == 1 else (f"{PREFIX}y", f"{PREFIX}x")
            group.create_array(name, data=np.ascontiguousarray(value), dimension_names=dims, compressors=None)
        elif value is not None:
            others[entry.name] = plain(value)
    return others


def read_grid(group: Any, others: Mapping[str, Any]) -> Grid:
    """The grid that ``write_grid`` wrote."""
    names = (entry.name for entry in dataclasses.fields(Grid))
    arrays = {name: np.asarray(group[PREFIX + name][...]) for name in names if PREFIX + name in group}
    return Grid(**arrays, **others)


def plain(value: Any) -> Any:
    """A nested value with numpy's numbers as Python's, for JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
