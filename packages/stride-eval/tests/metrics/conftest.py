"""Synthetic ensembles whose verdict is known: calibrated, underdispersive, dry, with gaps."""

import numpy as np
import pytest
import xarray as xr

ENSEMBLE_DIMS = ("time", "member", "y", "x")
FIELD_DIMS = ("time", "y", "x")


def _pair(members: np.ndarray, observed: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    attrs = {"units": "mm day-1"}
    return xr.DataArray(members, dims=ENSEMBLE_DIMS, attrs=attrs), xr.DataArray(observed, dims=FIELD_DIMS, attrs=attrs)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture
def calibrated(rng):
    """A function of (members, spread): members and observation drawn about a common centre; spread 1 is reliable."""

    def make(members: int = 9, spread: float = 1.0, shape: tuple[int, int, int] = (10, 40, 50)):
        centre = rng.normal(0, 2, shape)
        forecast = centre[:, None] + spread * rng.normal(size=(shape[0], members, *shape[1:]))
        return _pair(forecast, centre + rng.normal(size=shape))

    return make


@pytest.fixture
def dry(rng):
    """A function of members: reliable, and dry (exactly zero) at most points, many of them in every member."""

    def make(members: int = 9, shape: tuple[int, int, int] = (10, 40, 50)):
        centre = rng.normal(-3, 2, shape)
        draw = np.maximum(centre[:, None] + rng.normal(size=(shape[0], members + 1, *shape[1:])), 0.0)
        return _pair(draw[:, 1:], draw[:, 0])

    return make


@pytest.fixture
def hard(rng):
    """Small float32 ensemble with ties, an all-dry day, a missing day, scattered gaps in members and observation."""
    members = np.round(rng.gamma(0.4, 5, (6, 7, 12, 15)), 1).astype(np.float32)
    observed = np.round(rng.gamma(0.4, 5, (6, 12, 15)), 1).astype(np.float32)
    members[members < 1], observed[observed < 1] = 0, 0
    members[1], observed[1] = 0, 0
    observed[2] = np.nan
    observed[3][rng.random((12, 15)) < 0.2] = np.nan
    members[4][rng.random((7, 12, 15)) < 0.02] = np.nan
    return _pair(members, observed)


@pytest.fixture
def gaps(hard):
    """Where ``hard`` cannot be scored."""
    forecast, observed = hard
    return np.isnan(observed.values) | np.isnan(forecast.values).any(axis=1)
