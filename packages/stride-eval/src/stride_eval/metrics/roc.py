"""ROC curve of an ensemble and the area under it, from counts of members with the event."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.brier_decomposition import events_and_points


def roc_curve(counts: xr.DataArray) -> xr.Dataset:
    """Hit rate against false alarm rate of warning where at least k members have the event.

    Args:
        counts: sums or means over dates of :func:`~stride_eval.metrics.member_counts.member_counts`, with the
            dimensions ``outcome`` and ``k``.

    Returns:
        ``hit_rate`` and ``false_alarm_rate`` over ``k``, from M + 1 (never warn: 0, 0) down to 0 (always: 1, 1); NaN
        where the event was always or never observed.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Mason (1982), Australian Meteorological Magazine 30, 291-303; Wilks (2019), chapter 9,
        https://doi.org/10.1016/C2017-0-03921-6.
    """
    events, points = events_and_points(counts)
    rates = {}
    for name, part in (("hit_rate", events), ("false_alarm_rate", points - events)):
        total = part.sum("k")
        reached = part.isel(k=slice(None, None, -1)).cumsum("k") / total.where(total > 0)
        rate = reached.pad(k=(1, 0), constant_values=0.0).where(total > 0)
        rates[name] = describe(rate, name.replace("_", " "), "1").transpose(..., "k")
    return xr.Dataset(rates).assign_coords(k=np.arange(points.sizes["k"], -1, -1))


def roc_area(counts: xr.DataArray) -> xr.DataArray:
    r"""Area under the ROC curve: the chance that an event had more members than a non-event, ties counting one half.

    .. math:: A = \sum_k \frac{e_k}{e} \left( \frac{\sum_{i<k} f_i}{f} + \frac{f_k}{2 f} \right)

    with e_k events and f_k non-events on which k members have the event: the Mann-Whitney statistic, and the area
    under the curve of straight lines. It does not see calibration: any increasing change of k leaves it alone.

    Args:
        counts: as in :func:`roc_curve`.

    Returns:
        1 perfect, 0.5 without discrimination; NaN where the event was always or never observed.

    Raises:
        MetricError: counts without ``outcome`` and ``k``.

    Source:
        Hanley & McNeil (1982), https://doi.org/10.1148/radiology.143.1.7063747; Mason & Graham (2002),
        https://doi.org/10.1256/003590002320603584.
    """
    events, points = events_and_points(counts)
    others = points - events
    pairs = events.sum("k") * others.sum("k")
    ranked = (events * (others.cumsum("k") - 0.5 * others)).sum("k")
    return describe(ranked / pairs.where(pairs > 0), "area under the ROC curve", "1")
