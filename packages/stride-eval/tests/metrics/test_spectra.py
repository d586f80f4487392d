import numpy as np
import pytest
import xarray as xr
from scipy import fft
from stride_eval.metrics import log_spectral_distance, power_spectrum, spectral_ratio
from stride_eval.metrics.errors import MetricError

METHODS = ("dct", "fft")


def plane_wave(shape, spacing, ky, kx):
    y, x = ((np.arange(n) + 0.5) * step for n, step in zip(shape, spacing, strict=True))
    return xr.DataArray(np.cos(2 * np.pi * (ky * y[:, None] + kx * x[None, :])), dims=("y", "x"))


def widths(spectrum):
    """Widths of the rings: the first reaches down to zero."""
    step = spectrum["wavenumber"].values[0]
    return np.where(np.arange(spectrum.sizes["wavenumber"]) == 0, 1.5 * step, step)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("shape", "spacing"), [((64, 64), (2.5, 2.5)), ((32, 64), (2.5, 2.5)), ((48, 40), (1.0, 3.0))])
@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_plane_wave_keeps_its_wavenumber(method, shape, spacing, angle):
    """Whatever its direction, on square and oblong domains and on pixels that are not square."""
    k = 0.3 / max(spacing)
    wave = plane_wave(shape, spacing, k * np.sin(np.radians(angle)), k * np.cos(np.radians(angle)))
    spectrum = power_spectrum(wave, spacing=spacing, method=method)
    peak = spectrum["wavenumber"].values[spectrum.argmax("wavenumber").item()]
    assert abs(peak - k) <= 1 / min(n * step for n, step in zip(shape, spacing, strict=True))


@pytest.mark.parametrize("along", ["y", "x"])
def test_cosine_of_the_basis_by_hand(along):
    """Mode m = 12 of the transform holds the field's whole variance 1/2 in the ring about k = 12 / (2 L)."""
    shape = (40, 20) if along == "y" else (20, 40)
    k = 12 / (2 * 40 * 2.0)
    wave = plane_wave(shape, (2.0, 2.0), k if along == "y" else 0, k if along == "x" else 0)
    spectrum = power_spectrum(wave, spacing=(2.0, 2.0))
    step, ring = 1 / 40, 3  # the shorter side is 40 long: k = 3 / 40
    assert spectrum["wavenumber"].values[0] == pytest.approx(step)
    expected = np.zeros(spectrum.sizes["wavenumber"])
    expected[ring - 1] = 0.5 / step
    np.testing.assert_allclose(spectrum, expected, atol=1e-12)


@pytest.mark.parametrize(("shape", "spacing"), [((64, 64), (2.5, 2.5)), ((30, 57), (1.0, 1.0)), ((40, 24), (1.0, 2.0))])
def test_parseval(rng, shape, spacing):
    """Integrated over the rings: the variance of the field, once the modes beyond the last ring have been removed."""
    noise = fft.dctn(rng.normal(size=shape), norm="ortho")
    ky, kx = (np.arange(n) / (2 * n * step) for n, step in zip(shape, spacing, strict=True))
    k = np.hypot(ky[:, None], kx[None, :])
    spectrum = power_spectrum(xr.DataArray(noise, dims=("y", "x")), spacing=spacing)
    limit = spectrum["wavenumber"].values[-1] + 0.5 * spectrum["wavenumber"].values[0]
    noise[k >= limit - 1e-9] = 0
    smooth = fft.idctn(noise, norm="ortho")
    spectrum = power_spectrum(xr.DataArray(smooth, dims=("y", "x")), spacing=spacing)
    assert (spectrum * widths(spectrum)).sum().item() == pytest.approx(smooth.var(), rel=1e-10)
    assert limit <= 0.5 / max(spacing) + 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_white_noise(rng, method):
    """Its variance is spread evenly over the spectral plane: pi k^2 dy dx of it lies below k."""
    noise = xr.DataArray(rng.normal(0, 3, (60, 48, 64)), dims=("time", "y", "x"))
    spectrum = power_spectrum(noise, spacing=(2.0, 2.0), method=method, dim="time")
    upper = spectrum["wavenumber"].values + 0.5 * spectrum["wavenumber"].values[0]
    below = np.cumsum(spectrum * widths(spectrum)) / (9 * np.pi * upper**2 * 4)
    # Modes along an axis stand at the border of the quarter plane of cosines: a few per cent too many at large scales.
    np.testing.assert_allclose(below[4:], 1, atol=0.12)
    assert below[-1].item() == pytest.approx(1, abs=0.04)


