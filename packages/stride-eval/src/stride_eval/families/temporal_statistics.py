"""What one field, observed or forecast, is over time: gathered while its dates come a few at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from stride_eval.metrics.autocorrelation import autocorrelation_from_sums, pair_sums
from stride_eval.metrics.date_runs import DateRuns
from stride_eval.metrics.spells import SpellCounter
from stride_eval.metrics.temporal_spectrum import temporal_spectrum
from stride_eval.metrics.transition import transition_counts

PIECE = 16
"""Dates that are worked on at once."""

POOLED = ("member", "y", "x")


@dataclass
class TemporalStatistics:
    """Carries one date and two lengths per pixel and member from block to block, so that spells and pairs cross blocks.

    Attributes:
        runs: of all dates.
        threshold: of the event.
        thin: every how many rows and columns a pixel's whole series is kept, for lags and spectra.
    """

    runs: DateRuns
    threshold: float
    thin: int
    _done: int = 0
    _last: xr.DataArray | None = None
    _dates: list[xr.Dataset] = field(default_factory=list)
    _sums: xr.Dataset | None = None
    _series: list[np.ndarray] = field(default_factory=list)
    _spells: tuple[SpellCounter, SpellCounter] = field(default_factory=lambda: (SpellCounter(), SpellCounter()))

    def add(self, values: xr.DataArray) -> None:
        """Takes the next dates: (time, member, y, x)."""
        for start in range(0, values.sizes["time"], PIECE):
            self._add(values.isel(time=slice(start, start + PIECE)))

    def _add(self, values: xr.DataArray) -> None:
        stop = self._done + values.sizes["time"]
        begin = self._done - (self._last is not None)
        joined = values if self._last is None else xr.concat([self._last, values], dim="time")
        runs = self.runs.part(begin, stop)
        members = values.sizes["member"]
        fresh = slice(self._done - begin, None)
        counts = transition_counts(joined, threshold=self.threshold, dim=POOLED, runs=runs) / members
        in_run = (self.runs.lengths > 1)[self.runs.run[self._done : stop]]
        present, event = values.notnull(), values >= self.threshold
        n = present.sum(POOLED)
        events = (event.sum(POOLED) / members).where(xr.DataArray(in_run, dims="time"), 0.0)
        part = counts.isel(time=fresh).assign(events=events, n=n / members)
        part["starts"] = part["events"] - part["event_event"]
        part["mean"] = values.sum(POOLED, dtype=np.float64) / n.where(n > 0)
        part["event_frequency"] = event.sum(POOLED) / n.where(n > 0)
        self._dates.append(part)
        sums = pair_sums(joined, runs=runs, dim="member")
        self._sums = sums if self._sums is None else self._sums + sums
        follows = self.runs.follows[self._done : stop]
        kept = in_run[:, None, None, None]
        for counter, happens in zip(self._spells, (event, present & ~event), strict=True):
            counter.add(happens.values & kept, follows)
        self._series.append(values.values[:, :, :: self.thin, :: self.thin].reshape(len(in_run), members, -1))
        self._last, self._done = values.isel(time=[-1]).copy(), stop

    def finish(self, lags: int, segment: int) -> xr.Dataset:
        """Everything as one Dataset.

        Args:
            lags: the largest lag, in steps; 0 for none.
            segment: dates of a segment of the spectrum; 0 for none.
        """
        assert self._sums is not None
        result = xr.concat(self._dates, dim="time")
        spells = [counter.finish() for counter in self._spells]
        longest = max(counts.shape[1] for counts in spells)
        table = np.stack([np.pad(counts, ((0, 0), (0, longest - counts.shape[1]))) for counts in spells])
        lengths = np.arange(1, longest + 1)
        result["spells"] = (("kind", "length"), table.mean(axis=1))
        result["longest"] = ("kind", np.where(table > 0, lengths, 0).max(axis=2).mean(axis=1))
        result["lag1_map"] = autocorrelation_from_sums(self._sums)
        result = result.assign_coords(kind=["event", "none"], length=lengths)
        series = np.concatenate(self._series)
        if lags:
            product, power = (np.full((len(series), lags), np.nan) for _ in range(2))
            for lag in range(1, lags + 1):
                later = self.runs.pairs(lag)
                product[later, lag - 1], power[later, lag - 1] = _pair_products(series, later, lag)
            result["lag_product"], result["lag_power"] = (("time", "lag"), product), (("time", "lag"), power)
            result = result.assign_coords(lag=np.arange(1, lags + 1))
        if segment:
            whole = xr.DataArray(series, dims=("time", "member", "pixel"))
            result["spectrum"] = temporal_spectrum(whole, segment=segment, runs=self.runs)
        return result


def _pair_products(series: np.ndarray, later: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Products and powers of each pair's anomalies from the pixel's mean, members and pixels summed."""
    if not later.size:
        return np.zeros(0), np.zeros(0)
    x, y = series[later - lag].astype(np.float64), series[later].astype(np.float64)
    valid = np.isfinite(x) & np.isfinite(y)
    n = valid.sum(axis=(0, 1))
    middle = np.where(valid, x + y, 0.0).sum(axis=(0, 1)) / (2.0 * np.maximum(n, 1))
    x, y = np.where(valid, x - middle, 0.0), np.where(valid, y - middle, 0.0)
    members = series.shape[1]
    return (x * y).sum(axis=(1, 2)) / members, (x * x + y * y).sum(axis=(1, 2)) / (2.0 * members)
