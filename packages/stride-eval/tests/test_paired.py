"""Differences to the reference, on pairs worked out by hand, on systems whose difference is known, and in families."""

import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, resampled
from stride_eval.paired import compared, paired_difference
from stride_eval.parts import scores_of_parts
from stride_eval.scores import Resampled, Score
from stride_eval.summary import as_csv, nested

TEN = np.ones(10, bool)


def score(system, value, best, values, dates=TEN, **more):
    many = None if values is None else Resampled(np.asarray(values, float), dates, more.pop("blocks", int(dates.sum())))
    return Score(system, "prcp", "it", "It", "1", value, best=best, resampled=many, **more)


def against(best, a, many_a, b, many_b):
    return compared([score("new", a, best, many_a), score("old", b, best, many_b)], "old", 0.95)[0]


def told(found):
    return found.difference, found.difference_lower, found.difference_upper, found.verdict


@pytest.mark.parametrize(
    ("best", "a", "many_a", "b", "many_b", "expected"),
    [
        ("low", 2.0, [1.0, 2.0, 3.0], 5.0, [5.0, 5.0, 5.0], (-3.0, -4.0, -2.0, "better")),
        ("high", 2.0, [1.0, 2.0, 3.0], 5.0, [5.0, 5.0, 5.0], (-3.0, -4.0, -2.0, "worse")),
        ("low", 5.0, [5.0, 4.0, 6.0], 5.0, [5.0, 5.0, 5.0], (0.0, -1.0, 1.0, "not significant")),
        # Biases of 1 and -3: distances from zero are compared.
        ("zero", 1.0, [0.5, 1.5, 1.0], -3.0, [-3.0, -3.5, -2.5], (-2.0, -2.5, -1.5, "better")),
        # Equally far off on either side.
        ("zero", 3.0, [2.5, 3.5, 3.0], -3.0, [-3.0, -3.0, -3.0], (0.0, -0.5, 0.5, "not significant")),
        # Both within chance of zero, one far surer than the other.
        ("zero", 0.5, [-1.0, 0.5, 2.0], 0.01, [0.01, 0.01, 0.01], (0.49, -1.01, 1.99, "not significant")),
        # Half is as far from one as twice.
        ("one", 0.5, [0.5, 0.5, 0.5], 2.0, [2.0, 2.0, 2.0], (0.0, 0.0, 0.0, "not significant")),
        ("one", 1.0, [1.0, 1.0, 1.0], 0.25, [0.25, 0.25, 0.25], (-math.log(4), -math.log(4), -math.log(4), "better")),
        # Resolved at no scale in a resample of both systems: alike there.
        ("low", 4.0, [4.0, math.inf, 4.0], 4.0, [4.0, math.inf, 4.0], (0.0, 0.0, 0.0, "not significant")),
    ],
)  # fmt: skip
def test_pairs_by_hand(best, a, many_a, b, many_b, expected):
    found = told(against(best, a, many_a, b, many_b))
    assert found[:3] == pytest.approx(expected[:3])
    assert found[3] == expected[3]


def test_nothing_is_compared_without_direction_partner_or_same_dates():
    old = score("old", 1.0, "low", [1.0, 1.0])
    cases = [
        replace(score("new", 0.0, "low", [0.0, 0.0]), best=None),
        score("new", 0.0, "low", None),
        score("new", math.nan, "low", [0.0, 0.0]),
        score("new", 0.0, "low", [0.0, 0.0], dates=np.array([True] * 9 + [False])),
        replace(old, system="new", name="other"),
        score("observed", 0.0, "low", [0.0, 0.0]),
    ]
    for case in cases:
        found = compared([case, old], "old", 0.95)
        assert all(one.verdict == "" and math.isnan(one.difference) for one in found)
        assert all(one.resampled is None for one in found)
    assert compared(cases[:1], None, 0.95)[0].verdict == ""


def test_a_skill_has_its_reference_by_definition():
    rows = compared([score("new", 0.2, "high", [0.1, 0.3], reference_value=0.0)], "old", 0.95)
    assert told(rows[0]) == (0.2, 0.1, 0.3, "better")


def test_few_blocks_establish_nothing():
    seven = np.arange(10) < 7
    rows = [score("new", 0.0, "low", [0.0] * 5, seven), score("old", 1.0, "low", [1.0] * 5, seven)]
    assert told(compared(rows, "old", 0.95)[0]) == (-1.0, -1.0, -1.0, "not significant")


