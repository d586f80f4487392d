"""Which objects of a forecast are those that were observed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from stride_eval.metrics.arguments import Dims, check_pair, describe, increasing, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.objects import Connectivity, FieldObjects, check_objects, find_objects

_PARTS = {
    "hits": "number of matched pairs of objects",
    "misses": "number of observed objects without a match",
    "false_alarms": "number of forecast objects without a match",
    "matched_area": "sum over matched pairs of interest times the areas of both",
    "object_area": "areas of all forecast and observed objects",
    "median_maximum_interest": "median of maximum interest",
}


def match_objects(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    max_distance: float,
    min_interest: float = 0.5,
    spacing: tuple[float, float] = (1.0, 1.0),
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    connectivity: Connectivity = 8,
    min_pixels: int = 1,
) -> xr.Dataset:
    """Matches the objects of every member with the observed ones, by how much each pair has in common.

    The interest of a pair is the mean of three numbers between 0 and 1: proximity max(0, 1 - d / max_distance), d
    between the centroids; ratio of areas, smaller over larger; overlap, the common area over the smaller one. It is 0
    for a pair that neither overlaps nor is nearer than ``max_distance``. Pairs are matched in the order of their
    interest down to ``min_interest``, each object once: hits + misses are the observed objects, hits + false alarms
    those of the forecast.

    Args:
        forecast: ensemble with dimension ``member_dim``, or a single field without it.
        observed: the observation, on the same points.
        threshold: number or increasing numbers in the units of the field; events are ``>= threshold``.
        max_distance: in the units of ``spacing``.
        min_interest: above 0, at most 1.
        spacing: distance between rows and between columns.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension; it is kept.
        connectivity: as in :func:`object_statistics`, and so is ``min_pixels``.
        min_pixels: smaller objects are left out.

    Returns:
        For every field: ``hits``, ``misses``, ``false_alarms``; ``matched_area`` = sum of interest (a_f + a_o) over
        matched pairs and ``object_area`` = sum of all areas, for :func:`object_threat_score`;
        ``median_maximum_interest``: median over forecast and observed objects of their largest interest, 0 where one
        side alone has objects and NaN where neither has. All but the last add up over fields. NaN where every pixel is
        missing; pixels where the observation or a member is missing belong to no object.

    Raises:
        MetricError: fields that do not lie on the same points, a distance or interest out of range.

    Source:
        Interest of pairs, and its median of maxima: Davis et al. (2006), https://doi.org/10.1175/MWR3145.1, and (2009),
        https://doi.org/10.1175/2009WAF2222241.1; matching in order of interest: Johnson et al. (2013),
        https://doi.org/10.1175/MWR-D-13-00027.1. Functions and weights are ours.
    """
    if isinstance(forecast, xr.DataArray) and member_dim not in forecast.dims:
        single = forecast.expand_dims(member_dim)
        return match_objects(
            single, observed, threshold=threshold, max_distance=max_distance, min_interest=min_interest,
            spacing=spacing, dims=dims, member_dim=member_dim, connectivity=connectivity, min_pixels=min_pixels,
        ).squeeze(member_dim)  # fmt: skip
    check_pair(forecast, observed, member_dim)
    check_objects(connectivity, min_pixels)
    for name in dims:
        reduced_dims(observed, name)
    if not (np.isfinite(max_distance) and max_distance > 0):
        raise MetricError(f"max_distance is {max_distance}; give a positive length in the units of spacing")
    if not 0 < min_interest <= 1:
        raise MetricError(f"min_interest is {min_interest}; give a number above 0, at most 1")
    levels = increasing(np.atleast_1d(threshold), "threshold", at_least=1)
    whole = dict.fromkeys(dims, -1)
    found = xr.apply_ufunc(
        _matched,
        forecast if forecast.chunks is None else forecast.chunk({**whole, member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={
            "levels": levels,
            "max_distance": float(max_distance),
            "min_interest": float(min_interest),
            "spacing": spacing,
            "connectivity": connectivity,
            "min_pixels": min_pixels,
        },
        input_core_dims=[[member_dim, *dims], list(dims)],
        output_core_dims=[[member_dim, "threshold", "part"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"threshold": len(levels), "part": len(_PARTS)}},
        keep_attrs=False,
    ).assign_coords(threshold=levels)
    if np.ndim(threshold) == 0:
        found = found.squeeze("threshold")
    parts = {key: describe(found.isel(part=index), text) for index, (key, text) in enumerate(_PARTS.items())}
    return xr.Dataset(parts, attrs={"max_distance": max_distance, "min_interest": min_interest})


def object_threat_score(components: xr.Dataset, *, dim: Dims = ...) -> xr.DataArray:
    """Object-based threat score: summed ``matched_area`` / summed ``object_area`` of :func:`match_objects`.

    Args:
        components: from :func:`match_objects`.
        dim: dimensions to sum over first; ``...`` takes all but ``threshold``.

    Returns:
        Between 0 (nothing matched) and 1 (the same objects in the same places); NaN where there is no object at all.

    Raises:
        MetricError: an unknown dimension.

    Source:
        Johnson et al. (2013), https://doi.org/10.1175/MWR-D-13-00027.1; here of matched pairs alone.
    """
    if dim is ...:
        dim = [name for name in components["object_area"].dims if name != "threshold"]
    names = reduced_dims(components["object_area"], dim)
    matched, area = components["matched_area"].sum(names), components["object_area"].sum(names)
    return describe(matched / area.where(area > 0), "object-based threat score", "1")


def _matched(
    forecast: np.ndarray,
    observed: np.ndarray,
    *,
    levels: np.ndarray,
    max_distance: float,
    min_interest: float,
    spacing: tuple[float, float],
    connectivity: Connectivity,
    min_pixels: int,
) -> np.ndarray:
    """Forecast [..., M, y, x], observed [..., y, x] -> [..., M, threshold, part]."""
    kept = np.broadcast_shapes(forecast.shape[:-3], observed.shape[:-2])
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[-3:]))
    observed = np.broadcast_to(observed, (*kept, *observed.shape[-2:]))
    result = np.full((*kept, forecast.shape[-3], len(levels), len(_PARTS)), np.nan)
    for index in np.ndindex(kept):
        valid = ~(np.isnan(observed[index]) | np.isnan(forecast[index]).any(axis=0))
        if not valid.any():
            continue

        def objects(field: np.ndarray, level: float, valid: np.ndarray = valid) -> FieldObjects:
            kept = np.where(valid, field, np.nan)
            return find_objects(kept, level, connectivity=connectivity, min_pixels=min_pixels)

        for row, level in enumerate(levels):
            seen = objects(observed[index], level)
            for member, field in enumerate(forecast[index]):
                made = objects(field, level)
                first, second, interest = _interests(made, seen, spacing, max_distance)
                result[(*index, member, row)] = _summary(
                    made, seen, first, second, interest, min_interest, spacing[0] * spacing[1]
                )
    return result


def _interests(
    made: FieldObjects, seen: FieldObjects, spacing: tuple[float, float], max_distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of objects that overlap or are near, and their interest, largest first; ties by the objects' numbers."""
    if not len(made) or not len(seen):
        return np.empty(0, dtype=int), np.empty(0, dtype=int), np.empty(0)
    where = [np.column_stack([one.rows * spacing[0], one.columns * spacing[1]]) for one in (made, seen)]
    near = KDTree(where[0]).sparse_distance_matrix(KDTree(where[1]), max_distance, output_type="coo_matrix")
    both = (made.labels > 0) & (seen.labels > 0)
    shared = (made.labels[both] - 1) * len(seen) + seen.labels[both] - 1
    codes, counts = np.unique(shared, return_counts=True)
    pairs = np.union1d(near.row.astype(np.int64) * len(seen) + near.col, codes)
    first, second = np.divmod(pairs, len(seen))
    overlap = np.zeros(pairs.size)
    overlap[np.searchsorted(pairs, codes)] = counts
    smaller = np.minimum(made.pixels[first], seen.pixels[second])
    larger = np.maximum(made.pixels[first], seen.pixels[second])
    distance = np.hypot(*(where[0][first] - where[1][second]).T)
    proximity = np.maximum(0.0, 1.0 - distance / max_distance)
    interest = (proximity + smaller / larger + overlap / smaller) / 3.0
    order = np.argsort(-interest, kind="stable")
    return first[order], second[order], interest[order]


