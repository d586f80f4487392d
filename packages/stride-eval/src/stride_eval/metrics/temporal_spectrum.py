"""Variance of series by frequency."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.signal import periodogram

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.errors import MetricError


def temporal_spectrum(
    series: xr.DataArray, *, segment: int, time_dim: str = "time", runs: DateRuns | None = None
) -> xr.DataArray:
    """Power spectral density along the dates, averaged over segments of unbroken runs and over all other dimensions.

    Each run is cut into segments of ``segment`` dates without overlap (Bartlett); each loses its mean, is weighted by a
    Hann window and gives a one-sided periodogram. A segment with a missing value is left out at that point.

    Args:
        series: along ``time_dim`` and any other dimensions.
        segment: dates in a segment, 4 or more.
        time_dim: the dimension of the dates.
        runs: of the dates; None: from the coordinate of ``time_dim``.

    Returns:
        Along ``frequency`` (cycles per day, zero left out), in squared units times days; NaN where no segment is
        whole. ``n`` among the attributes counts segments of dates.

    Raises:
        MetricError: no dates, or a segment that is too short.

    Source:
        Bartlett (1950), https://doi.org/10.1093/biomet/37.1-2.1; von Storch & Zwiers (1999),
        https://doi.org/10.1017/CBO9780511612336, chapter 12.
    """
    if time_dim not in series.dims:
        raise MetricError(f"series has no dimension {time_dim!r}; name the dates' dimension by time_dim=")
    if segment < 4:
        raise MetricError(f"segment is {segment}; give 4 dates or more")
    runs = runs or date_runs(series[time_dim])
    values = series.transpose(time_dim, ...).values.reshape(series.sizes[time_dim], -1).astype(np.float64)
    per_day = 86400.0 / runs.step
    total, count, segments = 0.0, 0, 0
    frequency = np.fft.rfftfreq(segment, 1.0 / per_day)[1:]
    ends = np.cumsum(runs.lengths)
    for start, end in zip(ends - runs.lengths, ends, strict=True):
        for first in range(start, end - segment + 1, segment):
            part = values[first : first + segment]
            part = part[:, np.isfinite(part).all(axis=0)]
            segments += 1
            if part.shape[1]:
                _, power = periodogram(part, fs=per_day, window="hann", detrend="constant", axis=0)
                total, count = total + power[1:].sum(axis=1), count + part.shape[1]
    mean = total / count if count else np.full(frequency.size, np.nan)
    result = describe(
        xr.DataArray(mean, dims="frequency", coords={"frequency": frequency}), "temporal power spectral density"
    )
    result.attrs["n"] = segments
    return result
