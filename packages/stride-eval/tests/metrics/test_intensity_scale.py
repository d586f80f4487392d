import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_eval.metrics import intensity_scale_components, intensity_scale_from_components, intensity_scale_skill
from stride_eval.metrics.errors import MetricError


def field(rows):
    return xr.DataArray(np.asarray(rows, float), dims=("y", "x"))


def direct(error):
    """The definition: means over squares of s pixels less those over squares of 2 s, pixel by pixel."""
    side = len(error)

    def blocks(s):
        means = error.reshape(side // s, s, side // s, s).mean(axis=(1, 3))
        return np.kron(means, np.ones((s, s)))

    scales = [2**power for power in range(side.bit_length())]
    parts = [blocks(s) - blocks(2 * s) for s in scales[:-1]] + [blocks(side)]
    return [float((part**2).sum()) for part in parts]


def test_by_hand():
    """One event one pixel aside in a square of four: all error at the smallest scale, none in the mean."""
    pair = field([[1, 0], [0, 0]]), field([[0, 1], [0, 0]])
    found = intensity_scale_components(*pair, threshold=1)
    np.testing.assert_array_equal(found["scale"], [1, 2])
    np.testing.assert_allclose(found["squared_error"], [2.0, 0.0])
    assert found["random_error"].item() == pytest.approx(4 * 2 * 0.25 * 0.75)
    np.testing.assert_allclose(intensity_scale_skill(*pair, threshold=1), [1 - 2 * 2 / 1.5, 1.0])


def test_displacement_is_an_error_of_its_scale():
    """A square of 4 pixels beside where it should be: no error at larger scales, all of it at 4 pixels."""
    forecast, observed = np.zeros((16, 16)), np.zeros((16, 16))
    forecast[:4, :4], observed[:4, 4:8] = 1, 1
    found = intensity_scale_components(field(forecast), field(observed), threshold=0.5)
    np.testing.assert_allclose(found["squared_error"], [0, 0, 32, 0, 0])


def test_against_the_definition(rng):
    forecast, observed = rng.gamma(0.5, 3, (2, 3, 5, 16, 16))
    pair = (
        xr.DataArray(forecast, dims=("time", "member", "y", "x")),
        xr.DataArray(observed[:, 0], dims=("time", "y", "x")),
    )
    found = intensity_scale_components(*pair, threshold=[1.0, 3.0])
    for day in range(3):
        for row, level in enumerate((1.0, 3.0)):
            error = (forecast[day] >= level).astype(float) - (observed[day, 0] >= level)
            expected = np.mean([direct(one) for one in error], axis=0)
            np.testing.assert_allclose(found["squared_error"].isel(time=day, threshold=row), expected, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 21), st.integers(2, 21), st.integers(0, 2**20))
def test_components_sum_to_the_error(height, width, seed):
    """Parseval on each tile, with gaps."""
    rng = np.random.default_rng(seed)
    forecast, observed = rng.random((2, height, width))
    observed[rng.random(observed.shape) < 0.1] = np.nan
    found = intensity_scale_components(field(forecast), field(observed), threshold=0.6, min_valid=0.01)
    side = found.attrs["tile"]
    total = n = 0
    for y in np.round(np.linspace(0, height - side, -(-height // side))).astype(int):
        for x in np.round(np.linspace(0, width - side, -(-width // side))).astype(int):
            f, o = forecast[y : y + side, x : x + side], observed[y : y + side, x : x + side]
            total += (((f >= 0.6) != (o >= 0.6)) & np.isfinite(o)).sum()
            n += np.isfinite(o).sum()
    assert found["squared_error"].sum().item() == pytest.approx(total)
    assert found["n_pixels"] == n


@pytest.mark.parametrize("shape", [(16, 16), (8, 24)])
def test_mean_over_scales_is_heidke(rng, shape):
    forecast, observed = rng.random((2, *shape))
    observed = 0.5 * observed + 0.5 * forecast
    skill = intensity_scale_skill(field(forecast), field(observed), threshold=0.6)
    f, o = forecast >= 0.6, observed >= 0.6
    hits, alarms, misses, rejections = (f & o).sum(), (f & ~o).sum(), (~f & o).sum(), (~f & ~o).sum()
    heidke = 2 * (hits * rejections - alarms * misses)
    heidke /= (hits + misses) * (misses + rejections) + (hits + alarms) * (alarms + rejections)
    assert skill.mean().item() == pytest.approx(heidke)


def test_verdicts(rng):
    """Perfect: 1. Shuffled: no skill overall. Right at large scales alone: skill there, none at one pixel."""
    coarse = np.kron(rng.random((2, 4, 4)), np.ones((8, 8)))
    observed = xr.DataArray(coarse + 0.5 * rng.random((2, 32, 32)), dims=("time", "y", "x"))
    other = xr.DataArray(coarse + 0.5 * rng.random((2, 32, 32)), dims=("time", "y", "x"))
    assert (intensity_scale_skill(observed, observed, threshold=0.8) == 1).all()
    skill = intensity_scale_skill(other, observed, threshold=0.8)
    assert skill.sel(scale=1) < 0.3 < 0.8 < skill.sel(scale=8)
    shuffled = xr.DataArray(rng.permuted(observed.values.reshape(2, -1), axis=1).reshape(2, 32, 32), dims=observed.dims)
    assert abs(intensity_scale_skill(shuffled, observed, threshold=0.8).mean()) < 0.06


def test_members_are_scored_one_by_one(hard):
    forecast, observed = hard
    valid = forecast.isel(time=[0, 5]), observed.isel(time=[0, 5])
    whole = intensity_scale_components(*valid, threshold=2.0)
    parts = [intensity_scale_components(valid[0].isel(member=m), valid[1], threshold=2.0) for m in range(7)]
    xr.testing.assert_allclose(whole, xr.concat(parts, "member").mean("member"))


def test_nothing_to_score_is_nan(hard):
    forecast, observed = hard
    found = intensity_scale_components(forecast, observed, threshold=2.0)
    skill = intensity_scale_from_components(found, dim=None)
    assert skill.isel(time=[1, 2]).isnull().all()  # dry, missing
    assert found["n_pixels"].isel(time=2) == 0
    assert intensity_scale_skill(forecast, observed, threshold=2.0).notnull().all()
    everywhere = intensity_scale_skill(forecast, observed, threshold=-1.0)
    assert everywhere.isnull().all()


def test_tiles_with_many_gaps_are_left_out():
    observed = np.zeros((4, 8))
    observed[0, 0], observed[:, 4:6] = 1, np.nan
    observed[0, 6] = np.nan
    found = intensity_scale_components(field(np.ones((4, 8))), field(observed), threshold=1)
    assert found["n_pixels"] == 16
    assert found["squared_error"].sum() == 15


def test_dask(hard):
    forecast, observed = hard
    lazy = intensity_scale_components(forecast.chunk(time=2, member=3, y=5), observed.chunk(time=1, x=4), threshold=2.0)
    assert lazy["squared_error"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), intensity_scale_components(forecast, observed, threshold=2.0))


def test_raises(hard):
    forecast, observed = hard
    with pytest.raises(MetricError, match="threshold"):
        intensity_scale_skill(forecast, observed, threshold=[2.0, 1.0])
    with pytest.raises(MetricError, match="min_valid"):
        intensity_scale_skill(forecast, observed, threshold=1.0, min_valid=0.0)
    with pytest.raises(MetricError, match="points along 'x'"):
        intensity_scale_skill(forecast, observed.isel(x=slice(3)), threshold=1.0)