def test_percentiles_are_those_of_student():
    """For a mean of few dates the interval is Student's, which percentiles alone do not reach."""
    days = np.random.default_rng(0).normal(0, 1, 10)
    mean, sd = days.mean(), days.std(ddof=1)
    many = np.random.default_rng(1).normal(mean, days.std() / np.sqrt(10), 200_000)
    _, lower, upper = paired_difference((mean, many), (0.0, 0 * many), best="low", blocks=10, level=0.95)
    assert (lower, upper) == pytest.approx(stats.t.interval(0.95, 9, mean, sd / np.sqrt(10)), abs=0.02)


finite = st.floats(-10, 10).filter(lambda value: abs(value) > 1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["low", "high", "zero", "one"]), finite, finite, st.integers(0, 2**31), st.floats(0.01, 3)
)  # fmt: skip
def test_exchanged_systems_have_the_opposite_difference(best, a, b, seed, spread):
    rng = np.random.default_rng(seed)
    many_a, many_b = a + spread * rng.normal(size=(2, 99)) * [[1], [0.5]] + [[0], [b - a]]
    if best == "one":
        a, b, many_a, many_b = (np.exp(value / 10) for value in (a, b, many_a, many_b))
    one = paired_difference((a, many_a), (b, many_b), best=best, blocks=30, level=0.95)
    other = paired_difference((b, many_b), (a, many_a), best=best, blocks=30, level=0.95)
    assert one[1] <= one[2]
    assert other[0] == pytest.approx(-one[0])
    # Percentiles do not interpolate: one rank of 99 more or less.
    assert other[1] <= -one[1] and -one[2] <= other[2]


def days_of(values):
    return xr.Dataset({"v": ("time", values)})


CONFIG = EvalConfig(resamples=200, block_length=1)