def test_spacing_only_scales(rng):
    field = xr.DataArray(rng.normal(size=(20, 30)), dims=("y", "x"))
    km, m = power_spectrum(field, spacing=(2.5, -2.5)), power_spectrum(field, spacing=(2500, 2500))
    np.testing.assert_allclose(m["wavenumber"], km["wavenumber"] / 1000)
    np.testing.assert_allclose(m, km * 1000)


def test_a_trend_makes_no_small_scales():
    """A slope across the domain: the jump between opposite edges would fill a plain FFT's small scales."""
    slope = xr.DataArray(np.add.outer(np.arange(40.0), 2 * np.arange(40.0)), dims=("y", "x"))
    plain = abs(np.fft.fft2(slope)) ** 2 / slope.size**2
    for method, share in (("dct", 0.01), ("fft", 1e-20)):
        spectrum = power_spectrum(slope, spacing=(1, 1), method=method)
        assert spectrum[10:].max() <= share * plain[10:20, 0].max() * 40


def test_members_are_averaged_not_their_mean(calibrated):
    """The ensemble mean is smooth; the spectra of calibrated members are those of the observed."""
    forecast, observed = calibrated(20)
    truth = power_spectrum(observed, spacing=(1, 1), dim="time")
    members = power_spectrum(forecast, spacing=(1, 1), dim=("time", "member"))
    assert members.dims == truth.dims == ("wavenumber",)
    np.testing.assert_allclose(spectral_ratio(members, truth), 1, atol=0.15)
    assert (spectral_ratio(power_spectrum(forecast.mean("member"), spacing=(1, 1), dim="time"), truth)[1:] < 0.95).all()
    assert truth.attrs == {
        "long_name": "isotropic power spectral density",
        "units": "(mm day-1)2 length",
        "method": "dct",
    }


def test_gaps_and_chunks(hard):
    forecast, observed = hard
    spectrum = power_spectrum(observed, spacing=(1, 1))
    assert spectrum.dims == ("time", "wavenumber")
    assert np.isnan(spectrum[[2, 3]]).all()
    assert (spectrum[1] == 0).all()
    np.testing.assert_allclose(power_spectrum(observed, spacing=(1, 1), dim=...), spectrum.mean("time"))
    chunked = power_spectrum(forecast.chunk(time=3, member=4, y=7), spacing=(1, 1), dim=("time", "member"))
    xr.testing.assert_allclose(chunked.compute(), power_spectrum(forecast, spacing=(1, 1), dim=("time", "member")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spacing": (0, 1)}, "spacing is"),
        ({"spacing": (1, 1), "method": "welch"}, "no method 'welch'"),
        ({"spacing": (1, 1), "dims": ("lat", "lon")}, "no dimension 'lat'"),
    ],
)
def test_raises(hard, arguments, message):
    with pytest.raises(MetricError, match=message):
        power_spectrum(hard[1], **arguments)
    with pytest.raises(MetricError, match="needs at least 4"):
        power_spectrum(hard[1].isel(y=slice(3)), spacing=(1, 1))


def test_log_spectral_distance_by_hand():
    k = {"wavenumber": [0.1, 0.2, 0.3, 0.4]}
    truth = xr.DataArray([1.0, 1, 1, 0], dims="wavenumber", coords=k)
    forecast = xr.DataArray([10.0, 1, 0.01, 5], dims="wavenumber", coords=k)
    assert log_spectral_distance(forecast, truth).item() == pytest.approx(np.sqrt((100 + 0 + 400) / 3))
    assert log_spectral_distance(forecast, truth, band=(0.05, 0.2)).item() == pytest.approx(np.sqrt(50))
    assert log_spectral_distance(2 * truth, truth).item() == pytest.approx(3.0103, abs=1e-4)
    assert np.isnan(log_spectral_distance(0 * truth, truth))
    for metric in (log_spectral_distance, spectral_ratio):
        with pytest.raises(MetricError, match="other wavenumbers"):
            metric(forecast, truth.assign_coords(wavenumber=[1, 2, 3, 4]))
    np.testing.assert_array_equal(spectral_ratio(forecast, truth), [10, 1, 0.01, np.nan])
