"""What holds for every transform: it inverts, its metadata rebuild it, numpy and torch agree."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stride_data.errors import DataError
from stride_data.statistics.summary import VariableSummary
from stride_data.transforms import Transform, build, from_metadata, names, requirement
from stride_vars.catalogue import Catalogue

RAIN = Catalogue.load().get("prcp")
WIND = Catalogue.load().get("u10")
_RNG = np.random.default_rng(0)
RAINFALL = np.where(_RNG.random(5000) < 0.6, 0.0, _RNG.gamma(0.5, 9.0, 5000)).astype(np.float32)
WINDS = _RNG.normal(-2.0, 5.0, 5000).astype(np.float32)

OPTIONS = [
    {"name": "identity"},
    {"name": "zscore"},
    {"name": "zscore", "dry_below": 0.1},
    {"name": "minmax"},
    {"name": "minmax", "range": [-1, 1], "min": 0, "max": 80},
    {"name": "log_zscore"},
    {"name": "log_zscore", "dry_below": 0.1},
    {"name": "log_minmax"},
    {"name": "log_minmax", "range": [-1, 1], "dry_below": 0.1},
    {"name": "boxcox"},
    {"name": "boxcox", "lambda": 0},
    {"name": "boxcox", "lambda": 0.3, "offset": 0},
    {"name": "boxcox", "lambda": -0.5, "zscore": False},
    {"name": "boxcox", "dry_below": 0.1},
    {"name": "power"},
    {"name": "power", "exponent": 0.25, "zscore": False, "dry_below": 0.1},
    {"name": "asinh"},
    {"name": "asinh", "scale": 0.1, "dry_below": 0.5},
    {"name": "quantile"},
    {"name": "quantile", "dry_below": 0.1},
]
SIGNED = [{"name": "zscore"}, {"name": "minmax"}, {"name": "power"}, {"name": "asinh"}, {"name": "quantile"}]


def statistics(options: dict, spec, values: np.ndarray) -> dict:
    summary = VariableSummary(requirement(spec=spec, source="a", options=options), spec.wet_threshold)
    summary.add(values, share=values.size, seed=0)
    return json.loads(json.dumps(summary.as_dict()))


def make(options: dict, spec=RAIN, values=RAINFALL) -> Transform:
    return build(statistics(options, spec, values), spec=spec, source="a", statistics_id="id", options=options)


RAINS = {json.dumps(options): make(options) for options in OPTIONS}
WINDY = {json.dumps(options): make(options, WIND, WINDS) for options in SIGNED}
each_of_rain = pytest.mark.parametrize("transform", RAINS.values(), ids=RAINS)
each = pytest.mark.parametrize(
    "transform", [*RAINS.values(), *WINDY.values()], ids=[*RAINS, *(f"u10 {k}" for k in WINDY)]
)


def domain(transform: Transform, values: list[float]) -> np.ndarray:
    """Float32 numbers in the transform's domain."""
    x = np.array(values, np.float32)
    dry_below = transform.metadata().get("dry_below")
    return x if dry_below is None else np.where(x < np.float32(dry_below), np.float32(0), x)


def assert_inverts(transform: Transform, x: np.ndarray) -> None:
    """The inverse differs from x by no more than what some units in z's last place make."""
    z = transform.forward(x)
    assert z.dtype == x.dtype
    found = transform.inverse(z)
    assert found.dtype == x.dtype
    exact, eps = z.astype(np.float64), float(np.finfo(x.dtype).eps)
    step = 16 * eps * np.maximum(1.0, np.abs(exact))
    free = from_metadata({**transform.metadata(), **no_limits(transform)})
    allowed = np.abs(free.inverse(exact + step) - free.inverse(exact - step)) + 8 * eps * np.maximum(0.1, np.abs(x))
    assert (np.abs(found.astype(np.float64) - x) <= allowed).all(), (x, found, allowed)


def no_limits(transform: Transform) -> dict:
    free = {"dry_below": None, "inverse_dry_below": None, "inverse_floor": None, "inverse_ceiling": None}
    return {} if transform.metadata()["name"] == "identity" else free


@each_of_rain
@settings(max_examples=25)
@given(values=st.lists(st.floats(0, 400, width=32), min_size=1, max_size=20))
@example(values=[0.0, 0.1, 0.5, 1.0, 1e-30, 400.0])
def test_inverse_of_forward_in_float32(transform, values):
    assert_inverts(transform, domain(transform, values))


