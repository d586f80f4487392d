"""The family of time on a few numbers, on known truths, on isolated dates and in every calendar."""

import cftime
import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig

FAST = EvalConfig(resamples=100, fewest_pairs=2)
FAMILY = registry.family("temporal")
START = np.datetime64("2014-06-01", "ns")


def days(*numbers):
    return START + np.array(numbers) * np.timedelta64(1, "D")


def values(results):
    return {(score.system, score.name): score for score in FAMILY.scores(results, FAST)}


def by_hand(tmp_path, saved, systems_of):
    """One pixel in runs of three and two dates: observed wet wet dry | wet wet, forecast wet dry dry | wet wet."""
    observed = np.array([5.0, 5.0, 0.0, 5.0, 5.0])[:, None, None]
    field = np.array([5.0, 0.0, 0.0, 5.0, 5.0])[:, None, None, None]
    return systems_of({"a": saved.write(tmp_path / "a.nc", field, observed, times=days(0, 1, 2, 5, 6))})


def test_by_hand(tmp_path, saved, systems_of):
    results = FAMILY.compute(by_hand(tmp_path, saved, systems_of), FAST)
    assert (results.attrs["runs"], results.attrs["longest_run"]) == (2, 3)
    one = results.sel(target="prcp")
    # Spells: observed 2 and 2; forecast 1 and 2.
    np.testing.assert_array_equal(one["observed_spells"].sel(kind="event"), [0, 2])
    np.testing.assert_array_equal(one["spells"].sel(kind="event", system="a"), [1, 1])
    np.testing.assert_array_equal(one["spells"].sel(kind="none", system="a"), [0, 1])
    found = values(results)
    assert found["a", "spell_length_ratio"].value == pytest.approx(1.5 / 2.0)
    # After wet: observed wet, dry, wet; forecast dry, wet.
    assert found["a", "persistence_difference"].value == pytest.approx(100 * (1 / 2 - 2 / 3))
    assert found["a", "persistence_difference"].n == 3
    assert found["a", "spell_length_ratio"].n == 5


def test_a_season_takes_its_own_pairs(tmp_path, saved, systems_of):
    from stride_eval.seasons import cut

    fields = np.random.default_rng(4).gamma(0.6, 4.0, (14, 3, 4, 4))
    times = days(*range(20, 34))  # ten days of June, three of July, and one in August, alone
    times[-1] += np.timedelta64(40, "D")
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", fields[:, :2], fields[:, 2], times=times)})
    results = FAMILY.compute(systems, FAST)
    assert values(cut(results, (7,)))["a", "lag1_difference"].n == 3
    assert values(cut(results, (8,))) == {}


def persistent(rng, phi, shape):
    state = np.zeros(shape)
    state[0] = rng.normal(size=shape[1:])
    for t in range(1, shape[0]):
        state[t] = phi * state[t - 1] + np.sqrt(1 - phi**2) * rng.normal(size=shape[1:])
    return state


@pytest.fixture
def known(tmp_path, saved, systems_of):
    """Opens a calibrated system and one that forgets from day to day, of either variable."""
    rng = np.random.default_rng(0)
    fields = persistent(rng, 0.7, (60, 4, 8, 8))
    forgets = rng.normal(size=(60, 3, 8, 8))

    def write(key, attrs, of, times=None, **how):
        return systems_of(
            {
                name: saved.write(
                    tmp_path / f"{key}_{name}.nc", of(members), of(fields[:, 3]), key=key, attrs=attrs, times=times
                )
                for name, members in {"good": fields[:, :3], "forgets": forgets}.items()
            },
            **how,
        )

    return write


KINDS = {
    "prcp": (None, lambda g: 5.0 * np.maximum(g, 0.0)),
    "tas": ({"units": "K", "long_name": "Temperature", "stride_variable": "tas"}, lambda g: 280.0 + 3.0 * g),
}


@pytest.mark.parametrize("key", KINDS)
def test_known_truth_gets_its_verdict(known, key):
    results = FAMILY.compute(known(key, *KINDS[key]), FAST)
    found = values(results)
    assert found["good", "lag1_difference"].value == pytest.approx(0.0, abs=0.05)
    assert found["forgets", "lag1_difference"].upper < -0.4
    assert found["good", "spell_length_ratio"].value == pytest.approx(1.0, abs=0.15)
    assert found["forgets", "spell_length_ratio"].upper < 0.8
    assert found["forgets", "persistence_difference"].upper < -10.0
    spectrum = results["spectrum"].sel(target=key)
    low = spectrum.isel(frequency=1) / results["observed_spectrum"].sel(target=key).isel(frequency=1)
    assert float(low.sel(system="forgets")) < 0.5 < float(low.sel(system="good"))


