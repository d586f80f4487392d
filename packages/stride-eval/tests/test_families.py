"""Each family on a few numbers, against values worked out by hand."""

import json

import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.provenance import Provenance

FAST = EvalConfig(resamples=100)


def run(name, systems, config=FAST):
    return registry.family(name).compute(systems, config)


def values(name, results, config=FAST):
    return {(score.system, score.name): score.value for score in registry.family(name).scores(results, config)}


@pytest.fixture
def tiny(tmp_path, saved, systems_of):
    """One date, two pixels: members 1 and 3 of an observed 2, members 0 and 0 of an observed 4; one field of 2, 2."""
    observed = np.array([[[2.0, 4.0]]])
    ensemble = np.array([[[[1.0, 0.0]], [[3.0, 0.0]]]])
    return systems_of(
        {
            "pair": saved.write(tmp_path / "pair.zarr", ensemble, observed),
            "one": saved.write(tmp_path / "one.nc", np.array([[[[2.0, 2.0]]]]), observed),
        }
    )


def test_probabilistic_by_hand(tiny):
    results = run("probabilistic", tiny)
    found = values("probabilistic", results)
    # fair CRPS: pixel 1 has 1 - 4 / 4 = 0, pixel 2 has 4 - 0; the single field's absolute errors are 0 and 2.
    assert found["pair", "crps"] == pytest.approx(2.0)
    assert found["one", "crps"] == pytest.approx(1.0)
    assert found["pair", "crps_skill"] == pytest.approx(-1.0)
    assert ("one", "crps_skill") not in found
    assert found["pair", "bias"] == pytest.approx(-2.0)
    assert found["pair", "bias_percent"] == pytest.approx(-200.0 / 3.0)
    assert found["pair", "rmse"] == pytest.approx(np.sqrt(8.0))
    # mean variance 1 (2 and 0); unbiased squared error 8 - 1 / 2
    assert found["pair", "spread_skill"] == pytest.approx(1.0 / np.sqrt(7.5))
    assert np.isnan(found["one", "spread_skill"])
    ranks = results["rank_counts"].sel(target="prcp", system="pair").isel(time=0)
    np.testing.assert_array_equal(ranks, [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(results["crps_map"].sel(target="prcp", system="pair"), [[0.0, 4.0]])
    estimators = {
        score.system: score.estimator
        for score in registry.family("probabilistic").scores(results, FAST)
        if score.name == "crps"
    }
    assert estimators == {"pair": "fair", "one": "MAE (one member)"}


def test_dates_count_by_their_pixels(tmp_path, saved, systems_of):
    observed = np.array([[[0.0, 0.0]], [[0.0, np.nan]]])
    field = np.array([[[[1.0, 1.0]]], [[[4.0, 9.0]]]])
    results = run("probabilistic", systems_of({"one": saved.write(tmp_path / "a.nc", field, observed)}))
    assert values("probabilistic", results)["one", "crps"] == pytest.approx((1.0 + 1.0 + 4.0) / 3.0)
    np.testing.assert_array_equal(results["n"].sel(target="prcp"), [2, 1])


def test_distributions_by_hand(tiny):
    results = run("distributions", tiny)
    found = values("distributions", results)
    assert found["observed", "wet_fraction"] == pytest.approx(100.0)
    assert found["pair", "wet_fraction"] == pytest.approx(50.0)
    assert found["pair", "wet_fraction_difference"] == pytest.approx(-50.0)
    amount = results["wet_amount"].sel(target="prcp", system="pair").item()
    assert amount == pytest.approx(0.5 * 2.0)  # half is wet, with a mean of 2
    assert results["counts"].sel(target="prcp", system="pair").sum() == 4


def test_extremes_by_hand(tmp_path, saved, systems_of):
    observed = np.arange(1000.0).reshape(1, 25, 40)
    systems = systems_of(
        {
            "twice": saved.write(tmp_path / "a.zarr", 2.0 * observed[:, None], observed),
            "same": saved.write(tmp_path / "b.zarr", np.stack([observed, observed[:, ::-1]], 1), observed),
        }
    )
    results = run("extremes", systems)
    found = values("extremes", results)
    assert found["observed", "q999"] == pytest.approx(998.0, abs=3.0)
    assert found["twice", "q999_difference"] == pytest.approx(100.0, abs=0.7)
    assert found["same", "q999_difference"] == pytest.approx(0.0, abs=1e-9)
    # The observed 0.9 quantile is 899.1: 100 values reach it, 550 of the doubled ones do.
    passed = results["exceedance"].sel(target="prcp", level=0.9)
    np.testing.assert_allclose(passed.sel(system=["twice", "same"]).squeeze(), [0.55, 0.1])
    np.testing.assert_array_equal(results["maximum"].sel(system="twice", target="prcp"), 2.0 * observed[0])
    np.testing.assert_allclose(
        results["maximum"].sel(system="same", target="prcp"), (observed[0] + observed[0, ::-1]) / 2
    )


def test_spatial_by_hand(tiny):
    results = run("spatial", tiny).sel(target="prcp")
    np.testing.assert_allclose(results["bias"].sel(system="pair"), [[0.0, -4.0]])
    np.testing.assert_allclose(results["rmse"].sel(system="pair"), [[0.0, 4.0]])
    np.testing.assert_allclose(results["spread"].sel(system="pair"), [[np.sqrt(2.0), 0.0]])
    assert results["spread"].sel(system="one").isnull().all()
    np.testing.assert_allclose(results["wet_frequency"].sel(system="pair"), [[1.0, 0.0]])


def test_spatial_leaves_missing_dates_out(tmp_path, saved, systems_of):
    observed = np.array([[[1.0, 1.0]], [[3.0, np.nan]]])
    field = np.array([[[[2.0, 2.0]]], [[[6.0, 9.0]]]])
    results = run("spatial", systems_of({"one": saved.write(tmp_path / "a.nc", field, observed)})).sel(
        target="prcp", system="one"
    )
    np.testing.assert_allclose(results["bias"], [[2.0, 1.0]])
    np.testing.assert_allclose(results["rmse"], [[np.sqrt(5.0), 1.0]])
    np.testing.assert_array_equal(results["n"], [[2, 1]])


def test_scale_by_hand(tmp_path, saved, systems_of):
    rng = np.random.default_rng(2)
    observed = rng.gamma(1.0, 3.0, (3, 16, 16))
    systems = systems_of(
        {
            "twice": saved.write(tmp_path / "a.zarr", 2.0 * observed[:, None], observed),
            "same": saved.write(tmp_path / "b.zarr", np.stack([observed, observed], 1), observed),
        }
    )
    config = EvalConfig(resamples=100, thresholds={"prcp": (2.0, 6.0)}, windows=(1, 3))
    results = run("scale", systems, config)
    found = values("scale", results, config)
    assert found["twice", "small_scale_ratio"] == pytest.approx(4.0, rel=1e-5)
    assert found["same", "small_scale_ratio"] == pytest.approx(1.0)
    assert results.attrs["length_unit"] == "km"
    one = results.sel(target="prcp")
    np.testing.assert_array_equal(one["thresholds"], [2.0, 6.0])
    assert float(one["fss_numerator"].sel(system="same").sum()) == 0.0
    # At the grid scale and one field, numerator = misses + false alarms, denominator = both counts of events.
    twice, seen = 2.0 * observed >= 6.0, observed >= 6.0
    cell = one.sel(system="twice", threshold=1).sel(window=1)
    assert float(cell["fss_numerator"].sum()) == np.sum(twice != seen)
    assert float(cell["fss_denominator"].sum()) == twice.sum() + seen.sum()
    np.testing.assert_allclose(one["observed_events"].isel(threshold=1), seen.mean(axis=(1, 2)))


def test_scale_knows_the_low_resolution(tmp_path, saved, systems_of):
    fields = np.random.default_rng(1).gamma(1.0, 3.0, (2, 2, 16, 16))
    times = np.array(["2014-06-01", "2014-06-02"], "M8[ns]")
    coarse = xr.Dataset(
        {"prcp": (("time", "lr_y", "lr_x"), np.ones((2, 4, 4)), saved.prcp)},
        {"time": times, **{dim: (dim, np.arange(4) * 10000.0, {"units": "m"}) for dim in ("lr_y", "lr_x")}},
    )
    path = saved.write(tmp_path / "a.zarr", fields, fields[:, 0], groups={"/conditioning": coarse})
    systems = systems_of({"a": path})
    assert systems.resolution_ratio == pytest.approx(4.0)
    assert run("scale", systems)["small_scale"].item() == pytest.approx(20.0)  # km: two cells of 10


def test_domains_too_small_for_a_spectrum(tiny):
    results = run("scale", tiny)
    assert "spectrum" not in results
    assert registry.family("scale").scores(results, FAST) == []


def test_dates_choose_by_the_observed_mean(tmp_path, saved, systems_of):
    observed = np.array([3.0, 9.0, 1.0, 5.0, 7.0])[:, None, None] * np.ones((1, 2, 3))
    rng = np.random.default_rng(0)
    fields = rng.gamma(1.0, 2.0, (5, 6, 2, 3))
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields, observed)})
    results = run("dates", systems, EvalConfig(ranked_dates=())).sel(target="prcp")
    assert [str(time)[:10] for time in results["time"].values] == ["2014-06-02", "2014-06-04", "2014-06-05"]
    assert results["choice"].values[0].startswith("highest")
    assert results["members"].sizes["member"] == 4
    first = fields[1].astype(np.float32)
    np.testing.assert_allclose(results["mean"].sel(system="a").isel(time=0), first.mean(0), rtol=1e-6)
    np.testing.assert_allclose(results["spread"].sel(system="a").isel(time=0), first.std(0, ddof=1), rtol=1e-5)
    # PMM: every sixth of the 36 pooled values, in the order of the mean.
    pooled = np.sort(first, axis=None)[3::6]
    np.testing.assert_allclose(np.sort(results["pmm"].sel(system="a").isel(time=0), axis=None), pooled, rtol=1e-6)

    asked = run("dates", systems, EvalConfig(dates=("2014-06-03",), ranked_dates=()))
    assert Provenance.of(asked).dates == systems.times
    assert [str(time)[:10] for time in asked["time"].values] == ["2014-06-03"]
    with pytest.raises(EvalError, match=r"2014-07-03 is none of the 5 common dates.*2014-06-03"):
        run("dates", systems, EvalConfig(dates=("2014-07-03",)))
    assert run("dates", systems, EvalConfig(quicklooks=0, ranked_dates=())).sizes == {}


