"""Effective resolution and the useful scale of the fractions skill score."""

import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import effective_resolution, fss_useful_scale, resolved_wavenumber
from stride_eval.metrics.errors import MetricError


def spectrum(values):
    return xr.DataArray(np.asarray(values, float), dims="wavenumber", coords={"wavenumber": [0.1, 0.2, 0.3, 0.4]})


@pytest.mark.parametrize(
    ("ratio", "wavenumber"),
    [
        ([1, 1, 1, 1], 0.4),
        ([0.9, 0.5, 0.49, 1.0], 0.2),  # what comes back after a gap does not count
        ([1, 1, 2.01, 1], 0.2),  # too rough is as wrong as too smooth
        ([0.1, 1, 1, 1], 0.0),
        ([1, np.nan, 1, 1], 0.1),
        ([np.nan] * 4, np.nan),
    ],
)
def test_effective_resolution_by_hand(ratio, wavenumber):
    observed = spectrum([8.0, 4.0, 2.0, 1.0])
    forecast = observed * np.asarray(ratio)
    np.testing.assert_allclose(resolved_wavenumber(forecast, observed), wavenumber)
    expected = np.inf if wavenumber == 0 else 1.0 / wavenumber
    np.testing.assert_allclose(effective_resolution(forecast, observed), expected)
    # Order of the wavenumbers does not matter.
    np.testing.assert_allclose(effective_resolution(forecast[::-1], observed[::-1]), expected)


def test_factor():
    observed = spectrum([1.0] * 4)
    forecast = spectrum([1.0, 1.3, 3.0, 9.0])
    found = [effective_resolution(forecast, observed, factor=f).item() for f in (1.2, 2.0, 3.0, 10.0)]
    np.testing.assert_allclose(found, [10.0, 5.0, 1 / 0.3, 2.5])
    with pytest.raises(MetricError, match="factor is 1"):
        effective_resolution(forecast, observed, factor=1)
    with pytest.raises(MetricError, match="other wavenumbers"):
        effective_resolution(forecast, observed.isel(wavenumber=slice(2)))


def test_smoothing_costs_resolution(rng):
    from scipy.ndimage import gaussian_filter
    from stride_eval.metrics import power_spectrum

    observed = rng.normal(size=(6, 64, 64))
    found = []
    for width in (0, 1, 3):
        smooth = gaussian_filter(observed, (0, width, width), mode="mirror")
        spectra = [
            power_spectrum(xr.DataArray(v, dims=("time", "y", "x")), spacing=(1, 1), dim="time")
            for v in (smooth, observed)
        ]
        found.append(effective_resolution(*spectra).item())
    assert found[0] == pytest.approx(2.0, rel=0.05)
    # A Gaussian of width s leaves exp(-(2 pi k s)²) of the power: half of it at k = sqrt(ln 2) / (2 pi s).
    halved = np.sqrt(np.log(2)) / (2 * np.pi * np.array([1, 3]))
    np.testing.assert_allclose(1 / np.array(found[1:]), halved, atol=1 / 64)  # the width of a ring


@pytest.mark.parametrize(
    ("skill", "rate", "expected"),
    [
        ([0.2, 0.5, 0.7, 0.9], 0.0, 3),
        ([0.2, 0.5, 0.7, 0.9], 0.1, 5),
        ([0.6, 0.4, 0.7, 0.9], 0.0, 5),  # from there on
        ([0.1, 0.2, 0.3, 0.4], 0.0, np.inf),
        ([np.nan] * 4, 0.0, np.nan),
    ],
)
def test_useful_scale_by_hand(skill, rate, expected):
    given = xr.DataArray(skill, dims="window", coords={"window": [1, 3, 5, 7]})
    np.testing.assert_array_equal(fss_useful_scale(given, rate), expected)
    with pytest.raises(MetricError, match="no dimension 'width'"):
        fss_useful_scale(given, rate, window_dim="width")
