"""Fields with ties, gaps and dry days, and how far two results on them are apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

DAYS, MEMBERS, ROWS, COLUMNS = 20, 16, 40, 50
FIELD = ("y", "x")


@dataclass(frozen=True)
class Case:
    """The fields, and where they can be scored."""

    forecast: xr.DataArray
    observed: xr.DataArray

    @cached_property
    def valid(self) -> np.ndarray:
        return (self.observed.notnull() & self.forecast.notnull().all("member")).values

    @cached_property
    def members(self) -> np.ndarray:
        """Members [point, M] of the points that are present."""
        return np.moveaxis(self.forecast.values, 1, -1)[self.valid]

    @cached_property
    def truth(self) -> np.ndarray:
        """Observed values [point] of the same points."""
        return self.observed.values[self.valid]

    @cached_property
    def masked(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Both fields, missing wherever one of them is."""
        valid = xr.DataArray(self.valid, dims=self.observed.dims)
        return self.forecast.where(valid), self.observed.where(valid)

    @cached_property
    def days(self) -> list[tuple[int, np.ndarray]]:
        """Days with points, and which."""
        return [(day, kept) for day, kept in enumerate(self.valid) if kept.any()]

    def at_points(self, result: xr.DataArray) -> np.ndarray:
        """An elementwise result at the points that are present; it must be missing at all others."""
        values = result.transpose(*self.observed.dims, ...).values
        assert np.isnan(values[~self.valid]).all()
        return values[self.valid]


def hard_case() -> Case:
    rng = np.random.default_rng(20261122)
    members = np.round(rng.gamma(0.4, 5, (DAYS, MEMBERS, ROWS, COLUMNS)), 1)
    observed = np.round(rng.gamma(0.4, 5, (DAYS, ROWS, COLUMNS)), 1)
    members[members < 1], observed[observed < 1] = 0, 0
    members[1], observed[1] = 0, 0
    observed[2] = np.nan
    observed[3][rng.random((ROWS, COLUMNS)) < 0.2] = np.nan
    members[4][rng.random((MEMBERS, ROWS, COLUMNS)) < 0.02] = np.nan
    time = np.datetime64("2014-06-01", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
    return Case(
        xr.DataArray(members, dims=("time", "member", *FIELD), coords={"time": time}),
        xr.DataArray(observed, dims=("time", *FIELD), coords={"time": time}),
    )


def difference(one: object, other: object) -> float:
    """Largest absolute difference; both must be missing in the same places."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    assert one.shape == other.shape, (one.shape, other.shape)
    assert (np.isnan(one) == np.isnan(other)).all()
    return float(np.nanmax(np.abs(one - other)))
