"""Isotropic power spectra in physical wavenumber."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from scipy import fft

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, describe, reduced_dims, units_of
from stride_eval.metrics.errors import MetricError


def power_spectrum(
    field: xr.DataArray,
    *,
    spacing: tuple[float, float],
    dims: tuple[str, str] = ("y", "x"),
    method: Literal["dct", "fft"] = "dct",
    member_dim: str = "member",
    dim: Dims = None,
) -> xr.DataArray:
    """Isotropic power spectral density E(k): variance of the modes in a ring of wavenumber over the ring's width.

    Rings are one Δk wide and centred on whole multiples of Δk = 1 / (shorter side of the domain); the first one reaches
    down to everything above zero. They end below the Nyquist wavenumber of the coarser spacing, so that no ring misses
    a direction. The integral of E over k is the variance of the field held by these rings (Parseval). Rings at large
    scales hold few modes and an uneven number of them: E is jagged there, ratios of two spectra are not.

    ``dct``: type-II discrete cosine transform, for domains that are not periodic: no window, no detrending, and no
    false power from the jump between opposite edges. ``fft``: removes the plane of least squares, applies a Hann
    window, restores its loss of variance.

    Each member has a spectrum of its own, and spectra are averaged: the spectrum of the ensemble mean lacks all that
    the members do not agree on.

    Args:
        field: forecast or observed.
        spacing: distance of neighbouring pixels along ``dims``, in any unit of length (the sign of descending axes does
            not matter).
        dims: the two spatial dimensions, in the order of ``spacing``.
        method: ``dct`` or ``fft``.
        member_dim: may be named in ``dim`` although ``field`` has none.
        dim: dimensions to average the spectra over (``("time", "member")``); ``None`` gives one for each field.

    Returns:
        Density in (units of the field)² times the unit of length, over ``wavenumber`` in cycles per unit of length
        (wavelength = 1 / wavenumber). A field with a missing pixel has no spectrum: NaN, left out of averages.

    Raises:
        MetricError: a spacing that is not positive, an unknown method or dimension, or a domain of fewer than 4 pixels
            a side.

    Source:
        Denis, Côté & Laprise (2002), https://doi.org/10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2 (DCT); Errico
        (1985), https://doi.org/10.1175/1520-0493(1985)113<1554:SCFALA>2.0.CO;2 (detrending, rings).
    """
    spatial = list(dims)
    for name in spatial:
        reduced_dims(field, name)
    if method not in ("dct", "fft"):
        raise MetricError(f"there is no method {method!r}; choose 'dct' or 'fft'")
    dy, dx = (abs(float(step)) for step in spacing)
    if not (np.isfinite(dy) and np.isfinite(dx) and dy > 0 and dx > 0):
        raise MetricError(
            f"spacing is {tuple(spacing)}; give the two distances of neighbouring pixels, in one unit of length"
        )
    shape = (field.sizes[spatial[0]], field.sizes[spatial[1]])
    if min(shape) < 4:
        raise MetricError(f"the domain has {shape[0]} x {shape[1]} pixels; a spectrum needs at least 4 on each side")
    rings, wavenumber, widths = _rings(shape, (dy, dx), method)
    spectra = xr.apply_ufunc(
        _spectra,
        field if field.chunks is None else field.chunk(dict.fromkeys(spatial, -1)),
        kwargs={"rings": rings, "widths": widths, "power": partial(_POWER[method])},
        input_core_dims=[spatial],
        output_core_dims=[["wavenumber"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"wavenumber": len(wavenumber)}},
        keep_attrs=False,
    ).assign_coords(wavenumber=wavenumber)
    units = units_of(field)
    names = (
        reduced_dims(spectra, dim, member_dim=member_dim)
        if dim is not ...
        else [d for d in spectra.dims if d != "wavenumber"]
    )
    result = describe(
        mean(spectra, dim=names), "isotropic power spectral density", None if units is None else f"({units})2 length"
    )
    result.attrs["method"] = method
    return result


def spectral_ratio(forecast_spectrum: xr.DataArray, observed_spectrum: xr.DataArray) -> xr.DataArray:
    """Forecast spectrum over observed spectrum at each wavenumber: 1 right, below 1 too smooth.

    Args:
        forecast_spectrum: mean spectrum of the forecast's members, from :func:`power_spectrum`.
        observed_spectrum: mean spectrum of the observed fields, at the same wavenumbers.

    Returns:
        Ratio without units; NaN where the observed spectrum is zero.

    Raises:
        MetricError: other wavenumbers.
    """
    check_wavenumbers(forecast_spectrum, observed_spectrum, "wavenumber")
    ratio = forecast_spectrum / observed_spectrum.where(observed_spectrum > 0)
    return describe(ratio, "forecast spectrum / observed spectrum", "1")


def check_wavenumbers(first: xr.DataArray, second: xr.DataArray, wavenumber_dim: str) -> None:
    """Refuses spectra of other wavenumbers.

    Raises:
        MetricError: no dimension ``wavenumber_dim``, or other wavenumbers along it.
    """
    for spectrum in (first, second):
        reduced_dims(spectrum, wavenumber_dim)
    if not first.indexes[wavenumber_dim].equals(second.indexes[wavenumber_dim]):
        raise MetricError(
            "the two spectra have other wavenumbers; compute both on the same domain with the same spacing"
        )


def _rings(
    shape: tuple[int, int], spacing: tuple[float, float], method: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ring number of every mode [y, x] (-1: in none), wavenumber of each ring, width of each ring."""
    lengths = [count * step for count, step in zip(shape, spacing, strict=True)]
    if method == "dct":  # mode m of N pixels holds m half waves
        axes = [np.arange(count) / (2 * length) for count, length in zip(shape, lengths, strict=True)]
    else:
        axes = [abs(fft.fftfreq(count, step)) for count, step in zip(shape, spacing, strict=True)]
    radius = np.hypot(axes[0][:, None], axes[1][None, :])
    step = 1 / min(lengths)
    nyquist = 1 / (2 * max(spacing))
    slack = 1e-9  # modes on the border of two rings belong to the upper one, whatever rounding does
    count = max(1, int(np.floor(nyquist / step - 0.5 + slack)))
    number = np.maximum(np.floor(radius / step + 0.5 + slack).astype(int), 1) - 1
    number[(number >= count) | (radius == 0)] = -1
    widths = np.full(count, step)
    widths[0] = 1.5 * step
    return number, step * np.arange(1, count + 1), widths


