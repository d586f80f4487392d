"""Generalised Pareto law of what exceeds a high threshold: fit by L-moments, return levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe, increasing
from stride_eval.metrics.errors import MetricError


def gpd_from_l_moments(moments: xr.Dataset) -> xr.Dataset:
    """Parameters of the law of excesses e over a threshold, P(e > z) = (1 + xi z / sigma)^(-1/xi).

    With k = -xi: k = l1 / l2 - 2, sigma = (1 + k) l1.

    Args:
        moments: ``l1`` and ``l2`` of the excesses (values less the threshold).

    Returns:
        ``scale`` in the units of the values and ``shape`` xi, above 0 a heavy tail; NaN where all excesses are equal,
        or xi would reach 1, where the law has no mean.

    Raises:
        MetricError: a moment is not there.

    Source:
        Hosking & Wallis (1987), https://doi.org/10.1080/00401706.1987.10488243; Hosking (1990),
        https://doi.org/10.1111/j.2517-6161.1990.tb01775.x.
    """
    missing = {"l1", "l2"} - set(moments.data_vars)
    if missing:
        raise MetricError(f"moments lack {', '.join(sorted(missing))}; give what l_moments returns")
    k = moments["l1"] / moments["l2"].where(moments["l2"] > 0) - 2.0
    k = k.where(k > -1.0)
    return xr.Dataset({"scale": (1.0 + k) * moments["l1"], "shape": -k})


def gpd_return_level(
    parameters: xr.Dataset,
    periods: Sequence[float] | np.ndarray,
    *,
    threshold: float | xr.DataArray,
    rate: float | xr.DataArray,
) -> xr.DataArray:
    """Level exceeded once in N dates on average.

    x_N = u + sigma ((N rate)^xi - 1) / xi, for xi = 0 u + sigma ln(N rate).

    Args:
        parameters: ``scale`` and ``shape`` (``gpd_from_l_moments``).
        periods: N in dates, increasing.
        threshold: u, in the units of the values.
        rate: share of values above the threshold.

    Returns:
        Along ``period``; NaN where N rate is below 1: the level lies under the threshold, of which the law says
        nothing.

    Raises:
        MetricError: periods that do not increase.

    Source:
        Coles (2001), https://doi.org/10.1007/978-1-4471-3675-0, chapter 4.
    """
    dates = increasing(periods, "periods", at_least=1)
    expected = rate * xr.DataArray(dates, dims="period", coords={"period": dates})
    growth = np.log(expected.where(expected >= 1.0))
    shape = parameters["shape"]
    small = abs(shape) < 1e-6
    reach = xr.where(small, growth, np.expm1(shape * growth) / shape.where(~small, 1.0))
    return describe(threshold + parameters["scale"] * reach, "return level")
