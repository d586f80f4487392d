"""Correlation of two variables over the points of a field."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, describe, reduced_dims
from stride_eval.metrics.errors import MetricError


def cross_correlation(first: xr.DataArray, second: xr.DataArray, *, dim: Dims = ("y", "x")) -> xr.DataArray:
    """Pearson correlation of two variables: of each member's own two fields, or of the two observed ones.

    Args:
        first: one variable.
        second: another one, on the same points; with a member dimension where ``first`` has one.
        dim: dimensions to correlate over.

    Returns:
        Between -1 and 1 over the dimensions that remain. Points where either is missing are left out; a constant field
        (a dry day) has none: NaN.

    Raises:
        MetricError: the two do not have the same dimensions and sizes, or an unknown dimension.

    Source:
        Wilks (2019), Statistical Methods in the Atmospheric Sciences, 4th ed., chapter 3,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    if dict(first.sizes) != dict(second.sizes):
        raise MetricError(
            f"the first variable has {dict(first.sizes)} points and the second {dict(second.sizes)}; give both on the "
            "same points"
        )
    names = reduced_dims(first, dim)
    present = first.notnull() & second.notnull()
    moments = []
    for values in (first, second):
        # The mean of a constant field is rounded: its deviations are not exactly 0 and would give some correlation.
        kept = values.astype(np.float64).where(present)
        varies = kept.max(names) > kept.min(names)
        moments.append((kept - kept.mean(names)).where(varies))
    one, other = moments
    product = (one * other).sum(names, min_count=1)
    size = ((one**2).sum(names, min_count=1) * (other**2).sum(names, min_count=1)) ** 0.5
    return describe((product / size.where(size > 0)).clip(-1.0, 1.0), "correlation of two variables", "1")
