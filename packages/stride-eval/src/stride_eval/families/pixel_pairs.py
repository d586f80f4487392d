"""Series at a sample of pixels, in pairs by distance: for correlograms and tail dependence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr

from stride_eval.grid import spacing
from stride_eval.metrics.distance_pairs import DistancePairs, distance_pairs
from stride_eval.systems import Block, Systems

PAIRS = 100
"""Pairs of each distance, where memory allows."""

SERIES_BYTES = 64 * 2**20
"""Of the series of all systems that are kept whole."""

CLASSES = 8
"""Distances that a grid has about."""

PairStatistics = Callable[[xr.DataArray, xr.DataArray], xr.Dataset]
"""From values at both ends (time, member, pair) to quantities at each; the members are realisations."""


class PairSeries:
    """The series of all systems and of the observation at both ends of the pairs of one target."""

    def __init__(self, systems: Systems, key: str) -> None:
        """Chooses the pairs.

        Args:
            systems: what is evaluated.
            key: of the target.
        """
        rows = 1 + sum(systems.members(name) for name in systems.names)
        limit = int(np.clip(SERIES_BYTES // (4 * len(systems.times) * rows * 2 * CLASSES), 5, PAIRS))
        step = spacing(*systems.axes)
        self.pairs: DistancePairs = distance_pairs(_ever_valid(systems, key), spacing=(step.y, step.x), limit=limit)
        self.limit = limit
        self._points, places = np.unique(
            np.concatenate([self.pairs.first.ravel(), self.pairs.second.ravel()]), return_inverse=True
        )
        self._first, self._second = places.reshape(2, *self.pairs.first.shape)
        self._series: dict[str, list[np.ndarray]] = {name: [] for name in ("", *systems.names)}
        self._times: list[xr.DataArray] = []
        self._names = systems.names

    def add(self, block: Block) -> None:
        """Takes the next dates in."""
        self._times.append(block.observed["time"])
        for name in self._series:
            field = block.members[name].values if name else block.observed.values[:, None]
            self._series[name].append(field.reshape(*field.shape[:2], -1)[..., self._points])

    def per_date(self, statistics: PairStatistics) -> xr.Dataset:
        """Means over members and pairs on each date.

        Returns:
            Along time and ``distance`` (and system), each of the statistics, and ``observed_`` before its name for the
            observation; ``pairs_n``, the pairs on that date.
        """
        parts = {name: self._of(name, statistics) for name in self._series}
        joined = xr.concat(
            [parts[name].drop_vars("n") for name in self._names],
            dim=xr.DataArray(list(self._names), dims="system", name="system"),
        )
        seen = parts[""]
        renamed = seen.drop_vars("n").rename({name: f"observed_{name}" for name in seen.data_vars if name != "n"})
        found = xr.Dataset({**joined.data_vars, **renamed.data_vars, "pairs_n": seen["n"]})
        return found.assign_coords(time=xr.concat(self._times, dim="time").variable)

    def _of(self, name: str, statistics: PairStatistics) -> xr.Dataset:
        series = np.concatenate(self._series[name])
        classes = []
        for first, second in zip(self._first, self._second, strict=True):
            ends = [xr.DataArray(series[..., which], dims=("time", "member", "pair")) for which in (first, second)]
            found = statistics(*ends)
            mean = found.mean(("member", "pair"))
            n = (ends[0].notnull() & ends[1].notnull()).all("member").sum("pair")
            classes.append(mean.assign(n=n))
        joined = xr.concat(classes, dim=xr.DataArray(self.pairs.distance, dims="distance", name="distance"))
        assert isinstance(joined, xr.Dataset)
        return joined


def _ever_valid(systems: Systems, key: str) -> np.ndarray:
    """Pixels that are observed on the first date that has any."""
    assert systems.observer is not None
    inside = np.ones(systems.shape, bool) if systems.mask is None else systems.mask
    for time in systems.times:
        valid = np.isfinite(systems.read("target", systems.observer, key, (time,)).values[0]) & inside
        if valid.any():
            return valid
    return np.zeros(systems.shape, bool)


def pair_sums(names: Iterable[str], results: xr.Dataset) -> xr.Dataset:
    """Sums over the pairs of each date as components of a bootstrap; dates with more pairs weigh more.

    Of one target; the distances of another, which has other missing pixels and so other pairs, are left out.
    """
    n = results["pairs_n"].fillna(0)
    held = np.flatnonzero((n > 0).any([dim for dim in n.dims if dim != "distance"]))
    results, n = results.isel(distance=held), n.isel(distance=held)
    every = [*names, *(f"observed_{name}" for name in names)]
    return xr.Dataset({name: (results[name] * n).fillna(0.0) for name in every}).assign(n=n)
