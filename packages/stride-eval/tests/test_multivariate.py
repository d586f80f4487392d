"""Fields as wholes, decisions and pairs of targets in the probabilistic family."""

import json

import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families import dependence
from stride_eval.metrics import energy_score, member_counts, threshold_weighted_crps
from stride_eval.plots.png import save_png
from stride_eval.provenance import Provenance

FAST = EvalConfig(resamples=100)
FAMILY = registry.family("probabilistic")
UNITS = {"prcp": "mm day-1", "temp": "K"}


def values(results, config=FAST):
    return {(score.system, score.target, score.name): score.value for score in FAMILY.scores(results, config)}


def write_pair(path, members, observed):
    """Two targets in one store: temp and prcp as (members [time, member, y, x], observed [time, y, x])."""
    coords = {"time": np.datetime64("2014-06-01", "ns") + np.arange(len(observed["temp"])) * np.timedelta64(1, "D")}
    for dim, size in zip(("y", "x"), observed["temp"].shape[1:], strict=True):
        coords[dim] = (dim, np.arange(size) * 2500.0, {"units": "m"})

    def group(dims, fields):
        attrs = {key: {"units": UNITS[key], "stride_variable": key} for key in fields}
        return xr.Dataset({key: (dims, np.float32(field), attrs[key]) for key, field in fields.items()}, coords)

    root = {"stride_format": "stride-ensemble", "stride_format_version": 1, "targets": json.dumps(list(members))}
    groups = {
        "/": xr.Dataset(attrs=root),
        "/ensemble": group(("time", "member", "y", "x"), members),
        "/target": group(("time", "y", "x"), observed),
    }
    xr.DataTree.from_dict(groups).to_zarr(path, zarr_format=3, consolidated=False)
    return path


@pytest.fixture
def two_targets(tmp_path, systems_of):
    """Temperature and rain of one weather; members that keep them together, and the same members with rain shuffled."""
    rng = np.random.default_rng(3)
    weather = rng.normal(size=(8, 7, 12, 14))
    temp, prcp = 285.0 + 2.0 * weather, np.maximum(weather + 0.3 * rng.normal(size=weather.shape), 0.0) * 5.0
    observed = {"temp": temp[:, 0], "prcp": prcp[:, 0]}
    observed["prcp"][2] = 0.0  # a dry day has no correlation
    observed["temp"][3, :4] = np.nan
    together = {"temp": temp[:, 1:], "prcp": prcp[:, 1:]}
    apart = {"temp": temp[:, 1:], "prcp": np.roll(prcp[:, 1:], 1, axis=1)}
    single = {key: fields[:, :1] for key, fields in together.items()}
    return systems_of(
        {
            name: write_pair(tmp_path / f"{name}.zarr", members, observed)
            for name, members in {"together": together, "apart": apart, "single": single}.items()
        }
    )


def test_statistics_are_those_of_the_metrics(pair, systems_of):
    systems = systems_of(pair)
    config = EvalConfig(resamples=100, thresholds={"prcp": (2.0, 6.0)})
    one = FAMILY.compute(systems, config).sel(target="prcp")
    block = next(systems.blocks("prcp"))
    for name in systems.names:
        members = block.members[name]
        found = one.sel(system=name)
        np.testing.assert_allclose(found["energy"], energy_score(members, block.observed, estimator="auto"))
        for index, level in enumerate((2.0, 6.0)):
            expected = threshold_weighted_crps(
                members, block.observed, threshold=level, estimator="auto", dim=("y", "x")
            )
            np.testing.assert_allclose(found["twcrps"].isel(threshold=index), expected)
            counts = member_counts(members, block.observed, threshold=level, dim=("y", "x"))
            here = found["value_counts"].isel(threshold=index, k=slice(0, counts.sizes["k"]))
            np.testing.assert_array_equal(here, counts)


