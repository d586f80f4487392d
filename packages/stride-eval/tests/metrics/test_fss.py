import numpy as np
import pytest
import scores.spatial
import xarray as xr
from scipy import ndimage
from stride_eval.metrics import fss, fss_components, fss_from_components
from stride_eval.metrics.errors import MetricError


def field(rows):
    return xr.DataArray(np.asarray(rows, float), dims=("y", "x"))


def test_by_hand():
    """One event, one pixel beside the observed: no skill at one pixel, 2/3 in windows of three (6 of 9 fit both)."""
    observed, forecast = np.zeros((7, 7)), np.zeros((7, 7))
    observed[3, 3], forecast[3, 4] = 1, 1
    pair = field(forecast), field(observed)
    assert fss(*pair, threshold=1, window=1) == 0
    components = fss_components(*pair, threshold=1, window=3)
    assert components["numerator"].item() == pytest.approx(6 / 81)
    assert components["denominator"].item() == pytest.approx(18 / 81)
    assert (components["n_windows"], components["n_pixels"], components["n_events"]) == (25, 49, 1)
    assert fss(*pair, threshold=1, window=3).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("window", [1, 3, 9])
def test_valid_windows_against_scores(rng, window):
    forecast, observed = (xr.DataArray(rng.gamma(0.5, 3, (4, 20, 31)), dims=("time", "y", "x")) for _ in range(2))
    theirs = scores.spatial.fss_2d(
        forecast,
        observed,
        event_threshold=2.0,
        window_size=(window, window),
        spatial_dims=("y", "x"),
        threshold_operator=np.greater_equal,
    )
    assert fss(forecast, observed, threshold=2, window=window).item() == pytest.approx(theirs.item())


@pytest.mark.parametrize("window", [1, 3, 9])
def test_zero_padding_against_scipy(rng, window):
    """As pysteps does it. No oracle: scores 2.7 with zero_padding scores one row and column beyond the domain."""
    forecast, observed = rng.gamma(0.5, 3, (2, 20, 31))
    f, o = (ndimage.uniform_filter((v >= 2).astype(float), window, mode="constant") for v in (forecast, observed))
    expected = 1 - ((f - o) ** 2).sum() / (f**2 + o**2).sum()
    assert fss(field(forecast), field(observed), threshold=2, window=window, edges="zero").item() == pytest.approx(
        expected
    )


def direct(forecast, observed, threshold, window, edges, min_valid):
    """The definition, window by window."""
    members = np.atleast_3d(forecast) if forecast.ndim == 3 else forecast[None]
    valid = ~(np.isnan(observed) | np.isnan(members).any(axis=0))
    probability, event = (members >= threshold).mean(axis=0), observed >= threshold
    ny, nx = observed.shape
    reach = window // 2
    numerator = denominator = count = 0
    for i in range(ny):
        for j in range(nx):
            rows, columns = range(i - reach, i + reach + 1), range(j - reach, j + reach + 1)
            inside = [(r, c) for r in rows for c in columns if 0 <= r < ny and 0 <= c < nx]
            if edges == "valid" and len(inside) < window**2:
                continue
            good = [index for index in inside if valid[index]]
            extra = window**2 - len(inside) if edges == "zero" else 0
            n = len(good) + extra
            if n == 0 or n < min_valid * (len(inside) + extra):
                continue
            f, o = (sum(part[index] for index in good) / n for part in (probability, event))
            numerator, denominator, count = numerator + (f - o) ** 2, denominator + f**2 + o**2, count + 1
    return numerator, denominator, count


@pytest.mark.parametrize("edges", ["valid", "clipped", "zero"])
@pytest.mark.parametrize("min_valid", [0.5, 0.9, 0.01])
def test_gaps_edges_and_members_against_the_definition(hard, edges, min_valid):
    forecast, observed = hard
    result = fss_components(forecast, observed, threshold=1, window=5, edges=edges, min_valid=min_valid)
    for day in range(6):
        expected = direct(forecast.values[day], observed.values[day], 1, 5, edges, min_valid)
        ours = [result[name][day].item() for name in ("numerator", "denominator", "n_windows")]
        np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_all_dry_and_all_missing_are_missing(hard):
    daily = fss(*hard, threshold=1, window=3, dim=())
    assert np.isnan(daily[[1, 2]]).all()  # dry, missing
    assert daily[[0, 3]].notnull().all()


def test_sums_before_dividing(hard):
    components = fss_components(*hard, threshold=1, window=3)
    total = components.sum("time")
    expected = 1 - total["numerator"] / total["denominator"]
    assert fss(*hard, threshold=1, window=3).item() == pytest.approx(expected.item())
    assert fss_from_components(components, dim="time").item() == pytest.approx(expected.item())
    assert fss(*hard, threshold=1, window=3, dim=()).mean() != pytest.approx(expected.item())


def test_event_includes_the_threshold():
    pair = field(np.ones((3, 3))), field(np.ones((3, 3)))
    assert fss(*pair, threshold=1, window=3) == 1
    assert np.isnan(fss(*pair, threshold=1.001, window=3))


def test_thresholds_and_windows_together(hard):
    grid = fss(*hard, threshold=[1, 3], window=[1, 3, 7])
    assert grid.dims == ("threshold", "window")
    for level in (1, 3):
        for window in (1, 3, 7):
            alone = fss(*hard, threshold=level, window=window)
            assert grid.sel(threshold=level, window=window).item() == alone.item()


def test_one_member_is_a_single_field(hard):
    forecast, observed = hard
    single = forecast.isel(member=0)
    expected = fss(forecast.isel(member=[0]), observed, threshold=1, window=3)
    xr.testing.assert_identical(fss(single, observed, threshold=1, window=3), expected)


def test_probabilities_beat_single_members(calibrated):
    forecast, observed = calibrated(20, shape=(3, 40, 40))
    probabilistic = fss(forecast, observed, threshold=2, window=5)
    single = fss(forecast.isel(member=[0]), observed, threshold=2, window=5)
    assert probabilistic > single


def test_chunks_and_other_names(hard):
    forecast, observed = hard
    expected = fss_components(forecast, observed, threshold=[1, 2], window=[3, 5])
    chunked = fss_components(forecast.chunk(time=3, member=4), observed.chunk(x=8), threshold=[1, 2], window=[3, 5])
    xr.testing.assert_allclose(chunked.compute(), expected)
    names = {"y": "lat", "x": "lon"}
    renamed = fss(forecast.rename(names), observed.rename(names), threshold=1, window=3, dims=("lat", "lon"))
    assert renamed.item() == fss(forecast, observed, threshold=1, window=3).item()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 4}, "window 4 is not an odd number of pixels; choose 5"),
        ({"window": 13}, "larger than the domain's 12 pixels"),
        ({"window": 3, "edges": "wrap"}, "no edge handling 'wrap'"),
        ({"window": 3, "min_valid": 0}, "min_valid is 0"),
        ({"window": 3, "dims": ("lat", "lon")}, "no dimension 'lat'"),
    ],
)
def test_raises(hard, arguments, message):
    with pytest.raises(MetricError, match=message):
        fss(*hard, threshold=1, **arguments)
