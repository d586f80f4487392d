"""Values of each transform: by hand, then against scipy."""

import numpy as np
import pytest
from scipy import special, stats
from stride_data.statistics.summary import VariableSummary
from stride_data.transforms import Transform, build, requirement
from stride_vars.catalogue import Catalogue

RAIN = Catalogue.load().get("prcp")
WIND = Catalogue.load().get("u10")
LOG = {"function": "log", "offset": 0.01, "dry_below": None, "mean": -1.5, "std": 2.5}
ROOT = {"function": "power", "exponent": 0.5, "dry_below": None, "mean": 1.0, "std": 2.0}
ENTRY = {
    "mean": 2.0,
    "std": 4.0,
    "min": 0.0,
    "max": 60.0,
    "functions": [LOG, ROOT],
    "quantile_table": {"dry_below": None, "x": [0.0, 1.0, 5.0], "p": [0.3, 0.7, 0.9]},
}


def make(name: str | None, spec=RAIN, entry=ENTRY, **options) -> Transform:
    named = {} if name is None else {"name": name}
    return build(entry, spec=spec, source="a", statistics_id="id", options={**named, **options})


def of(values: np.ndarray, name: str, spec=RAIN, **options) -> Transform:
    """With statistics of these values."""
    options = {"name": name, **options}
    summary = VariableSummary(requirement(spec=spec, source="a", options=options), spec.wet_threshold)
    summary.add(values.astype(np.float32), share=values.size, seed=0)
    return build(summary.as_dict(), spec=spec, source="a", statistics_id="id", options=options)


def at(transform: Transform, *values: float) -> list[float]:
    return transform.forward(np.array(values, np.float64)).tolist()


def test_values_by_hand():
    assert at(make("identity"), 3.0) == [3.0]
    assert at(make("zscore"), 10.0) == [2.0]
    assert at(make("minmax"), 0.0, 15.0, 60.0) == [0.0, 0.25, 1.0]
    assert at(make("minmax", range=[-1, 1]), 0.0, 15.0, 60.0) == [-1.0, -0.5, 1.0]
    assert at(make("minmax", min=-40.0, max=60.0), 10.0) == [0.5]
    assert at(make("log_zscore"), np.exp(1.0) - 0.01) == pytest.approx([1.0])
    assert at(make("log_minmax", offset=1.0, max=7.0), 0.0, 1.0, 3.0, 7.0) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert at(make("power"), 0.0, 25.0) == [-0.5, 2.0]
    assert at(make("power", WIND, exponent=2.0, zscore=False), -3.0, 3.0) == [-9.0, 9.0]
    assert at(make("boxcox", **{"lambda": 2.0, "offset": 1.0, "zscore": False}), 2.0) == pytest.approx([4.0])
    assert at(make("boxcox", **{"lambda": 0.0, "offset": 1.0, "zscore": False}), np.e - 1) == pytest.approx([1.0])
    assert at(make("asinh", scale=2.0, zscore=False), 2.0) == pytest.approx([np.log(1 + np.sqrt(2))])


def test_the_quantile_map_by_hand():
    transform = make("quantile")
    z = special.ndtri([0.3, 0.7, 0.9])
    assert at(transform, 0.0, 1.0, 5.0) == pytest.approx(z.tolist(), abs=1e-12)
    assert at(transform, 3.0)[0] == pytest.approx((z[1] + z[2]) / 2)
    # Beyond the knots: on with the mean slope over the outermost unit of z.
    upper, lower = (5.0 - 0.0) / (z[2] - z[0]), (1.0 - 0.0) / (z[1] - z[0])
    assert transform.metadata()["upper_slope"] == pytest.approx(upper)
    assert transform.metadata()["lower_slope"] == pytest.approx(lower)
    assert at(transform, 5.0 + upper)[0] == pytest.approx(z[2] + 1.0)
    free = make("quantile", inverse_floor=None)
    assert free.inverse(z[:1] - 1.0)[0] == pytest.approx(-lower)
    assert transform.inverse(z[:1] - 1.0)[0] == 0.0