def test_blocks_change_nothing(known):
    systems = known("prcp", *KINDS["prcp"])
    whole = FAMILY.compute(systems, FAST)
    systems.block_bytes = 7 * 4 * 64 * 7  # seven dates at a time
    xr.testing.assert_allclose(FAMILY.compute(systems, FAST), whole)


@pytest.mark.parametrize("key", KINDS)
def test_figures(known, key):
    records = FAMILY.plot(FAMILY.compute(known(key, *KINDS[key]), FAST), FAST)
    names = [record.name.removesuffix(f"_{key}") for record in records]
    assert names == ["memory", "spells", "transitions", "memory_map"]
    assert all("59 pairs of dates 1 day apart in 1 unbroken run (longest 60 dates)" in one.caption for one in records)
    assert all("by their number" in one.caption for one in records)


def test_cycles_of_subdaily_dates(known):
    times = START + np.arange(60) * np.timedelta64(6, "h")
    times[20:] += np.timedelta64(40, "D")
    times[40:] += np.timedelta64(40, "D")
    results = FAMILY.compute(known("prcp", *KINDS["prcp"], times=times), FAST)
    assert (results.attrs["step"], results.attrs["runs"]) == (6 * 3600.0, 3)
    assert "cycles_prcp" in [record.name for record in FAMILY.plot(results, FAST)]


def test_few_pairs_give_no_correlation(tmp_path, saved, systems_of):
    fields = np.random.default_rng(5).gamma(0.6, 4.0, (20, 3, 4, 4))
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", fields[:, :2], fields[:, 2], times=days(*range(20)))})
    for fewest, kept in ((19, {"lag1_difference"}), (20, set())):
        config = EvalConfig(resamples=100, fewest_pairs=fewest)
        results = FAMILY.compute(systems, config)
        assert {row.name for row in FAMILY.scores(results, config)} - kept == {
            "persistence_difference", "spell_length_ratio",
        }  # fmt: skip
        assert results.sizes.get("lag", 0) == len(kept)
        names = [record.name for record in FAMILY.plot(results, config)]
        assert ("note_prcp" in names) != ("memory_prcp" in names) == bool(kept)
    sentence = next(record.reading for record in FAMILY.plot(results, config) if record.name == "note_prcp")
    assert sentence.startswith("There are 19 pairs of consecutive dates; of fewer than 20 (fewest_pairs)")


@pytest.mark.parametrize("calendar", ["datetime64", "noleap", "360_day"])
@pytest.mark.parametrize("apart", [1, 5])
def test_calendars_and_isolated_dates(tmp_path, saved, systems_of, calendar, apart):
    rng = np.random.default_rng(1)
    fields = rng.gamma(0.6, 4.0, (12, 3, 4, 4))
    if calendar == "datetime64":
        times = days(*range(0, 12 * apart, apart))
    else:
        first = cftime.datetime(2015, 2, 26, calendar=calendar)
        times = xr.date_range(str(first)[:10], periods=12, freq=f"{apart}D", calendar=calendar, use_cftime=True).values
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", fields[:, :2], fields[:, 2], times=times)})
    results = FAMILY.compute(systems, FAST)
    records = FAMILY.plot(results, FAST)
    if apart == 1:
        assert (results.attrs["runs"], results.attrs["longest_run"]) == (1, 12)
        assert len(values(results)) == 3
    else:
        assert values(results) == {}
        # Months need no neighbours; all else does.
        assert {record.name for record in records} - {"cycles_prcp"} == {"note_prcp"}
        assert records[0].reading == (
            "No two of the 12 dates are consecutive (the nearest are 5 days apart), so spells, lags and spectra are "
            "not defined."
        )


def test_one_date_and_all_dry(tmp_path, saved, systems_of):
    one = systems_of({"a": saved.write(tmp_path / "a.nc", np.ones((1, 2, 3, 3)), np.ones((1, 3, 3)))})
    results = FAMILY.compute(one, FAST)
    assert FAMILY.plot(results, FAST)[0].reading.startswith("There is one date alone")
    dry = systems_of({"a": saved.write(tmp_path / "b.nc", np.zeros((12, 2, 3, 3)), np.zeros((12, 3, 3)))})
    results = FAMILY.compute(dry, FAST)
    assert all(np.isnan(score.value) for score in FAMILY.scores(results, FAST))
    assert len(FAMILY.plot(results, FAST)) == 4
