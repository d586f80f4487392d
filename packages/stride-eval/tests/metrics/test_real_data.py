"""On real days: interpolated ERA5 precipitation as a deterministic forecast of DANRA."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import (
    crps_ensemble,
    fss,
    mae,
    mean,
    power_spectrum,
    rank_histogram,
    rmse,
    spectral_ratio,
    wet_day_frequency,
)

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("STRIDE_REALDATA" not in os.environ, reason="STRIDE_REALDATA names no folder of real data"),
]


@pytest.fixture(scope="module")
def days():
    folder = Path(os.environ["STRIDE_REALDATA"]) / "danra_era5_small"
    danra = sorted((folder / "danra").glob("tp_tot_*.nc"))[:3]
    era5 = [folder / "era5" / f"tp_589x789_{path.stem.removeprefix('tp_tot_')}.nc" for path in danra]

    def read(paths, name, scale):
        fields = []
        for path in paths:
            with xr.open_dataset(path) as data:
                fields.append(scale * data[name].squeeze(drop=True).values[:200, :300])
        return np.stack(fields)

    forecast = xr.DataArray(read(era5, "tp", 1000.0)[:, None], dims=("time", "member", "y", "x"))
    return forecast, xr.DataArray(read(danra, "tp_tot", 1.0), dims=("time", "y", "x"))


def test_scores_hang_together(days):
    forecast, observed = days
    crps = crps_ensemble(forecast, observed, estimator="auto")
    xr.testing.assert_allclose(crps, mae(forecast, observed))
    assert 0 < mean(crps) <= rmse(forecast, observed)
    counts = rank_histogram(forecast, observed)
    assert counts["n"] == crps.notnull().sum()


def test_an_interpolated_field_is_too_smooth(days):
    forecast, observed = days
    spectra = [power_spectrum(field, spacing=(2.5, 2.5), dim=("time", "member")) for field in (forecast, observed)]
    ratio = spectral_ratio(*spectra)
    assert ratio.sel(wavenumber=slice(1 / 30, None)).max() < 0.2  # below 30 km, the size of its cells
    assert ratio.sel(wavenumber=slice(None, 1 / 200)).mean() > 0.3


def test_skill_grows_with_the_window(days):
    assert (fss(*days, threshold=1, window=[1, 9, 33]).diff("window") > 0).all()


def test_drizzle(days):
    forecast, observed = days
    assert wet_day_frequency(forecast, threshold=0.1) > wet_day_frequency(observed, threshold=0.1)