def _summary(
    made: FieldObjects,
    seen: FieldObjects,
    first: np.ndarray,
    second: np.ndarray,
    interest: np.ndarray,
    min_interest: float,
    cell: float,
) -> list[float]:
    """The numbers of ``_PARTS`` from pairs in the order of their interest."""
    free_made, free_seen = np.ones(len(made), dtype=bool), np.ones(len(seen), dtype=bool)
    hits, matched = 0, 0.0
    # A hair's breadth below, so that rounding does not part a pair whose interest is the limit itself.
    enough = int(np.count_nonzero(interest >= min_interest - 1e-12))
    for f, o, value in zip(first[:enough], second[:enough], interest[:enough], strict=True):
        if free_made[f] and free_seen[o]:
            free_made[f] = free_seen[o] = False
            hits += 1
            matched += value * (made.pixels[f] + seen.pixels[o])
    largest = np.zeros(len(made)), np.zeros(len(seen))
    np.maximum.at(largest[0], first, interest)
    np.maximum.at(largest[1], second, interest)
    pooled = np.concatenate(largest)
    return [
        hits,
        len(seen) - hits,
        len(made) - hits,
        cell * matched,
        cell * float(made.pixels.sum() + seen.pixels.sum()),
        float(np.median(pooled)) if pooled.size else np.nan,
    ]