def test_best_median_and_worst_dates(tmp_path, saved, systems_of):
    """Errors of 3, 0, 1, 4, 2 mm/day everywhere; of the reference 9, 1, 1, 1, 1."""
    observed = np.full((5, 4, 4), 10.0) * np.arange(1, 6)[:, None, None]
    a = observed + np.array([3.0, 0, 1, 4, 2])[:, None, None]
    b = observed + np.array([9.0, 1, 1, 1, 1])[:, None, None]
    paths = {name: saved.write(tmp_path / f"{name}.zarr", x[:, None], observed) for name, x in [("a", a), ("b", b)]}

    def chosen(config, *systems):
        results = run("dates", systems_of({name: paths[name] for name in systems}), config).sel(target="prcp")
        days = [int(str(time)[8:10]) for time in results["time"].values]
        return dict(zip(days, results["choice"].values.tolist(), strict=True))

    alone = chosen(EvalConfig(quicklooks=0), "a")
    assert alone == {
        2: "best CRPS of a of the 5 dates",
        4: "worst CRPS of a of the 5 dates",
        5: "median CRPS of a of the 5 dates",
    }
    beside = chosen(EvalConfig(quicklooks=1, ranked_dates=("best", "worst")), "a", "b")  # a is the reference
    assert beside == {
        1: "worst CRPS of b, less that of a, of the 5 dates",
        4: "best CRPS of b, less that of a, of the 5 dates",
        5: "highest observed mean of the 5 dates",
    }
    both = chosen(EvalConfig(quicklooks=1, ranked_dates=("median",)), "a")
    assert both == {5: "highest observed mean of the 5 dates; median CRPS of a of the 5 dates"}


