"""CRPS of the sample's own climate: the uncertainty that a forecast can resolve."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims, units_of
from stride_eval.metrics.errors import MetricError


def equal_groups(observed: xr.DataArray, *, groups: int = 256, dim: Dims = ...) -> xr.Dataset:
    """The observed values in order, cut into groups of equal count: a distribution in a few numbers.

    With no more values than groups, each has its own and nothing is lost. The distributions of several dates pool into
    one, by the values with their counts.

    Args:
        observed: any field; NaN is missing.
        groups: how many at most.
        dim: dimensions to pool.

    Returns:
        ``value``, the mean of each group, and ``count``, over the dimensions that remain and ``group``; NaN and 0 for
        groups that are empty because there are fewer values.

    Raises:
        MetricError: less than one group, or an unknown dimension.
    """
    if groups < 1:
        raise MetricError(f"groups is {groups}; give 1 or more")
    names = reduced_dims(observed, dim)
    found = xr.apply_ufunc(
        _equal_groups,
        observed if observed.chunks is None else observed.chunk(dict.fromkeys(names, -1)),
        kwargs={"groups": groups, "reduced": len(names)},
        input_core_dims=[names],
        output_core_dims=[["part", "group"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"part": 2, "group": groups}},
        keep_attrs=False,
    )
    return xr.Dataset(
        {
            "value": describe(found.isel(part=0), "mean of the group", units_of(observed)),
            "count": describe(found.isel(part=1), "number of values in the group", "1"),
        }
    )


def _equal_groups(values: np.ndarray, *, groups: int, reduced: int) -> np.ndarray:
    """[..., *reduced] -> [..., 2, groups]."""
    kept = values.shape[: values.ndim - reduced]
    found = np.zeros((*kept, 2, groups))
    found[..., 0, :] = np.nan
    for case in np.ndindex(kept):
        ordered = values[case].astype(np.float64).reshape(-1)
        ordered = np.sort(ordered[~np.isnan(ordered)])
        if not ordered.size:
            continue
        used = min(groups, ordered.size)
        edges = np.arange(used + 1) * ordered.size // used
        count = np.diff(edges)
        found[case][0, :used] = np.add.reduceat(ordered, edges[:-1]) / count
        found[case][1, :used] = count
    return found


def common_classes(groups: xr.Dataset, *, classes: int = 1024, time_dim: str = "time") -> xr.Dataset:
    """Groups of several dates in classes that all dates share: equal values in one class, about equal counts.

    Args:
        groups: of :func:`equal_groups` for each date, over ``time_dim`` and ``group``.
        classes: how many at most; with no more distinct values than that, each is a class of its own.
        time_dim: dimension of the dates.

    Returns:
        ``counts`` and ``sums`` of the values over ``time_dim`` and ``class``, ascending: what
        :func:`climate_uncertainty` takes, as sums or means over dates.

    Raises:
        MetricError: less than one class.
    """
    if classes < 1:
        raise MetricError(f"classes is {classes}; give 1 or more")
    values, counts = (groups[name].transpose(time_dim, "group").values for name in ("value", "count"))
    days = len(values)
    present = np.isfinite(values) & (counts > 0)
    day = np.broadcast_to(np.arange(days)[:, None], values.shape)[present]
    weights = counts[present]
    distinct, which = np.unique(values[present], return_inverse=True)
    size = min(classes, max(distinct.size, 1))
    place = np.arange(distinct.size)
    if distinct.size > size:
        total = np.bincount(which, weights)
        place = np.minimum(((np.cumsum(total) - total) * size / total.sum()).astype(int), size - 1)
    codes = day * size + place[which]
    parts = {"counts": weights, "sums": weights * values[present]}
    return xr.Dataset(
        {
            name: ((time_dim, "class"), np.bincount(codes, part, minlength=days * size).reshape(days, size))
            for name, part in parts.items()
        }
    )


def climate_uncertainty(counts: xr.DataArray, sums: xr.DataArray, *, class_dim: str = "class") -> xr.DataArray:
    r"""Half the mean distance of two observed values drawn at random: the CRPS of always forecasting the climate.

    .. math:: U = \int F (1 - F) dz = \frac{1}{2 n^2} \sum_i \sum_j |y_i - y_j|

    from values in ascending classes, by the counts and the sums of each. Pairs from different classes are exact; within
    a class all values count as equal, so that classes of one value give U exactly.

    Args:
        counts: number of values by class, ascending in value along ``class_dim``; sums or means over dates.
        sums: sum of the values by class, on the same footing.
        class_dim: dimension of the classes.

    Returns:
        U in the units of the values; NaN without values.

    Raises:
        MetricError: no dimension ``class_dim``.

    Source:
        Hersbach (2000), https://doi.org/10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2 (uncertainty).
    """
    if class_dim not in counts.dims or class_dim not in sums.dims:
        raise MetricError(f"counts and sums need the dimension {class_dim!r}, classes in ascending order of value")
    n = counts.sum(class_dim)
    n = n.where(n > 0)
    # Less the mean: the sums of large values (kelvin) would leave little of their difference.
    sums = sums - counts * (sums.sum(class_dim) / n)
    before, sums_before = counts.cumsum(class_dim) - counts, sums.cumsum(class_dim) - sums
    distance = (before * sums - sums_before * counts).sum(class_dim)
    return describe(distance / n**2, "uncertainty of the climate (CRPS)", units_of(sums))
