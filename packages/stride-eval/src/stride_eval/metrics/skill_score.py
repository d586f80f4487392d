"""Skill score against a reference system."""

from __future__ import annotations

import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, describe
from stride_eval.metrics.errors import MetricError


def skill_score(
    score: xr.DataArray,
    reference: xr.DataArray,
    *,
    dim: Dims = ...,
    weights: xr.DataArray | None = None,
    perfect: float = 0.0,
) -> xr.DataArray:
    """Skill score as a ratio of means: ``1 - (mean(S) - P) / (mean(S_ref) - P)``.

    The means are taken first, over the points where both systems have a score; a mean of ratios would be ruled by the
    points where the reference happens to be nearly perfect.

    Args:
        score: elementwise (or daily) scores of the system, negatively oriented (for example CRPS).
        reference: the same scores of the reference system.
        dim: dimensions to average over before dividing.
        weights: weights of the mean.
        perfect: the score of a perfect forecast, P.

    Returns:
        1 for a perfect system, 0 for one as good as the reference, negative for a worse one; NaN where the reference is
        perfect.

    Raises:
        MetricError: the two do not lie on the same points.

    Source:
        Wilks (2019), Statistical Methods in the Atmospheric Sciences, 4th ed., chapter 9,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    if set(score.dims) != set(reference.dims):
        raise MetricError(
            f"score has dimensions {', '.join(map(str, score.dims))} "
            f"and reference {', '.join(map(str, reference.dims))}; give both on the same points"
        )
    try:
        score, reference = xr.align(score, reference, join="exact")
    except ValueError as error:
        raise MetricError(
            "score and reference have other labels; bring both to the common dates and points first, "
            "for example by xarray.align(..., join='inner')"
        ) from error
    common = score.notnull() & reference.notnull()
    own = mean(score.where(common), dim=dim, weights=weights) - perfect
    other = mean(reference.where(common), dim=dim, weights=weights) - perfect
    return describe(1.0 - own / other.where(other != 0), "skill score", "1")
