"""CRPS as reliability, resolution and uncertainty."""

from __future__ import annotations

import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def hersbach_decomposition(sums: xr.Dataset) -> xr.Dataset:
    r"""Reliability and potential CRPS of an ensemble taken as it is (the ecdf form of the CRPS).

    With alpha_i and beta_i the mean lengths, in the gap between the ordered members i and i+1, below and above the
    observation, g_i = alpha_i + beta_i the mean width of the gap, o_i = beta_i / g_i about how often the observation
    was below its middle, and p_i = i / M:

    .. math:: CRPS = \sum_i \alpha_i p_i^2 + \beta_i (1 - p_i)^2
                   = \sum_i g_i (o_i - p_i)^2 + \sum_i g_i o_i (1 - o_i)

    the first sum is the reliability, the second the potential CRPS: that of the same ensemble once its probabilities
    are right. Beyond the ends of the ensemble (i = 0 and i = M) o is the frequency of outliers, and g the mean distance
    of an outlier. An observation equal to an end is no outlier. Resolution is the uncertainty
    (:func:`~stride_eval.metrics.climate_uncertainty.climate_uncertainty`) less the potential CRPS.

    Reliability counts the sampling of M members as a fault: that of a calibrated ensemble falls as 1 / M and is not 0.

    Args:
        sums: sums or means over dates of :func:`~stride_eval.metrics.order_statistics.order_statistic_sums`, over
            ``order`` (1 .. M).

    Returns:
        ``crps``, ``reliability`` and ``potential`` in the units of the field, with ``crps = reliability + potential``;
        NaN where there is no point.

    Raises:
        MetricError: sums without the dimension ``order``.

    Source:
        Hersbach (2000), https://doi.org/10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2.
    """
    if "order" not in sums.dims:
        raise MetricError("sums has no dimension 'order'; make it by order_statistic_sums")
    members = sums.sizes["order"]
    n = sums["n"].where(sums["n"] > 0)
    above, below = sums["above"] / n, sums["below"] / n
    # min(y, x) and max(y, x) grow from member to member by the parts of the gap below and above the observation.
    left, right = ({"order": slice(None, -1)}, {"order": slice(1, None)})
    alpha = below.isel(left).drop_vars("order", errors="ignore") - below.isel(right).drop_vars("order", errors="ignore")
    beta = above.isel(right).drop_vars("order", errors="ignore") - above.isel(left).drop_vars("order", errors="ignore")
    p = xr.DataArray([i / members for i in range(1, members)], dims="order")
    width = alpha + beta
    o = (beta / width.where(width > 0)).fillna(0.0)
    reliability = (width * (o - p) ** 2).sum("order")
    potential = (width * o * (1.0 - o)).sum("order")
    # Both ends alike: g o (1 - o) with g o the mean excess, and o - p the frequency of outliers there.
    for excess, outliers, place in ((above, sums["n_above"], 0), (below, sums["n_below"], -1)):
        excess = excess.isel(order=place, drop=True)
        frequency = outliers.isel(order=place, drop=True) / n
        reliability = reliability + excess * frequency
        potential = potential + excess * (1.0 - frequency)
    reliability, potential = reliability.where(n > 0), potential.where(n > 0)
    units = sums["above"].attrs.get("units")
    return xr.Dataset(
        {
            "crps": describe(reliability + potential, "CRPS of the members taken as the law", units),
            "reliability": describe(reliability, "reliability part of the CRPS", units),
            "potential": describe(potential, "potential CRPS", units),
        }
    )
