"""Objects of a field: connected pixels at or above a threshold, and what each of them measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from scipy.ndimage import label

from stride_eval.metrics.arguments import describe, increasing, reduced_dims
from stride_eval.metrics.errors import MetricError

Connectivity = Literal[4, 8]
"""Which pixels touch: 4 along rows and columns, 8 along diagonals too."""

_STRUCTURE = {4: np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), 8: np.ones((3, 3), dtype=int)}

_SUMS = {
    "n_objects": "number of objects",
    "area": "area of all objects",
    "largest_area": "area of the largest object",
    "value_area": "sum of values times areas of the objects' pixels",
    "mean_sum": "sum of the objects' mean values",
    "maximum_sum": "sum of the objects' largest values",
}


@dataclass(frozen=True)
class FieldObjects:
    """The objects of one field, numbered from 0.

    Attributes:
        labels: number of each pixel's object plus one [y, x]; 0: none.
        pixels: pixels of each object.
        total: sum of its values.
        maximum: its largest value.
        rows, columns: its geometric centroid, in pixels.
    """

    labels: np.ndarray
    pixels: np.ndarray
    total: np.ndarray
    maximum: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return self.pixels.size


def find_objects(
    field: np.ndarray, threshold: float, *, connectivity: Connectivity = 8, min_pixels: int = 1
) -> FieldObjects:
    """Connected pixels with ``value >= threshold``.

    Args:
        field: values [y, x]; missing pixels belong to no object and separate what they lie between.
        threshold: in the field's units.
        connectivity: see ``Connectivity``.
        min_pixels: smaller objects are left out.
    """
    labels = np.zeros(field.shape, dtype=np.intp)
    label(field >= threshold, structure=_STRUCTURE[connectivity], output=labels)
    count = int(labels.max(initial=0))
    if count and min_pixels > 1:
        kept = np.bincount(labels.ravel(), minlength=count + 1) >= min_pixels
        kept[0] = False
        count = int(kept.sum())
        labels = np.where(kept, np.cumsum(kept), 0)[labels]
    rows, columns = np.nonzero(labels)
    number = labels[rows, columns] - 1
    values = field[rows, columns].astype(np.float64)
    pixels = np.bincount(number, minlength=count)
    maximum = np.full(count, -np.inf)
    np.maximum.at(maximum, number, values)
    return FieldObjects(
        labels=labels,
        pixels=pixels,
        total=np.bincount(number, weights=values, minlength=count),
        maximum=maximum,
        rows=np.bincount(number, weights=rows, minlength=count) / pixels,
        columns=np.bincount(number, weights=columns, minlength=count) / pixels,
    )


def object_statistics(
    field: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    area_edges: Sequence[float] | np.ndarray | None = None,
    maximum_edges: Sequence[float] | np.ndarray | None = None,
    spacing: tuple[float, float] = (1.0, 1.0),
    dims: tuple[str, str] = ("y", "x"),
    connectivity: Connectivity = 8,
    min_pixels: int = 1,
) -> xr.Dataset:
    """Counts, areas and intensities of the objects of each field.

    An object is a connected set of pixels with ``value >= threshold``; edges of the domain and missing pixels cut it.
    Mean object area: area / n_objects; mean value in objects: value_area / area; mean of the objects' largest values:
    maximum_sum / n_objects, each after adding up fields.

    Args:
        field: fields along ``dims``; whatever else it has (time, member) stays.
        threshold: number or increasing numbers in the units of the field.
        area_edges: increasing areas; ``area_counts`` counts objects from each edge up to the next, the last without
            end and smaller ones left out.
        maximum_edges: the same of the objects' largest values: ``maximum_counts``.
        spacing: distance between rows and between columns; areas are in its square, or in pixels.
        dims: the two spatial dimensions.
        connectivity: 8: pixels that touch at a corner belong together; 4: along rows and columns alone.
        min_pixels: smaller objects are left out.

    Returns:
        ``n_objects``, ``area``, ``largest_area``, ``value_area``, ``mean_sum`` (of the objects' mean values),
        ``maximum_sum``, along ``threshold`` where several were given; ``area_counts`` (area_bin) and
        ``maximum_counts`` (maximum_bin) where edges were given. All but ``largest_area`` add up over fields. NaN where
        every pixel is missing: nothing was looked at, which is not a field without objects.

    Raises:
        MetricError: thresholds or edges that do not increase, an unknown dimension or connectivity.

    Source:
        Objects as contiguous areas: Ebert & McBride (2000), https://doi.org/10.1016/S0022-1694(00)00343-7; Davis et
        al. (2006), https://doi.org/10.1175/MWR3145.1, here without smoothing.
    """
    check_objects(connectivity, min_pixels)
    for name in dims:
        reduced_dims(field, name)
    levels = increasing(np.atleast_1d(threshold), "threshold", at_least=1)
    edges = {
        name: None if values is None else increasing(values, name, at_least=1)
        for name, values in (("area_edges", area_edges), ("maximum_edges", maximum_edges))
    }
    area, maximum = edges["area_edges"], edges["maximum_edges"]
    sizes = [0 if values is None else values.size for values in (area, maximum)]
    found = xr.apply_ufunc(
        _statistics,
        field if field.chunks is None else field.chunk(dict.fromkeys(dims, -1)),
        kwargs={
            "levels": levels,
            "area_edges": area,
            "maximum_edges": maximum,
            "cell": float(spacing[0] * spacing[1]),
            "connectivity": connectivity,
            "min_pixels": min_pixels,
        },
        input_core_dims=[list(dims)],
        output_core_dims=[["threshold", "statistic"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"threshold": len(levels), "statistic": len(_SUMS) + sum(sizes)}},
        keep_attrs=False,
    ).assign_coords(threshold=levels)
    if np.ndim(threshold) == 0:
        found = found.squeeze("threshold")
    parts = {key: describe(found.isel(statistic=index), text) for index, (key, text) in enumerate(_SUMS.items())}
    start = len(_SUMS)
    for name, values in (("area", area), ("maximum", maximum)):
        if values is not None:
            counts = found.isel(statistic=slice(start, start + values.size)).rename(statistic=f"{name}_bin")
            counts = counts.assign_coords({f"{name}_bin": values})
            parts[f"{name}_counts"] = describe(counts, f"number of objects by {name}, from each edge to the next", "1")
            start += values.size
    return xr.Dataset(parts, attrs={"connectivity": connectivity, "min_pixels": min_pixels, "event": ">= threshold"})


def check_objects(connectivity: int, min_pixels: int) -> None:
    """Refuses what no object can be made of.

    Raises:
        MetricError: a connectivity other than 4 and 8, or objects of less than a pixel.
    """
    if connectivity not in _STRUCTURE:
        raise MetricError(f"connectivity is {connectivity}; choose 4 (rows and columns) or 8 (diagonals too)")
    if min_pixels < 1:
        raise MetricError(f"min_pixels is {min_pixels}; an object has at least 1 pixel")


def _statistics(
    fields: np.ndarray,
    *,
    levels: np.ndarray,
    area_edges: np.ndarray | None,
    maximum_edges: np.ndarray | None,
    cell: float,
    connectivity: Connectivity,
    min_pixels: int,
) -> np.ndarray:
    """[..., y, x] -> [..., threshold, statistic]; one field at a time."""
    kept = fields.shape[:-2]
    edges = [values for values in (area_edges, maximum_edges) if values is not None]
    result = np.full((*kept, len(levels), len(_SUMS) + sum(map(len, edges))), np.nan)
    for index in np.ndindex(kept):
        field = fields[index]
        if np.isnan(field).all():
            continue
        for row, level in enumerate(levels):
            found = find_objects(field, level, connectivity=connectivity, min_pixels=min_pixels)
            area = cell * found.pixels
            sums = [
                len(found),
                area.sum(),
                area.max(initial=0.0),
                cell * found.total.sum(),
                (found.total / found.pixels).sum(),
                found.maximum.sum(),
            ]
            counts = [
                _counts(values, limits)
                for values, limits in ((area, area_edges), (found.maximum, maximum_edges))
                if limits is not None
            ]
            result[(*index, row)] = np.concatenate([np.asarray(sums, dtype=float), *counts])
    return result


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Values from each edge to the next; relative rounding of an area that equals an edge does no harm."""
    place = np.searchsorted(edges * (1.0 - np.sign(edges) * 1e-12), values, side="right")
    return np.bincount(place, minlength=edges.size + 1)[1:]
