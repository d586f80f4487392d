"""The family of features on a few numbers, on known truths, on temperature and on missing and dry dates."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter
from stride_eval import registry
from stride_eval.config import EvalConfig

FAST = EvalConfig(resamples=100, thresholds={"prcp": (1.0, 5.0)}, smallest_object=1)
FAMILY = registry.family("features")
KELVIN = {"units": "K", "long_name": "Temperature", "stride_variable": "tas"}


def values(results, config=FAST):
    return {(row.system, row.name): row.value for row in FAMILY.scores(results, config)}


@pytest.fixture
def by_hand(tmp_path, saved, systems_of):
    """Two dates of 8 x 12 pixels, 2.5 km apart: a square of four on the first; none on the second."""
    observed = np.zeros((2, 8, 12))
    observed[0, 1:3, 1:3] = 6.0
    moved, twice = np.zeros((2, 1, 8, 12)), np.zeros((2, 2, 8, 12))
    moved[0, 0, 1:3, 2:4] = 2.0
    twice[0, :, 1:3, 1:3] = 6.0
    twice[0, 1, 6, 9] = 6.0
    return systems_of(
        {
            "moved": saved.write(tmp_path / "a.zarr", moved, observed),
            "twice": saved.write(tmp_path / "b.zarr", twice, observed),
        }
    )


def test_by_hand(by_hand):
    results = FAMILY.compute(by_hand, FAST)
    assert results.attrs["length_unit"] == "km" and results.attrs["reach"] == 20.0
    found = values(results)
    # A: a third as much is -1; S: the same four pixels; L: one pixel of a diagonal of hypot(8, 12).
    assert found["moved", "sal_mean_amplitude"] == pytest.approx(-1.0)
    assert found["moved", "sal_abs_amplitude"] == pytest.approx(1.0)
    assert found["moved", "sal_mean_structure"] == pytest.approx(0.0)
    assert found["moved", "sal_mean_location"] == pytest.approx(1 / np.hypot(8, 12))
    assert found["twice", "sal_mean_amplitude"] == pytest.approx(
        0.5 * (6 / 27)
    )  # one of two members has a quarter more
    assert found["moved", "object_count_ratio_1"] == 1.0 and found["moved", "object_count_ratio_5"] == 0.0
    assert np.isnan(found["moved", "object_area_ratio_5"])
    assert found["twice", "object_count_ratio_1"] == 1.5
    assert found["twice", "object_area_ratio_1"] == pytest.approx((9 / 3) / 4)
    interest = ((1 - 1 / 8) + 1 + 2 / 4) / 3
    assert found["moved", "object_threat_1"] == pytest.approx(interest)
    assert found["twice", "object_threat_1"] == pytest.approx(16 / 17)
    one = results.sel(target="prcp", system="twice").isel(threshold=0)
    np.testing.assert_array_equal(one["objects"], [[1, 2], [0, 0]])
    np.testing.assert_array_equal(one["false_alarms"], [0.5, 0.0])
    assert float(one["area"][0]) == pytest.approx(4.5 * 6.25)
    assert one["area_counts"].isel(time=0).sum() == 1.5


def test_the_smallest_object(by_hand):
    found = values(FAMILY.compute(by_hand, EvalConfig(resamples=100, thresholds={"prcp": (1.0,)})))
    assert found["twice", "object_count_ratio_1"] == 1.0  # the single pixel is no object
    assert found["twice", "object_threat_1"] == 1.0


def test_dry_and_missing_dates(tmp_path, saved, systems_of):
    fields = np.random.default_rng(0).gamma(0.5, 4.0, (3, 3, 8, 9))
    observed = fields[:, 2].copy()
    observed[1], observed[2] = 0.0, np.nan
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields[:, :2], observed)})
    results = FAMILY.compute(systems, FAST)
    one = results.sel(target="prcp", system="a")
    assert one["structure"].notnull().all("member").values.tolist() == [True, False, False]
    np.testing.assert_array_equal(one["mean_amplitude"].isel(time=1), 2.0)
    assert one["objects"].isel(time=2).isnull().all() and one["n"].values.tolist() == [72, 72, 0]
    assert one["observed_n_objects"].isel(time=1).values.tolist() == [0, 0]
    counts = {row.name: row.n for row in FAMILY.scores(results, FAST)}
    assert counts["sal_mean_structure"] == 1 and counts["sal_mean_amplitude"] == counts["object_count_ratio_1"] == 2


def test_always_dry_gets_no_structure(tmp_path, saved, systems_of):
    observed = np.random.default_rng(0).gamma(0.5, 4.0, (3, 8, 9))
    systems = systems_of({"dry": saved.write(tmp_path / "a.zarr", np.zeros((3, 1, 8, 9)), observed)})
    results, figures = FAMILY.compute_and_plot(systems, FAST)
    found = values(results)
    assert found["dry", "sal_mean_amplitude"] == -2.0 and np.isnan(found["dry", "sal_mean_structure"])
    assert found["dry", "object_count_ratio_1"] == found["dry", "object_threat_1"] == 0.0
    assert [figure.name for figure in figures] == ["object_counts_prcp", "object_sizes_prcp"]


def test_values_just_below_zero_count_as_none(tmp_path, saved, systems_of):
    observed = np.random.default_rng(0).gamma(0.5, 4.0, (2, 8, 9))
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", observed[:, None] - 1e-3, observed)})
    assert abs(values(FAMILY.compute(systems, FAST))["a", "sal_mean_structure"]) < 0.05


def test_the_probability_matched_mean_that_a_system_carries(tmp_path, saved, systems_of):
    fields = np.random.default_rng(0).gamma(0.5, 4.0, (2, 3, 8, 9))
    times = np.array(["2014-06-01", "2014-06-02"], "M8[ns]")
    pmm = xr.Dataset({"prcp": (("time", "y", "x"), 3.0 * fields[:, 2], saved.prcp)}, {"time": times})
    with_pmm = saved.write(tmp_path / "a.zarr", fields[:, :2], fields[:, 2], groups={"/pmm": pmm})
    without = saved.write(tmp_path / "b.zarr", fields[:, :1], fields[:, 2])
    results, figures = FAMILY.compute_and_plot(systems_of({"a": with_pmm, "b": without}), FAST)
    one = results.sel(target="prcp")
    np.testing.assert_allclose(one["pmm_amplitude"].sel(system="a"), 1.0, rtol=1e-6)
    assert one["pmm_amplitude"].sel(system="b").isnull().all()
    assert "PMM" in figures[0].caption


def test_temperature_has_objects_and_no_sal(tmp_path, saved, systems_of):
    rng = np.random.default_rng(1)
    fields = 285.0 + 30.0 * gaussian_filter(rng.normal(size=(4, 4, 24, 26)), (0, 0, 3, 3))
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", fields[:, :3], fields[:, 3], key="tas", attrs=KELVIN)})
    results, figures = FAMILY.compute_and_plot(systems, FAST)
    assert results["structure"].isnull().all()
    assert not any(name.startswith("sal") for _, name in values(results))
    assert [figure.name for figure in figures] == ["object_counts_tas", "object_sizes_tas"]
    assert "SAL is defined for amounts that are never negative" in figures[0].caption
    assert 0.4 < next(value for (_, name), value in values(results).items() if "count" in name) < 2.5


def test_blocks_seasons_and_order(example, systems_of):
    from stride_eval.seasons import cut

    chosen = {name: example[name] for name in ("calibrated", "interpolated")}
    whole = systems_of(chosen)
    results = FAMILY.compute(whole, FAST)
    parts = systems_of(dict(reversed(chosen.items())))
    parts.block_bytes = 1
    again = FAMILY.compute(parts, FAST).sel(system=results["system"])
    xr.testing.assert_allclose(again.drop_attrs(), results.drop_attrs())
    june = cut(results, (6,))
    assert june is not None and ("calibrated", "sal_abs_structure") in values(june)


@pytest.mark.slow
def test_known_truth_gets_its_verdict(tmp_path, systems_of):
    from stride_eval.synthetic import Example, write_example

    systems = systems_of(write_example(tmp_path, Example(dates=10, members=4, size=72, factor=6)))
    found = values(FAMILY.compute(systems, FAST))
    assert found["calibrated", "sal_abs_structure"] < found["interpolated", "sal_abs_structure"]
    assert abs(found["calibrated", "sal_mean_structure"]) < 0.15 < found["interpolated", "sal_mean_structure"]
    assert found["calibrated", "object_count_ratio_1"] == pytest.approx(1.0, abs=0.25)
    assert found["underdispersive", "object_count_ratio_1"] < 0.75
    assert found["interpolated", "object_area_ratio_1"] > 2.0


def test_figures(example, systems_of):
    chosen = systems_of({name: example[name] for name in ("calibrated", "interpolated")})
    results, figures = FAMILY.compute_and_plot(chosen, FAST)
    assert [figure.name for figure in figures] == ["sal_prcp", "object_counts_prcp", "object_sizes_prcp"]
    assert "calibrated S" in figures[0].alt and "PMM" in figures[0].caption
    assert "observed" in figures[1].alt and "km²" in figures[2].figure.axes[0].get_xlabel()
    results["structure"][:] = np.nan  # as of temperature
    minimal = FAMILY.plot(results, FAST.model_copy(update={"mode": "minimal"}))
    assert [figure.name for figure in minimal] == ["object_counts_prcp"]
