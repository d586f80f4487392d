"""Log-spectral distance in decibels."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.spectra import check_wavenumbers


def log_spectral_distance(
    forecast_spectrum: xr.DataArray,
    observed_spectrum: xr.DataArray,
    *,
    wavenumber_dim: str = "wavenumber",
    band: tuple[float, float] | None = None,
) -> xr.DataArray:
    """Root mean square of ``10 log10(forecast / observed)`` over wavenumbers.

    Every wavenumber bin counts the same, so that the many bins of small scales rule; ``band`` narrows it.

    Args:
        forecast_spectrum: mean spectrum of the forecast's members.
        observed_spectrum: mean spectrum of the observed fields, at the same wavenumbers.
        wavenumber_dim: the dimension of wavenumber.
        band: lowest and highest wavenumber that count, inclusive.

    Returns:
        Distance in dB, 0 for equal spectra, 3 for a factor of two everywhere; wavenumbers where either spectrum is
        missing or zero (dry fields) are left out; NaN where none remains.

    Raises:
        MetricError: spectra of other wavenumbers.

    Source:
        Gray & Markel (1976), https://doi.org/10.1109/TASSP.1976.1162849 (speech); for precipitation Harris et al.
        (2022), https://doi.org/10.1029/2022MS003120.
    """
    check_wavenumbers(forecast_spectrum, observed_spectrum, wavenumber_dim)
    both = (forecast_spectrum > 0) & (observed_spectrum > 0)
    if band is not None:
        both = both & (forecast_spectrum[wavenumber_dim] >= band[0]) & (forecast_spectrum[wavenumber_dim] <= band[1])
    ratio = forecast_spectrum.where(both) / observed_spectrum.where(both)
    decibel = 10.0 * xr.apply_ufunc(np.log10, ratio, dask="allowed")
    n = both.sum(wavenumber_dim)
    return describe(((decibel**2).sum(wavenumber_dim) / n.where(n > 0)) ** 0.5, "log-spectral distance", "dB")
