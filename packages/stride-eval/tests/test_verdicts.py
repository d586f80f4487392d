"""Ensembles of known truth get the verdict they deserve, from all families at once, for rain and for temperature."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from stride_eval import registry
from stride_eval.config import EvalConfig

CONFIG = EvalConfig(resamples=100, threshold_quantiles=(0.9,), coverage_levels=(0.8,))
ATTRS = {
    "prcp": {"units": "mm day-1", "long_name": "Precipitation", "stride_variable": "prcp"},
    "t2m": {"units": "K", "long_name": "Temperature", "stride_variable": "t2m"},
}
SIDE = 20


def drawn(key: str, dates: int, members: int, *, scale: float = 1.0, seed: int = 4) -> np.ndarray:
    """Fields [time, member, y, x] that share large scales and differ in small ones: exchangeable where scale is 1.

    The first member, taken for the observation, has small scales of amplitude 1 whatever ``scale`` is.
    """
    rng = np.random.default_rng(seed)

    def smooth(shape: tuple[int, ...], width: float) -> np.ndarray:
        field = gaussian_filter(rng.standard_normal(shape), (0, 0, width, width), mode="wrap")
        return field / field.std()

    large = 0.8 * smooth((dates, 1, SIDE, SIDE), 5.0) + rng.normal(0.0, 0.5, (dates, 1, 1, 1))
    small = 0.7 * smooth((dates, members + 1, SIDE, SIDE), 1.5)
    small[:, 1:] *= scale
    gaussian = large + small
    return (5.0 * np.maximum(gaussian + 0.1, 0.0) ** 1.8 if key == "prcp" else 285.0 + 4.0 * gaussian).astype("f4")


def evaluated(folder: Path, saved, systems_of, key, systems, observed, families=None, **how):
    """(system, score) -> Score."""
    folder.mkdir()
    paths = {
        name: saved.write(folder / f"{name}.zarr", members, observed, key=key, attrs=ATTRS[key], **how)
        for name, members in systems.items()
    }
    opened = systems_of(paths)
    rows = []
    for name in families or registry.names():
        family = registry.family(name)
        rows += family.scores(family.compute(opened, CONFIG), CONFIG)
    return {(row.system, row.name): row for row in rows}


def off(row, truth: float) -> int:
    """-1 where the interval lies below the truth, 1 above, 0 where it holds it."""
    return int(row.lower > truth) - int(row.upper < truth)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["prcp", "t2m"])
def test_faults_are_found_and_nothing_else(tmp_path, saved, systems_of, key):
    fields = drawn(key, 44, 4)
    observed, good = fields[:, 0], fields[:, 1:]
    systems = {
        "calibrated": good,
        "high": good * 1.3 if key == "prcp" else good + 2.0,
        "narrow": drawn(key, 44, 4, scale=0.5)[:, 1:],
        "smooth": gaussian_filter(good, (0, 0, 1.5, 1.5)),
        "moved": np.roll(good, SIDE // 2, axis=-1),
    }
    families = None if key == "prcp" else ("probabilistic", "extremes", "spatial", "scale")
    found = evaluated(tmp_path / "a", saved, systems_of, key, systems, observed, families)

    def verdicts(name: str, truth: float = 0.0) -> dict[str, int]:
        return {system: off(found[system, name], truth) for system in systems}

    bias, spread = verdicts("bias"), verdicts("spread_skill", 1.0)
    assert bias["calibrated"] == bias["moved"] == bias["smooth"] == 0
    assert bias["high"] == 1
    assert spread["calibrated"] == 0
    assert spread["narrow"] == spread["smooth"] == spread["moved"] == -1
    convexity, coverage = verdicts("rank_convexity"), verdicts("coverage_error_80")
    assert convexity["calibrated"] == coverage["calibrated"] == 0
    assert convexity["narrow"] == convexity["moved"] == 1
    assert coverage["narrow"] == coverage["moved"] == -1
    assert verdicts("rank_slope")["high"] == -1
    small = verdicts("small_scale_ratio", 1.0)
    assert (small["calibrated"], small["moved"], small["narrow"], small["smooth"]) == (0, 0, -1, -1)
    for name in ("q999_difference", "return_level_difference"):
        tail = verdicts(name)
        assert (tail["calibrated"], tail["moved"], tail["high"], tail["narrow"]) == (0, 0, 1, -1), name
    largest = {name: found[name, "block_maximum_difference"].value for name in systems}
    assert largest["narrow"] < -2.0 * abs(largest["calibrated"]) and largest["high"] > 2.0 * abs(largest["calibrated"])
    # Where it rains is not how much: displacement costs location and probability scores, no climate score.
    for name in ("crps", "energy", "variogram"):
        assert found["moved", name].value > found["calibrated", name].value
    assert found["calibrated", "crps"].value == min(found[system, "crps"].value for system in systems)
    assert found["calibrated", "bias_significant"].value < 5.0
    if key == "t2m":
        assert found["high", "bias_significant"].value > 50.0
    if key == "prcp":
        assert abs(found["calibrated", "lag1_difference"].value) < 0.1
        assert found["calibrated", "spell_length_ratio"].value == pytest.approx(1.0, abs=0.1)
        distance = found["calibrated", "wasserstein"].value
        assert found["moved", "wasserstein"].value == pytest.approx(distance, rel=1e-6)
        sal = verdicts("sal_mean_structure")
        assert (sal["calibrated"], sal["smooth"]) == (0, 1)
        assert verdicts("sal_mean_amplitude")["high"] == 1 and verdicts("wet_fraction_difference")["smooth"] == 1
        assert found["moved", "sal_mean_location"].value > found["calibrated", "sal_mean_location"].value


FAIR = ("crps", "energy", "variogram", "bias", "spread_skill", "wet_fraction_difference", "q999_difference",
        "return_level_difference", "sal_mean_structure", "object_count_ratio_1",
        "spell_length_ratio", "small_scale_ratio", "r95p_difference")  # fmt: skip


@pytest.mark.slow
def test_few_members_are_judged_as_many_of_the_same_law(tmp_path, saved, systems_of):
    """Two of ten members: the score of all is no further off than chance may be; of events by the fair forms."""
    fields = drawn("prcp", 30, 10, seed=9)
    systems = {"few": fields[:, 1:3], "many": fields[:, 1:]}
    found = evaluated(tmp_path / "a", saved, systems_of, "prcp", systems, fields[:, 0])
    events = [name for system, name in found if system == "few" and name.startswith(("brier_", "twcrps_"))]
    events = [name for name in events if not name.startswith(("brier_mis", "brier_dis", "twcrps_skill"))]
    assert len(events) > 3
    for name in (*FAIR, *events):
        few, many = found["few", name], found["many", name]
        assert abs(few.value - many.value) <= few.upper - few.lower, name
    assert found["few", "brier_1"].estimator == "fair"
    # What cannot be made so says it.
    for name in ("rmse", "roc_area_1", "economic_value_1", "brier_miscalibration_1", "useful_scale_1"):
        assert "equal size" in found["few", name].definition, name


@pytest.mark.slow
def test_gaps_ties_and_ways_of_writing_change_nothing(tmp_path, saved, systems_of):
    """Members in another order, a flipped grid with descending rows: the same numbers, with gaps and a dry date."""
    key = "prcp"
    fields = drawn(key, 24, 3, seed=1)
    observed, members = fields[:, 0].copy(), fields[:, 1:].copy()
    one = drawn(key, 24, 1, seed=1)[:, 1:]
    members[3, :, 5, 5] = np.nan
    observed[10] = np.nan
    observed[20, :4, :3] = np.nan
    observed[7], members[7] = 0.0, 0.0
    y = ("y", np.arange(SIDE)[::-1] * 2500.0, {"units": "m"})
    plain = evaluated(tmp_path / "a", saved, systems_of, key, {"a": members, "b": one}, observed)
    turned = {"b": one[:, :, ::-1], "a": members[:, ::-1, ::-1]}
    other = evaluated(tmp_path / "b", saved, systems_of, key, turned, observed[:, ::-1], y=y)
    assert set(plain) == set(other)
    for place, row in plain.items():
        if not row.name.startswith("variogram"):  # of pixels drawn by their numbers
            assert other[place].value == pytest.approx(row.value, rel=1e-6, abs=1e-9, nan_ok=True), place


def test_units_scale_what_has_units(tmp_path, saved, systems_of):
    """Twice the amounts: distances in units are twice as large, shares and ratios the same."""
    fields = drawn("prcp", 12, 3)
    once, twice = (
        evaluated(
            tmp_path / str(factor), saved, systems_of, "prcp", {"a": factor * fields[:, 1:]}, factor * fields[:, 0],
            ("distributions", "extremes"),
        )
        for factor in (1.0, 2.0)
    )  # fmt: skip
    for name in ("wasserstein", "q999", "block_maximum"):
        assert twice["a", name].value == pytest.approx(2.0 * once["a", name].value, rel=1e-6), name
    for name in ("perkins_overlap", "q999_difference", "block_maximum_difference"):
        assert twice["a", name].value == pytest.approx(once["a", name].value, rel=1e-6, abs=1e-9), name