def _spectra(fields: np.ndarray, *, rings: np.ndarray, widths: np.ndarray, power) -> np.ndarray:
    """[..., y, x] -> [..., ring]; one field at a time."""
    kept = fields.shape[:-2]
    result = np.full((*kept, len(widths)), np.nan)
    inside = rings >= 0
    for index in np.ndindex(kept):
        values = np.asarray(fields[index], dtype=np.float64)
        if np.isfinite(values).all():
            result[index] = np.bincount(rings[inside], power(values)[inside], len(widths)) / widths
    return result


def _dct_power(values: np.ndarray) -> np.ndarray:
    """Variance held by each cosine mode; the modes but (0, 0) sum to the variance."""
    return np.asarray(fft.dctn(values, type=2, norm="ortho")) ** 2 / values.size


def _fft_power(values: np.ndarray) -> np.ndarray:
    """Variance held by each Fourier mode of the detrended, windowed field."""
    window = np.outer(_hann(values.shape[0]), _hann(values.shape[1]))
    rest = _without_plane(values)
    rest = (rest - (rest * window).sum() / window.sum()) * window
    return abs(np.asarray(fft.fft2(rest))) ** 2 / values.size**2 / (window**2).mean()


def _hann(count: int) -> np.ndarray:
    """Hann window for cell-centred samples: symmetric, no weight of exactly zero."""
    return np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2


def _without_plane(values: np.ndarray) -> np.ndarray:
    """The field less its plane of least squares; on a full grid the two slopes are independent."""
    y, x = (np.arange(count) - (count - 1) / 2 for count in values.shape)
    rest = values - values.mean()
    return (
        rest
        - np.outer(y, np.ones_like(x)) * (y @ rest).sum() / ((y @ y) * x.size)
        - np.outer(np.ones_like(y), x) * ((rest @ x).sum() / ((x @ x) * y.size))
    )


_POWER = {"dct": _dct_power, "fft": _fft_power}
