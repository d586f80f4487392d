"""Reliability curve: how often an event happens when it is forecast with a given probability."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, as_threshold, check_pair, describe, reduced_dims
from stride_eval.metrics.blocks import additive, count_by_code, over_members
from stride_eval.metrics.errors import MetricError


def reliability_curve(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    member_dim: str = "member",
    dim: Dims = ...,
    bins: int | None = None,
) -> xr.Dataset:
    """Observed frequency of ``value >= threshold`` against its forecast probability k / M, with counts.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        threshold: in the units of the field; a number or a map.
        member_dim: the ensemble dimension.
        dim: dimensions to pool.
        bins: number of equal probability bins; ``None`` takes one for each of the M + 1 possible probabilities up to 20
            members, 10 beyond.

    Returns:
        Over ``probability_bin``: ``forecast_probability`` (mean within the bin), ``observed_frequency`` (both NaN for
        an empty bin), and the additive ``n``, ``n_observed`` (events) and ``sum_probability``; ``base_rate`` of the
        event over all points. ``n`` over the bins is the sharpness histogram.

    Raises:
        MetricError: less than one bin, or fields that do not lie on the same points.

    Source:
        Wilks (2019), chapter 9, https://doi.org/10.1016/C2017-0-03921-6; Bröcker & Smith (2007),
        https://doi.org/10.1175/WAF993.1 (mean probability as the bin's place).
    """
    members = check_pair(forecast, observed, member_dim)
    if bins is not None and bins < 1:
        raise MetricError(f"bins is {bins}; give a number of probability bins of 1 or more")
    weights = _bin_of_count(members, bins)
    size = weights.shape[1]

    def code(values: np.ndarray, truth: np.ndarray, level: np.ndarray) -> tuple[np.ndarray]:
        count = (values >= level).sum(axis=0, dtype=np.int32)
        missing = np.isnan(truth) | np.isnan(level) | np.isnan(values).any(axis=0)
        return (np.where(missing, np.int32(-1), 2 * count + (truth >= level)).astype(np.int32),)

    def totals(block: np.ndarray) -> np.ndarray:
        count = count_by_code(block, 2 * (members + 1)).reshape(len(block), members + 1, 2)
        n, events = count.sum(axis=2), count[:, :, 1]
        probability = n * np.arange(members + 1) / members
        return np.concatenate([part @ weights for part in (n, events, probability)], axis=1)

    (codes,) = over_members(
        code, forecast, observed, as_threshold(threshold), member_dim=member_dim, dtypes=(np.int32,)
    )
    names = reduced_dims(codes, dim, member_dim=member_dim)
    parts = additive(totals, codes, names, out_dim="probability_bin", out_size=3 * size)
    n, events, probability = (parts.isel(probability_bin=slice(i * size, (i + 1) * size)) for i in range(3))
    total = n.sum("probability_bin")
    return xr.Dataset(
        {
            "forecast_probability": describe(probability / n.where(n > 0), "mean forecast probability", "1"),
            "observed_frequency": describe(events / n.where(n > 0), "observed relative frequency", "1"),
            "n": describe(n, "number of points", "1"),
            "n_observed": describe(events, "observed events", "1"),
            "sum_probability": describe(probability, "sum of forecast probabilities", "1"),
            "base_rate": describe(events.sum("probability_bin") / total.where(total > 0), "observed base rate", "1"),
        }
    )


def _bin_of_count(members: int, bins: int | None) -> np.ndarray:
    """[member count k, bin]: 1 where probability k / M falls into the bin; the last bin holds probability 1."""
    counts = np.arange(members + 1)
    if bins is None and members <= 20:
        place, size = counts, members + 1
    else:
        size = 10 if bins is None else bins
        place = np.minimum(counts * size // members, size - 1)  # integers: no rounding at the edges
    return (place[:, None] == np.arange(size)).astype(np.float64)
