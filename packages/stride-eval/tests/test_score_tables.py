"""The tables of the report: few scores first, all of them by family, thresholds under one heading, chance marked."""

import re

import pytest
from stride_eval.config import EvalConfig
from stride_eval.report.score_table import family_tables, headline_table
from stride_eval.runner import evaluate
from stride_eval.scores import Score

MEMBERS = {"a": 3, "b": 1}


def score(system, name, value, best="low", label=None, family="scale", **more):
    return Score(system, "prcp", name, label or name.upper(), "km", value, best=best, family=family, **more)


SCORES = [
    *(
        score(system, f"useful_scale_{level}", 5.0 + level, label=f"Useful scale ≥ {level} mm day-1")
        for level in (1, 15.7)
        for system in MEMBERS
    ),
    score("a", "useful_scale_other", 2.0),
    score("a", "log_spectral_distance", 2.0, verdict="not significant"),
    score("b", "log_spectral_distance", 2.5),
    *(score("a", f"fss_{level}", 0.5, "high", label=f"FSS ≥ {level} mm day-1") for level in (1, 5, 20)),
    score("observed", "q999", 7.0, None, family="extremes"),
    score("a", "q999", 7.5, None, family="extremes"),
    score("a", "q999_difference", 0.5, "zero", family="extremes", beside="q999", verdict="not significant"),
]


def test_few_scores_come_first():
    table = headline_table(SCORES, "prcp", MEMBERS)
    assert [label for label, _, _ in table.columns] == ["LOG_SPECTRAL_DISTANCE", "FSS ≥ 5 mm day-1", "Q999"]
    assert [name for name, _, _ in table.rows] == ["observed", "a", "b"]
    assert headline_table(SCORES[:4], "prcp", MEMBERS).columns == []


def test_families_have_tables_with_thresholds_under_a_heading():
    scale, extremes = family_tables(SCORES, "prcp", MEMBERS)
    assert (scale.title, extremes.title) == ("Scales", "Extremes")
    assert scale.systems == ["a", "b"] and extremes.systems == ["a", "b", "observed"]
    assert scale.count == 7 and extremes.count == 1
    headings = {group.heading: [label for label, _, _ in group.rows] for group in scale.groups if group.heading}
    assert headings == {
        "Useful scale": ["≥ 1 mm day⁻¹", "≥ 15.7 mm day⁻¹"],
        "FSS": ["≥ 1 mm day⁻¹", "≥ 5 mm day⁻¹", "≥ 20 mm day⁻¹"],
    }
    first = scale.groups[0]
    assert first.about == "km, lower is better" and first.rows[0][1] == ""
    assert [cell.value for cell in first.rows[0][2]] == ["6.00", "6.00"]


def test_chance_is_marked_also_where_a_difference_stands_beside():
    scale, extremes = family_tables(SCORES, "prcp", MEMBERS)
    distance = next(group for group in scale.groups if group.rows[0][0] == "LOG_SPECTRAL_DISTANCE")
    assert [(cell.best, cell.chance) for cell in distance.rows[0][2]] == [(True, True), (False, False)]
    assert [cell.chance for cell in extremes.groups[0].rows[0][2]] == [True, False, False]


@pytest.mark.slow
def test_the_report_holds_them(example, tmp_path):
    config = EvalConfig(resamples=100, mode="metrics", families=("probabilistic", "scale"), seasons={"JJA": (6, 7, 8)})
    result = evaluate({name: example[name] for name in ("calibrated", "quantile_mapped")}, config, tmp_path / "out")
    html = result.report.read_text(encoding="utf-8")
    assert html.count('<details class="family">') == 4 and html.count("<table") == 6
    assert re.findall(r"<summary><h3>(\w+)</h3>", html) == ["Probabilities", "Scales"]
    assert 'class="chance"' in html and "n.s.: no significant difference from quantile_mapped" in html
    assert all("resampled" not in path.read_text() for path in (result.out / "scores.json", result.out / "scores.csv"))