def test_boxcox_against_scipy():
    x = np.concatenate([[0.0, 1e-4], np.geomspace(1e-2, 300, 50)])
    for exponent in (-1.5, -0.1, 1e-9, 0.0, 0.2, 1.0, 2.0):
        transform = make("boxcox", **{"lambda": exponent, "offset": 0.05, "zscore": False, "inverse_ceiling": None})
        expected = special.boxcox(x + 0.05, exponent)
        np.testing.assert_allclose(at(transform, *x), expected, rtol=1e-12, atol=1e-13)
        y = np.linspace(expected[0], expected[-1], 30)
        np.testing.assert_allclose(transform.inverse(y), special.inv_boxcox(y, exponent) - 0.05, rtol=1e-9, atol=1e-12)


def test_boxcox_keeps_its_digits_where_its_powers_crowd_together():
    kelvin = np.random.default_rng(0).normal(280.0, 8.0, 4000).astype(np.float32)
    transform = of(kelvin, "boxcox", Catalogue.load().get("t2m"), **{"lambda": -2.0, "offset": 0.0})
    np.testing.assert_allclose(transform.inverse(transform.forward(kelvin)), kelvin, rtol=1e-6)


def test_the_boxcox_exponent_is_that_of_scipy():
    values = np.random.default_rng(1).gamma(2.0, 3.0, 3000)
    transform = of(values, "boxcox", offset=0.01)
    expected, exponent = stats.boxcox(values.astype(np.float32).astype(np.float64) + 0.01)
    assert transform.metadata()["lambda"] == pytest.approx(exponent, abs=1e-5)
    z = transform.forward(values.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(z, stats.zscore(expected), atol=1e-4)


def test_asinh_and_power_against_numpy():
    x = np.random.default_rng(2).normal(0.0, 10.0, 500).astype(np.float32).astype(np.float64)
    root = np.sign(x) * np.abs(x) ** 0.3
    np.testing.assert_allclose(at(of(x, "power", WIND, exponent=0.3), *x), stats.zscore(root), atol=1e-12)
    np.testing.assert_allclose(at(of(x, "asinh", WIND, scale=3.0), *x), stats.zscore(np.arcsinh(x / 3.0)), atol=1e-12)


def test_normal_scores_against_scipy():
    rng = np.random.default_rng(3)
    values = np.where(rng.random(300) < 0.5, 0.0, rng.gamma(0.5, 8.0, 300)).astype(np.float32)
    transform = of(values, "quantile")
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / values.size)
    knots = np.isin(values.astype(np.float64), transform.metadata()["knots_x"])
    assert knots.sum() > 200
    np.testing.assert_allclose(transform.forward(values.astype(np.float64))[knots], expected[knots], atol=1e-12)
    assert transform.forward(np.array([0.0]))[0] == expected[values == 0][0]


def test_normal_scores_of_a_large_sample_are_normal():
    values = np.random.default_rng(4).gamma(2.0, 5.0, 100_000)
    transform = of(values, "quantile")
    assert 300 < len(transform.metadata()["knots_x"]) <= 401
    fresh = transform.forward(np.random.default_rng(5).gamma(2.0, 5.0, 100_000))
    assert (fresh.mean(), fresh.std()) == pytest.approx((0.0, 1.0), abs=0.02)
    np.testing.assert_allclose(np.quantile(fresh, [0.01, 0.5, 0.999]), stats.norm.ppf([0.01, 0.5, 0.999]), atol=0.05)