def test_scores_by_hand(tmp_path, saved, systems_of):
    """Members 1 and 3 of an observed 2, and 0 and 0 of an observed 4; one field of 2, 2."""
    observed = np.array([[[2.0, 4.0]]])
    systems = systems_of(
        {
            "pair": saved.write(tmp_path / "pair.zarr", np.array([[[[1.0, 0.0]], [[3.0, 0.0]]]]), observed),
            "one": saved.write(tmp_path / "one.zarr", np.array([[[[2.0, 2.0]]]]), observed),
        }
    )
    config = EvalConfig(resamples=100, thresholds={"prcp": (3.0,)})
    found = values(FAMILY.compute(systems, config), config)
    # Both members lie sqrt(17) from the observation and 2 from each other, all over sqrt(2) for two pixels.
    energy = (np.sqrt(17) - 1.0) / np.sqrt(2)
    assert found["pair", "prcp", "energy"] == pytest.approx(energy)
    assert found["one", "prcp", "energy"] == pytest.approx(np.sqrt(2))
    assert found["pair", "prcp", "energy_skill"] == pytest.approx(100 - 100 * energy / np.sqrt(2))
    assert ("one", "prcp", "energy_skill") not in found
    # sqrt(2) observed; members 1 and sqrt(3), with variance (sqrt(3) - 1)^2 / 2.
    square = (np.sqrt(2) - (1 + np.sqrt(3)) / 2) ** 2 - (np.sqrt(3) - 1) ** 2 / 4
    assert found["pair", "prcp", "variogram"] == pytest.approx(square)
    assert found["one", "prcp", "variogram"] == pytest.approx(2.0)
    # Above 3: members (3, 3) of 3 and (3, 3) of 4.
    assert found["pair", "prcp", "twcrps_3"] == pytest.approx(0.5)
    # The event is seen once and forecast by member 2 at the wrong pixel: no hit, one false alarm.
    assert found["pair", "prcp", "economic_value_3"] == pytest.approx(0.0)


def test_pairs_of_targets(two_targets):
    results = FAMILY.compute(two_targets, FAST)
    about = Provenance.of(results)
    one = results.sel(target="temp")
    rows = dependence.scores(one, about.specs["temp"], about, FAST)
    found = {(score.system, score.name): score.value for score in rows}
    assert abs(found["together", "correlation_error_prcp"]) < 0.03
    assert found["apart", "correlation_error_prcp"] < -0.7
    assert found["together", "joint_variogram_prcp"] < 0.7 * found["apart", "joint_variogram_prcp"]
    assert np.isfinite(found["single", "joint_energy_prcp"])
    assert dependence.scores(results.sel(target="prcp"), about.specs["prcp"], about, FAST) == []


def test_pairs_leave_out_dry_days_and_gaps(two_targets):
    one = dependence.joint(two_targets, FAST).sel(target="temp", other="prcp")
    assert one["observed_cross_correlation"].isnull().values.tolist() == [False, False, True] + [False] * 5
    assert one["joint_energy"].notnull().all()


@pytest.mark.slow
def test_results_are_the_same_in_blocks(two_targets):
    whole = FAMILY.compute(two_targets, FAST)
    two_targets.block_bytes = 1
    two_targets._kept.clear()
    xr.testing.assert_allclose(FAMILY.compute(two_targets, FAST), whole)


@pytest.mark.slow
def test_every_figure_of_two_targets(two_targets, tmp_path):
    results = FAMILY.compute(two_targets, FAST)
    results.to_netcdf(tmp_path / "a.nc")
    records = FAMILY.plot(xr.load_dataset(tmp_path / "a.nc"), FAST)
    names = [record.name for record in records]
    assert len(set(names)) == len(names)
    assert {"economic_value_temp", "cross_correlation_temp_prcp", "spread_classes_prcp", "crps_map_prcp"} <= set(names)
    for record in records:
        assert "nan" not in record.alt + record.caption
        assert record.reading.endswith(".") and record.alt.endswith(".")
    save_png(records[-1].figure, tmp_path / "a.png", 60)


@pytest.mark.slow
def test_known_truth_gets_its_verdict(example, systems_of):
    found = values(FAMILY.compute(systems_of(example), FAST))
    for score in ("energy", "variogram", "twcrps_1"):
        ranked = {name: found[name, "prcp", score] for name in example}
        assert min(ranked, key=ranked.__getitem__) == "calibrated", score


def test_no_threshold_and_one_pixel(tmp_path, saved, systems_of):
    """What cannot be scored is left out: no event, no pair of pixels."""
    fields = np.random.default_rng(0).gamma(1.0, 2.0, (3, 4, 1, 1))
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields, fields[:, 0])})
    config = EvalConfig(resamples=100, thresholds={"prcp": ()})
    results = FAMILY.compute(systems, config)
    names = {name for _, _, name in values(results, config)}
    assert "energy" in names
    assert not [name for name in names if name.startswith(("variogram", "twcrps", "economic"))]
    assert FAMILY.plot(results, config)


def test_an_event_that_never_happens(tmp_path, saved, systems_of):
    """Its value is not defined; its weighted CRPS is that of the false alarms."""
    observed = np.ones((3, 4, 5))
    fields = np.stack([observed, observed + 9.0], axis=1)
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", fields, observed)})
    config = EvalConfig(resamples=100, thresholds={"prcp": (5.0,)})
    results = FAMILY.compute(systems, config)
    found = values(results, config)
    assert np.isnan(found["a", "prcp", "economic_value_5"])
    assert found["a", "prcp", "twcrps_5"] == pytest.approx(2.5 - 2.5)  # fair: 5 / 2, less half of 5
    assert all("nan" not in record.alt for record in FAMILY.plot(results, config))
