"""Relative economic value of an ensemble to users who can pay to be safe from an event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError


def relative_economic_value(counts: xr.DataArray, *, cost_loss: float | Sequence[float] | np.ndarray) -> xr.DataArray:
    r"""Value of acting where at least k of M members have the event, for each k.

    A user pays C to act, or loses L where the event comes unprepared; a = C / L. With the base rate s, the hit rate H
    and the false alarm rate F,

    .. math:: V = \frac{\min(a, s) - F (1 - s) a + H s (1 - a) - s}{\min(a, s) - s a}

    the saving over what the observed climate alone allows (act always or never), as a share of the saving by perfect
    forecasts. Counts are added up over dates before rates are taken.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.member_counts.member_counts`, with the
            dimensions ``outcome`` and ``k``; missing counts are 0.
        cost_loss: a, between 0 and 1, one or several.

    Returns:
        Value, 1 perfect, 0 as good as climate, negative for worse, over the dimensions that remain, ``cost_loss`` where
        several were given, and ``k`` (1 .. M). NaN where the event was always or never observed.

    Raises:
        MetricError: a cost-loss ratio that is not between 0 and 1, or counts without ``outcome`` and ``k``.

    Source:
        Richardson (2000), https://doi.org/10.1002/qj.49712656313.
    """
    ratios = np.atleast_1d(np.asarray(cost_loss, dtype=np.float64))
    if not ((ratios > 0) & (ratios < 1)).all():
        raise MetricError(f"cost_loss holds {ratios.tolist()}; give ratios of cost to loss above 0 and below 1")
    hits, false_alarms, base_rate = _rates(counts)
    a = xr.DataArray(ratios, dims="cost_loss", coords={"cost_loss": ratios})
    if np.ndim(cost_loss) == 0:
        a = a.isel(cost_loss=0)
    climate = xr.where(a < base_rate, a, base_rate)
    perfect = climate - base_rate * a
    value = climate - false_alarms * (1.0 - base_rate) * a + hits * base_rate * (1.0 - a) - base_rate
    return describe(value / perfect.where(perfect > 0), "relative economic value", "1")


def potential_economic_value(counts: xr.DataArray, *, cost_loss: float | Sequence[float] | np.ndarray) -> xr.DataArray:
    """Envelope of :func:`relative_economic_value`: each user acts at the number of members k that serves them best.

    Args:
        counts: as in :func:`relative_economic_value`.
        cost_loss: ratios of cost to loss, between 0 and 1.

    Returns:
        Largest value over k = 1 .. M. The k is chosen on the dates that it is judged on: "potential" value.

    Raises:
        MetricError: as :func:`relative_economic_value`.

    Source:
        Richardson (2000), https://doi.org/10.1002/qj.49712656313.
    """
    value = relative_economic_value(counts, cost_loss=cost_loss)
    return describe(value.max("k"), "potential economic value", "1")


def largest_economic_value(counts: xr.DataArray) -> xr.DataArray:
    """Largest value over all users and all k: max over k of H - F, reached where cost over loss is the base rate.

    Args:
        counts: as in :func:`relative_economic_value`.

    Returns:
        1 perfect, 0 without use; NaN where the event was always or never observed.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Richardson (2000), https://doi.org/10.1002/qj.49712656313.
    """
    hits, false_alarms, _ = _rates(counts)
    return describe((hits - false_alarms).max("k"), "largest economic value", "1")


def _rates(counts: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Hit rate and false alarm rate of acting at k = 1 .. M members or more, and the base rate."""
    if not {"outcome", "k"} <= set(counts.dims) or counts.sizes["outcome"] != 2:
        raise MetricError("counts must have the dimensions 'outcome' (0, 1) and 'k'; make them by member_counts")
    counts = counts.fillna(0.0)
    total = counts.sum("k")
    # Counts at k and above: summed from the far end.
    reached = counts.isel(k=slice(None, None, -1)).cumsum("k").isel(k=slice(None, None, -1))
    if "k" in counts.coords:
        reached = reached.assign_coords(k=counts["k"].values)
    rates = (reached / total.where(total > 0)).isel(k=slice(1, None))
    events, others = total.isel(outcome=1, drop=True), total.isel(outcome=0, drop=True)
    points = events + others
    return rates.isel(outcome=1, drop=True), rates.isel(outcome=0, drop=True), events / points.where(points > 0)
