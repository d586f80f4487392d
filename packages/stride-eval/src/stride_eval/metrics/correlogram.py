"""Correlation of anomalies at two places, by their distance."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims


def correlogram_components(first: xr.DataArray, second: xr.DataArray, *, dim: Dims = "time") -> xr.Dataset:
    """Products and powers of anomalies, whose means over dates and pairs give the correlogram.

    Args:
        first: values at one end of each pair.
        second: values at the other end.
        dim: dimensions over which each place has its mean (dates; members taken as realisations as well).

    Returns:
        ``product`` = a b and ``power`` = (a² + b²) / 2, a and b the values less their means; NaN where either is
        missing.
    """
    valid = first.notnull() & second.notnull()
    a, b = (one.astype(np.float64).where(valid) for one in (first, second))
    names = reduced_dims(a, dim)
    a, b = a - a.mean(names), b - b.mean(names)
    return xr.Dataset({"product": a * b, "power": (a * a + b * b) / 2.0})


def correlogram_from_components(means: xr.Dataset) -> xr.DataArray:
    """mean(a b) / mean((a² + b²) / 2): correlation over all pairs of a distance.

    Args:
        means: ``product`` and ``power``, averaged as wanted.

    Returns:
        Between -1 and 1; NaN where nothing varies.
    """
    power = means["power"].where(means["power"] > 0)
    return describe((means["product"] / power).clip(-1.0, 1.0), "correlation of anomalies", "1")


def correlogram(first: xr.DataArray, second: xr.DataArray, *, dim: Dims = "time", pool: Dims = "pair") -> xr.DataArray:
    """Correlation of anomalies at pairs of places, pooled over pairs of one distance.

    r = sum a b / (1/2 sum (a² + b²)), over dates and pairs, a and b the values less the mean over dates at their place.

    Args:
        first: values at one end of each pair.
        second: values at the other end.
        dim: dimensions of the realisations.
        pool: dimension of the pairs of one distance.

    Returns:
        Between -1 and 1; a pair without one of its ends is left out on that date.

    Raises:
        MetricError: an unknown dimension.

    Source:
        Correlogram: Cressie (1993), Statistics for Spatial Data, https://doi.org/10.1002/9781119115151; symmetric form:
        Fisher (1925), Statistical Methods for Research Workers, section 38.
    """
    parts = correlogram_components(first, second, dim=dim)
    names = [*reduced_dims(first, dim), *reduced_dims(first, pool)]
    return correlogram_from_components(parts.mean(list(dict.fromkeys(names))))