@each_of_rain
def test_inverse_of_forward_in_float64(transform):
    x = np.concatenate([[0.0, 1e-6], np.geomspace(1e-3, 400, 200)])
    x[x < (transform.metadata().get("dry_below") or 0.0)] = 0.0
    assert_inverts(transform, x)
    np.testing.assert_allclose(transform.inverse(transform.forward(x)), x, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("transform", WINDY.values(), ids=WINDY)
@settings(max_examples=25)
@given(values=st.lists(st.floats(-150, 150, width=32), min_size=1, max_size=20))
def test_inverse_of_forward_for_values_of_either_sign(transform, values):
    assert_inverts(transform, np.array(values, np.float32))


@each
def test_strictly_increasing(transform):
    x = domain(transform, np.linspace(0, 60, 400))
    assert (np.diff(transform.forward(np.unique(x).astype(np.float64))) > 0).all()


@each
def test_missing_stays_missing(transform):
    x = np.array([np.nan, 1.0], np.float32)
    z = transform.forward(x)
    assert np.isnan(z).tolist() == [True, False]
    assert np.isnan(transform.inverse(z)).tolist() == [True, False]


@each
def test_metadata_alone_rebuild_the_transform(transform):
    metadata = json.loads(json.dumps(transform.metadata()))
    assert from_metadata(metadata) == transform
    assert from_metadata({"role": "target", **metadata}) == transform
    assert isinstance(transform, Transform)


@each
def test_numpy_and_torch_agree(transform):
    torch = pytest.importorskip("torch")
    x = domain(transform, np.linspace(0, 80, 60)).reshape(1, 3, 20)
    for dtype in (np.float32, np.float64):
        tensor = torch.from_numpy(x.astype(dtype))
        z = transform.forward(tensor)
        back = transform.inverse(z)
        assert z.dtype == back.dtype == tensor.dtype
        tolerance = 50 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(z.numpy(), transform.forward(x.astype(dtype)), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(back.numpy(), x, rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-5)


@each
def test_the_scaled_sample_is_centred(transform):
    values = WINDS if transform.variable == "u10" else RAINFALL
    z = transform.forward(values.astype(np.float64))
    metadata = transform.metadata()
    if "mean" in metadata and metadata["mean"] != 0:
        assert z.mean() == pytest.approx(0.0, abs=1e-6)
        assert z.std() == pytest.approx(1.0, rel=1e-6)
    elif "range" in metadata and metadata["max"] != 80:
        assert (z.min(), z.max()) == pytest.approx(metadata["range"])


def test_every_transform_is_tested():
    assert {options["name"] for options in OPTIONS} == set(names())


def test_metadata_of_checkpoints_of_the_first_version():
    about = {"variable": "prcp", "source": "a", "statistics_id": "id"}
    log = {"name": "log_zscore", **about, "offset": 0.01, "mean": -1.5, "std": 2.5}
    rain = from_metadata({**log, "inverse_floor": 0.0, "inverse_ceiling": 600.0})
    assert rain.forward(np.array([np.exp(1.0) - 0.01]))[0] == pytest.approx(1.0)
    assert rain.inverse(np.array([-50.0, 50.0])).tolist() == [0.0, 600.0]
    wind = from_metadata({"name": "zscore", **about, "mean": 2.0, "std": 4.0, "inverse_floor": None})
    assert wind.inverse(wind.forward(np.array([-10.0])))[0] == -10.0
    assert from_metadata({"name": "identity", "variable": "lsm", "source": "a", "statistics_id": None}).source == "a"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"name": "zscore", "mean": 1.0}, "metadata of transform 'zscore' do not fit: 'std' is missing"),
        ({"name": "quantile", "knots_x": [0, 1]}, "metadata of transform 'quantile' do not fit"),
        ({"name": "power", "exponent": 1, "mean": 0, "std": 1, "sdt": 1}, "metadata of transform 'power' do not fit"),
        ({"name": "sqrt"}, "unknown transform 'sqrt'"),
    ],
)
def test_metadata_that_do_not_fit(metadata, expected):
    with pytest.raises(DataError) as error:
        from_metadata(metadata)
    assert expected in str(error.value)
