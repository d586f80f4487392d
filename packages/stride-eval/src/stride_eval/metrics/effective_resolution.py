"""Effective resolution: the smallest wavelength down to which the spectrum is right."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.spectra import check_wavenumbers


def resolved_wavenumber(
    forecast_spectrum: xr.DataArray,
    observed_spectrum: xr.DataArray,
    *,
    factor: float = 2.0,
    wavenumber_dim: str = "wavenumber",
) -> xr.DataArray:
    """Largest wavenumber up to which forecast / observed power lies within 1 / ``factor`` .. ``factor`` throughout.

    Args:
        forecast_spectrum: mean spectrum of the forecast's members.
        observed_spectrum: mean spectrum of the observed fields, at the same wavenumbers.
        factor: how far off the power may be either way, above 1; the ends count as within.
        wavenumber_dim: the dimension of wavenumber.

    Returns:
        In cycles per unit of length; 0 where the largest scale is wrong already; NaN where the spectra have no
        wavenumber in common with power in the observed one. A wavenumber without ratio ends the range.

    Raises:
        MetricError: a factor of 1 or less, or spectra of other wavenumbers.
    """
    check_wavenumbers(forecast_spectrum, observed_spectrum, wavenumber_dim)
    if not (np.isfinite(factor) and factor > 1):
        raise MetricError(f"factor is {factor}; give a finite number above 1, for example 2")
    ratio = (forecast_spectrum / observed_spectrum.where(observed_spectrum > 0)).sortby(wavenumber_dim)
    slack = 1.0 + 1e-12  # exactly the factor is within, whatever rounding does
    within = (ratio <= factor * slack) & (ratio >= 1.0 / (factor * slack))
    unbroken = within.astype(int).cumprod(wavenumber_dim).astype(bool)
    largest = ratio[wavenumber_dim].where(unbroken, 0.0).max(wavenumber_dim)
    return describe(largest.where(ratio.notnull().any(wavenumber_dim)), "largest resolved wavenumber")


def effective_resolution(
    forecast_spectrum: xr.DataArray,
    observed_spectrum: xr.DataArray,
    *,
    factor: float = 2.0,
    wavenumber_dim: str = "wavenumber",
) -> xr.DataArray:
    """Smallest wavelength at which the power, there and at all larger scales, is within ``factor`` of the observed.

    1 / :func:`resolved_wavenumber`. Too much power ends the range as too little does: noise is not resolution. The
    spectrum alone is judged, not whether structures are in the right place.

    Args:
        forecast_spectrum: mean spectrum of the forecast's members (never the spectrum of the ensemble mean).
        observed_spectrum: mean spectrum of the observed fields, at the same wavenumbers.
        factor: how far off the power may be either way; 2 is 3 dB.
        wavenumber_dim: the dimension of wavenumber.

    Returns:
        Wavelength in the spectra's unit of length, one of their wavelengths; infinite where the largest scale is wrong
        already; NaN where there is no ratio at all.

    Raises:
        MetricError: as :func:`resolved_wavenumber`.

    Source:
        Skamarock (2004), https://doi.org/10.1175/MWR2830.1 (departure of a model's spectrum from a trusted one); the
        factor is a convention of this package.
    """
    wavenumber = resolved_wavenumber(forecast_spectrum, observed_spectrum, factor=factor, wavenumber_dim=wavenumber_dim)
    return describe(wavelength_of(wavenumber), "effective resolution")


def wavelength_of(wavenumber: xr.DataArray) -> xr.DataArray:
    """1 / wavenumber; infinite at 0."""
    return xr.where(wavenumber > 0, 1.0 / wavenumber.where(wavenumber > 0, 1.0), np.inf).where(wavenumber.notnull())
