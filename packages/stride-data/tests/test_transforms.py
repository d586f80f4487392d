import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_data.errors import DataError
from stride_data.transforms import Identity, LogZScore, Transform, ZScore, build, from_metadata, names
from stride_vars.catalogue import Catalogue

RAIN = Catalogue.load().get("prcp")
WIND = Catalogue.load().get("u10")
ENTRY = {
    "mean": 2.0,
    "std": 4.0,
    "min": 0.0,
    "max": 60.0,
    "log": {"offset": 0.01, "mean": -1.5, "std": 2.5, "min": -4.6, "max": 4.1},
}


def make(name: str, spec=RAIN, **options) -> Transform:
    return build(ENTRY, spec=spec, source="a", statistics_id="id", options={"name": name, **options})


@pytest.mark.parametrize("name", names())
@given(values=st.lists(st.floats(0, 500, width=32), min_size=1, max_size=20))
def test_inverse_of_forward(name, values):
    transform = make(name)
    x = np.array(values, np.float32)
    z = transform.forward(x)
    assert z.dtype == np.float32
    # A logarithm resolves relative to x + offset; rounding of z is amplified by std and |ln|, at most about 40 ulp.
    np.testing.assert_allclose(transform.inverse(z), x, rtol=1e-5, atol=1e-5 * 4)


@pytest.mark.parametrize("name", names())
def test_exact_in_double_precision(name):
    transform = make(name)
    x = np.concatenate([[0.0, 1e-6], np.geomspace(1e-3, 590, 200)])
    np.testing.assert_allclose(transform.inverse(transform.forward(x)), x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", names())
def test_metadata_alone_rebuild_the_transform(name):
    transform = make(name)
    metadata = json.loads(json.dumps(transform.metadata()))
    assert metadata["name"] == name
    assert from_metadata(metadata) == transform
    assert from_metadata({"role": "target", **metadata}) == transform
    assert isinstance(transform, Transform)


@pytest.mark.parametrize("name", names())
def test_numpy_and_torch_agree(name):
    torch = pytest.importorskip("torch")
    transform = make(name)
    x = np.linspace(0, 80, 50, dtype=np.float32)
    z = transform.forward(torch.from_numpy(x))
    assert z.dtype == torch.float32
    np.testing.assert_allclose(z.numpy(), transform.forward(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(transform.inverse(z).numpy(), x, rtol=1e-5, atol=1e-5)


def test_values_by_hand():
    assert make("zscore").forward(np.array([10.0]))[0] == 2.0
    assert make("log_zscore").forward(np.array([np.exp(1.0) - 0.01]))[0] == pytest.approx(1.0)
    assert make("identity").forward(np.array([3.0]))[0] == 3.0


def test_limits_are_stated_and_only_stated_ones_hold():
    far = np.array([-50.0, 50.0])
    rain = make("log_zscore")
    assert rain.metadata()["inverse_floor"] == 0.0
    assert rain.metadata()["inverse_ceiling"] == 600.0  # ten times the largest training value
    assert rain.inverse(far).tolist() == [0.0, 600.0]
    assert rain.inverse(np.array([1e9], np.float32))[0] == np.float32(600.0)  # no overflow on the way
    free = make("log_zscore", inverse_floor=None, inverse_ceiling=None)
    assert free.inverse(far[:1])[0] == pytest.approx(-0.01)
    assert free.inverse(np.array([4.0]))[0] == pytest.approx(np.exp(8.5) - 0.01)
    assert make("zscore").inverse(far).tolist() == [0.0, 202.0]
    assert make("zscore", inverse_floor=None).inverse(far)[0] == -198.0
    assert make("zscore", WIND).inverse(far)[0] == -198.0


def test_missing_stays_missing():
    assert np.isnan(make("log_zscore").forward(np.array([np.nan, 1.0])))[0]


def test_outside_the_domain_is_an_error():
    with pytest.raises(DataError, match=r"'a\.prcp' has values at or below -0\.01.*valid_min"):
        make("log_zscore").forward(np.array([-0.02]))


def test_defaults_come_from_the_variable():
    assert isinstance(build(ENTRY, spec=RAIN, source="a", statistics_id="id", options={}), LogZScore)
    assert isinstance(build(ENTRY, spec=WIND, source="a", statistics_id="id", options={}), ZScore)
    assert isinstance(make("identity"), Identity)
    assert make("log-zscore") == make("log_zscore")


@pytest.mark.parametrize(
    ("name", "options", "entry", "expected"),
    [
        ("log_zscore", {"offset": 0.1}, ENTRY, "offset 0.01, but log_zscore asks for offset 0.1"),
        ("log_zscore", {}, {**ENTRY, "log": None}, "hold no logarithm"),
        ("log_zscore", {}, {**ENTRY, "log": {"offset": 0.01, "mean": 0.0, "std": 0.0}}, "logarithm is 0.0"),
        ("zscore", {}, {**ENTRY, "std": 0.0}, "standard deviation is 0.0"),
        ("boxcoks", {}, ENTRY, "unknown transform 'boxcoks'"),
    ],
)
def test_statistics_that_do_not_suit(name, options, entry, expected):
    with pytest.raises(DataError) as error:
        build(entry, spec=RAIN, source="a", statistics_id="id", options={"name": name, **options})
    assert expected in str(error.value)


def test_metadata_of_another_version():
    with pytest.raises(DataError, match="metadata of transform 'zscore' do not fit"):
        from_metadata({"name": "zscore", "mean": 1.0})


def test_options_of_another_transform_than_the_default():
    with pytest.raises(DataError, match=r"data\.transforms\.a\.u10: 'zscore', the default of u10, has no 'offset'"):
        build(ENTRY, spec=WIND, source="a", statistics_id="id", options={"offset": 1.0})