def test_dates_without_observations(tmp_path, saved, systems_of):
    """The members are shown all the same, and nothing that would need the observed field is."""
    fields = np.random.default_rng(0).gamma(1.0, 2.0, (3, 2, 6, 6)) * np.array([1.0, 3.0, 2.0])[:, None, None, None]
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields, None)})
    results, figures = registry.family("dates").compute_and_plot(systems, EvalConfig(quicklooks=1))
    assert results["choice"].values.tolist() == [["highest mean of a of the 3 dates"]]
    assert results["observed"].isnull().all()
    (record,) = figures
    titles = [axes.get_title(loc="center") for axes in record.figure.axes]
    assert "member 2" in titles and "PMM" in titles and "observed" not in titles
    assert "observed" not in record.alt + record.reading


def test_dates_take_the_saved_pmm(tmp_path, saved, systems_of):
    fields = np.random.default_rng(0).gamma(1.0, 2.0, (1, 3, 4, 4))
    times = np.array(["2014-06-01"], "M8[ns]")
    pmm = xr.Dataset({"prcp": (("time", "y", "x"), np.full((1, 4, 4), 7.0), saved.prcp)}, {"time": times})
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields, fields[:, 0], groups={"/pmm": pmm})})
    assert (run("dates", systems)["pmm"] == 7.0).all()