def test_dry_values_by_hand():
    transform = make("minmax", dry_below=0.5)
    assert at(transform, 0.0, 0.4, 0.5, 30.0) == [0.0, 0.0, 0.5 / 60, 0.5]
    assert transform.inverse(np.array([-0.1, 0.4 / 60, 0.5 / 60, 0.5])).tolist() == [0.0, 0.0, 0.5, 30.0]
    metadata = transform.metadata()
    assert (metadata["dry_below"], metadata["inverse_dry_below"]) == (0.5, pytest.approx(0.49995))
    # The largest of values that are all dry, and moments after dry values were set to 0.
    values = np.array([0.0, 0.25, 0.5, 1.5], np.float32)
    assert at(of(values, "zscore", dry_below=0.5), 0.3) == pytest.approx([-0.5 / np.std([0, 0, 0.5, 1.5])])
    assert of(values + np.float32(0.1), "log_minmax", dry_below=0.5).metadata()["min"] == 0.0


def test_limits_are_stated_and_only_stated_ones_hold():
    far = np.array([-50.0, 50.0])
    rain = make("log_zscore")
    assert rain.metadata()["inverse_floor"] == 0.0
    assert rain.metadata()["inverse_ceiling"] == 600.0  # ten times the largest training value
    assert rain.inverse(far).tolist() == [0.0, 600.0]
    with np.errstate(over="raise"):
        assert rain.inverse(np.array([1e9], np.float32))[0] == np.float32(600.0)
    free = make("log_zscore", inverse_floor=None, inverse_ceiling=None)
    assert free.inverse(far[:1])[0] == pytest.approx(-0.01)
    assert free.inverse(np.array([4.0]))[0] == pytest.approx(np.exp(8.5) - 0.01)
    assert make("zscore").inverse(far).tolist() == [0.0, 202.0]
    assert make("zscore", inverse_floor=None).inverse(far)[0] == -198.0
    assert make("zscore", inverse_ceiling=100).inverse(far)[1] == 100.0
    assert make("zscore", WIND).inverse(far)[0] == -198.0


def test_limits_where_an_inverse_grows_both_ways():
    values = np.array([-3.0, 1.0, 5.0])
    metadata = of(values, "asinh", WIND).metadata()
    assert (metadata["inverse_floor"], metadata["inverse_ceiling"]) == (-30.0, 50.0)
    assert of(values, "asinh", WIND).inverse(np.array([-1e4, 1e4])).tolist() == [-30.0, 50.0]
    metadata = of(values, "power", WIND).metadata()
    assert (metadata["inverse_floor"], metadata["inverse_ceiling"]) == (None, None)


def test_the_bound_of_the_boxcox_inverse():
    steep = make("boxcox", **{"lambda": 0.5, "offset": 0.1, "zscore": False, "inverse_floor": None})
    assert steep.metadata()["inverse_bound"] == -2.0
    assert steep.inverse(np.array([-2.0, -9.0])).tolist() == [-0.1, -0.1]
    falling = {"lambda": -0.5, "offset": 0.1, "zscore": False}
    assert make("boxcox", **falling).metadata()["inverse_bound"] == 2.0
    assert make("boxcox", **falling).inverse(np.array([2.0, 9.0])).tolist() == [600.0, 600.0]
    assert make("boxcox", **falling, inverse_ceiling=None).inverse(np.array([9.0])).tolist() == [np.inf]
    assert make("boxcox", **{"lambda": 0.0, "zscore": False}).metadata()["inverse_bound"] is None


def test_defaults_come_from_the_variable():
    def named(spec):
        return make(None, spec).metadata()["name"]

    assert (named(RAIN), named(WIND), named(Catalogue.load().get("lsm"))) == ("log_zscore", "zscore", "identity")
    assert make("log-zscore") == make("log_zscore")
    assert make("asinh", zscore=False).metadata()["scale"] == RAIN.wet_threshold
    assert make("asinh", WIND, zscore=False).metadata()["scale"] == 1.0
    assert make("power", zscore=False).metadata()["exponent"] == 0.5
    assert make("log_minmax").metadata()["offset"] == 0.01 * RAIN.wet_threshold
