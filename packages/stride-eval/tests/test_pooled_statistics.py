"""Statistics of pooled values, by hand: what weighs how much, what a season may cut, what an index may be called."""

import numpy as np
import pytest
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families.index_names import maximum_label, minimum_label
from stride_eval.families.thresholds import event_thresholds
from stride_eval.parts import scores_of_parts
from stride_vars.catalogue import Catalogue

FAST = EvalConfig(resamples=100)
CATALOGUE = Catalogue.load()


def test_wet_shares_are_of_all_values(tmp_path, saved, systems_of):
    """Four pixels on one date, all wet; one alone on the next, dry: 4 of 5 values, not the mean of 1 and 0."""
    observed = np.array([[[5.0, 5.0], [5.0, 5.0]], [[0.0, np.nan], [np.nan, np.nan]], np.full((2, 2), np.nan)])
    members = np.stack([np.nan_to_num(observed), np.full((3, 2, 2), 5.0)], axis=1)
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", members, observed)})
    family = registry.family("distributions")
    scores = {(one.system, one.name): one for one in family.scores(family.compute(systems, FAST), FAST)}
    assert scores["observed", "wet_fraction"].value == pytest.approx(80.0)
    assert scores["a", "wet_fraction"].value == pytest.approx(90.0)
    assert scores["a", "wet_fraction_difference"].value == pytest.approx(10.0)
    assert scores["a", "wet_fraction"].n == 2


def test_a_season_keeps_what_follows_from_its_dates(tmp_path, saved, systems_of):
    """Memory and return levels are of all dates: within one season a warm month would count as memory."""
    rng = np.random.default_rng(2)
    times = np.datetime64("2014-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    cycle = np.where(np.arange(60) < 31, 0.0, 20.0)[:, None, None, None]
    fields = 280.0 + cycle + rng.normal(size=(60, 3, 4, 4))
    path = saved.write(
        tmp_path / "a.zarr", fields[:, :2], fields[:, 2], key="t2m", times=times,
        attrs={"units": "K", "long_name": "Temperature", "stride_variable": "t2m"},
    )  # fmt: skip
    systems = systems_of({"a": path})
    config = EvalConfig(resamples=100, seasons={"january": (1,)})
    for name, whole in (("temporal", "lag1_difference"), ("extremes", "return_level")):
        results = registry.family(name).compute(systems, config)
        rows = scores_of_parts(name, results, config)
        of = {season: {row.name for row in rows if row.season == season} for season in ("all", "january")}
        assert whole in of["all"]
        assert whole not in of["january"] and f"{whole}_difference" not in of["january"]
        assert of["january"] <= of["all"] and of["january"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_reaches_the_threshold_that_it_is_written_as(dtype):
    """0.7 in single precision lies below 0.7."""
    written = [step / 10 for step in range(1, 100)]
    config = EvalConfig(thresholds={"prcp": tuple(written)})
    levels = event_thresholds("prcp", CATALOGUE.get("prcp"), np.array([0.0, 9.0]), config)
    assert (np.array(written, dtype) >= levels).all()
    assert not (np.array(written[:-1], dtype) >= levels[1:]).any()
    assert [f"{level:g}" for level in levels] == [f"{level:g}" for level in written]


DAYS = ("2014-06-01", "2014-06-02")
HOURS = ("2014-06-01T00:00", "2014-06-01T06:00")


@pytest.mark.parametrize(
    ("key", "dates", "largest", "smallest"),
    [
        ("prcp", DAYS, "Maximum (Rx1day)", "Minimum"),
        ("prcp", HOURS, "Maximum", "Minimum"),
        ("tmax", DAYS, "Maximum (TXx)", "Minimum"),
        ("tmin", DAYS, "Maximum", "Minimum (TNn)"),
        ("t2m", DAYS, "Maximum", "Minimum"),
        ("t2m", HOURS, "Maximum (TXx)", "Minimum (TNn)"),
        ("msl", DAYS, "Maximum", "Minimum"),
        ("wspd10", DAYS, "Maximum", "Minimum"),
    ],
)
def test_names_of_indices(key, dates, largest, smallest):
    spec = CATALOGUE.get(key)
    assert (maximum_label(spec, dates), minimum_label(spec, dates)) == (largest, smallest)