def test_results_are_the_same_in_blocks(pair, systems_of):
    whole, parts = systems_of(pair), systems_of(pair)
    parts.block_bytes = 1
    for name in ("probabilistic", "distributions", "extremes", "spatial", "scale"):
        xr.testing.assert_allclose(run(name, parts), run(name, whole))


@pytest.mark.parametrize("name", registry.names())
def test_statistics_per_date_know_their_dates(name, pair, systems_of):
    """Seasons are cut by them."""
    results = run(name, systems_of(pair))
    assert "time" not in results.dims or results["time"].dtype.kind == "M"


def test_known_truth_gets_its_verdict(example, systems_of):
    systems = systems_of(example)
    found = values("probabilistic", run("probabilistic", systems)) | values("scale", run("scale", systems))
    found |= values("distributions", run("distributions", systems))
    assert found["calibrated", "spread_skill"] == pytest.approx(1.0, abs=0.12)
    assert found["underdispersive", "spread_skill"] < 0.7
    assert found["calibrated", "small_scale_ratio"] == pytest.approx(1.0, abs=0.3)
    assert found["interpolated", "small_scale_ratio"] < 0.3
    crps = {name: found[name, "crps"] for name in systems.names}
    assert min(crps, key=crps.__getitem__) == "calibrated"
    assert found["interpolated", "wet_fraction"] > found["observed", "wet_fraction"] + 5.0


@pytest.mark.parametrize("name", registry.names())
def test_results_survive_a_file(tmp_path, name, example, systems_of):
    results = run(name, systems_of({key: example[key] for key in ("calibrated", "interpolated")}))
    results.to_netcdf(tmp_path / "a.nc")
    again = xr.load_dataset(tmp_path / "a.nc")
    assert json.loads(again.attrs["provenance"])["family"] == name
    first, second = (registry.family(name).scores(one, FAST) for one in (results, again))
    assert [str(score) for score in first] == [str(score) for score in second]