def rows_of(days, best, **how):
    found = {name: interval(one, lambda m: m["v"], CONFIG, **how) for name, one in days.items()}
    return [
        Score(name, "prcp", "it", "It", "1", float(one["estimate"]), best=best, resampled=resampled(one))
        for name, one in found.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("best", ["low", "zero"])
def test_exchangeable_systems_are_rarely_told_apart(best):
    rng = np.random.default_rng(5)
    verdicts = []
    for _ in range(200):
        common = rng.gamma(2, 1, 30) if best == "low" else 1.0
        days = {name: days_of(common * rng.gamma(4, 0.25, 30)) for name in ("new", "old")}
        verdicts.append(compared(rows_of(days, best), "old", 0.95)[0].verdict)
    assert 1 <= 200 - verdicts.count("not significant") <= 20  # 10 expected


def test_a_better_system_is_found():
    rng = np.random.default_rng(6)
    common = rng.gamma(2, 1, 40)
    days = {"new": days_of(0.8 * common * rng.gamma(40, 1 / 40, 40)), "old": days_of(common)}
    found = rows_of(days, "low")
    assert compared(found, "old", 0.95)[0].verdict == "better"
    assert compared(found, "new", 0.95)[1].verdict == "worse"
    unpaired = np.quantile(found[0].resampled.values, 0.975) - np.quantile(found[1].resampled.values, 0.025)
    assert unpaired > 0  # each by itself is too unsure


@pytest.fixture(scope="module")
def long(tmp_path_factory, saved):
    """Twelve dates of a system with small errors and one with large ones, three members each."""
    from stride_eval.opening import open_systems
    from stride_vars.catalogue import Catalogue

    rng = np.random.default_rng(3)
    observed = rng.gamma(1.0, 4.0, (12, 8, 8))
    times = np.datetime64("2014-05-20", "ns") + np.arange(12) * np.timedelta64(2, "D")
    folder = tmp_path_factory.mktemp("paired")

    def system(spread, members=3):
        noise = np.exp(spread * rng.normal(size=(12, members, 8, 8)))
        return observed[:, None] * noise

    paths = {
        name: saved.write(folder / f"{name}.zarr", system(spread), observed, times=times)
        for name, spread in (("old", 1.0), ("new", 0.2))
    }
    return open_systems(paths, catalogue=Catalogue.load(), reference="old")


FAST = EvalConfig(resamples=100, thresholds={"prcp": (2.0,)}, block_length=1, coverage_levels=(0.5,))
SEASON = EvalConfig(resamples=100, thresholds={"prcp": (2.0,)}, block_length=1, seasons={"JJA": (6, 7, 8)})


@pytest.fixture(scope="module")
def scored(long):
    """Results of two families, and their scores; of the scales by season too."""
    results = {name: registry.family(name).compute(long, FAST) for name in ("probabilistic", "scale")}
    rows = scores_of_parts("probabilistic", results["probabilistic"], FAST)
    return results, rows + scores_of_parts("scale", results["scale"], SEASON)


def test_families_and_seasons(scored):
    _, rows = scored
    found = {(row.system, row.name): row for row in rows if row.season == "all"}
    for name in ("crps", "crps_skill", "rmse", "brier_2", "energy", "fss_2", "log_spectral_distance"):
        assert found["new", name].verdict == "better", name
        assert name == "crps_skill" or found["old", name].verdict == "", name
    assert {row.family for row in rows} == {"probabilistic", "scale"}
    # Scores of a season are compared by its dates, of which six are too few.
    june = next(row for row in rows if (row.system, row.name, row.season) == ("new", "fss_2", "JJA"))
    assert june.n == 6 and june.verdict == "not significant" and june.difference_lower > 0
    for row in rows:
        compare = row.system == "new" and row.best and math.isfinite(row.lower)
        assert bool(row.verdict) == bool(compare), row


def test_skill_and_score_agree(scored):
    """The skill is better where the score is: the same dates are drawn for both."""
    found = {(row.system, row.name, row.season): row for row in scored[1]}
    for name in ("crps", "energy", "variogram", "twcrps"):
        end = "_2" if name == "twcrps" else ""
        plain, skill = (found["new", f"{name}{middle}{end}", "all"] for middle in ("", "_skill"))
        assert plain.verdict == skill.verdict == "better"


def test_parts_that_are_computed_system_by_system_share_their_blocks(scored):
    """The Brier score's difference is that of the dates' own differences."""
    one = scored[0]["probabilistic"].sel(target="prcp").isel(threshold=0)
    k = np.arange(4)
    counts = one["value_counts"].isel(k=slice(0, 4))
    spared = k / 3 * (1 - k / 3) / 2  # the fair form's
    squared = counts.isel(outcome=0) * ((k / 3) ** 2 - spared) + counts.isel(outcome=1) * ((1 - k / 3) ** 2 - spared)
    days = (squared.sel(system="new") - squared.sel(system="old")).sum("k") / 64
    expected = interval(days.to_dataset(name="v").drop_vars("system", errors="ignore"), lambda m: m["v"], FAST)
    tail = (1 - 0.95) / 2
    wide = stats.norm.cdf(np.sqrt(12 / 11) * stats.t.ppf(tail, 11))
    lower, upper = np.quantile(resampled(expected).values, [wide, 1 - wide], method="inverted_cdf")
    row = next(row for row in scored[1] if (row.system, row.name, row.season) == ("new", "brier_2", "all"))
    assert row.difference == pytest.approx(float(expected["estimate"]))
    assert (row.difference_lower, row.difference_upper) == pytest.approx((lower, upper))


def test_files_carry_the_comparison(scored):
    rows = scored[1]
    lines = list(csv.DictReader(io.StringIO(as_csv(rows))))
    line = next(line for line in lines if (line["system"], line["name"]) == ("new", "crps"))
    plain = nested(rows)["new"]["prcp"]["crps"]
    assert line["verdict"] == plain["verdict"] == "better" and line["family"] == "probabilistic"
    assert float(line["difference"]) == plain["difference"] < float(line["difference_upper"]) < 0
    assert plain["difference_lower"] < plain["difference"]
    assert nested(rows)["old"]["prcp"]["crps"]["difference"] is None
    json.dumps(nested(rows), allow_nan=False)
    assert "resampled" not in rows[0].as_dict()


@pytest.fixture
def gap(tmp_path, saved, systems_of):
    """One system is dry on a date: it has no structure there."""
    rng = np.random.default_rng(4)
    observed = rng.gamma(1.0, 4.0, (9, 16, 16))
    members = observed[:, None] * np.exp(0.2 * rng.normal(size=(9, 2, 16, 16)))
    dry = members.copy()
    dry[4] = 0.0
    paths = {
        name: saved.write(tmp_path / f"{name}.zarr", fields, observed)
        for name, fields in (("wet", members), ("dry", dry))
    }
    return systems_of(paths, reference="wet")


def test_other_dates_are_not_compared(gap):
    results = registry.family("features").compute(gap, FAST)
    found = {(row.system, row.name): row for row in scores_of_parts("features", results, FAST)}
    assert (found["wet", "sal_abs_structure"].n, found["dry", "sal_abs_structure"].n) == (9, 8)
    assert found["dry", "sal_abs_structure"].verdict == ""
    assert found["dry", "sal_abs_amplitude"].verdict != ""
    assert found["dry", "object_threat_2"].best is None
