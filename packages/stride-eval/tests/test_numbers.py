"""Small parts with values worked out by hand: bins, thresholds, numbers as text, the table, the verdict."""

import csv
import io
import json
import math

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from stride_eval.config import EvalConfig
from stride_eval.families.binning import fine_edges, quantiles_of_counts, share_at_or_above
from stride_eval.families.intervals import daily_sums, interval
from stride_eval.families.thresholds import event_thresholds
from stride_eval.plots.captions import listed, members_of, short_date, span
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import axis_label, pretty_units
from stride_eval.provenance import Provenance
from stride_eval.report.score_table import score_table
from stride_eval.report.verdict import verdict
from stride_eval.scores import Score
from stride_eval.summary import as_csv, as_json, best_systems, nested, number
from stride_vars.catalogue import Catalogue

PRCP, T2M = (Catalogue.load().get(key) for key in ("prcp", "t2m"))


def score(system, name, value, best="low", **more):
    return Score(system, "prcp", name, name.upper(), more.pop("units", "mm day-1"), value, n=5, best=best, **more)


@pytest.mark.parametrize("spec", [PRCP, T2M])
def test_binned_quantiles_are_close_to_exact_ones(spec):
    rng = np.random.default_rng(1)
    values = np.sort(rng.gamma(0.5, 6.0, 20000) if spec is PRCP else rng.normal(280.0, 5.0, 20000))
    edges = fine_edges(values, spec)
    assert (np.diff(edges) > 0).all()
    counts = xr.DataArray(np.histogram(values, edges)[0].astype(float), dims="bin")
    levels = np.array([0.1, 0.5, 0.9, 0.99, 0.999])
    exact = np.quantile(values, levels)
    np.testing.assert_allclose(quantiles_of_counts(counts, edges, levels), exact, rtol=0.006, atol=0.01 * values.std())
    assert share_at_or_above(counts).values[0] == 1.0


def test_quantiles_of_nothing_and_of_zeros():
    edges = fine_edges(np.zeros(5), PRCP)
    counts = xr.DataArray(np.zeros((2, edges.size - 1)), dims=("k", "bin"))
    counts[1, 0] = 10.0
    found = quantiles_of_counts(counts, edges, np.array([0.0, 0.5])).values
    assert np.isnan(found[0]).all()
    assert (found[1] <= edges[1]).all()


def test_thresholds():
    sample = np.sort(np.random.default_rng(1).gamma(0.5, 6.0, 10000))
    found = event_thresholds("prcp", PRCP, sample, EvalConfig())
    np.testing.assert_allclose(found, [1.0, *np.quantile(sample, [0.9, 0.99])], atol=0.5)
    assert list(event_thresholds("prcp", PRCP, np.zeros(10), EvalConfig())) == [1.0]
    assert list(event_thresholds("prcp", PRCP, sample, EvalConfig(thresholds={"prcp": (5.0, 2.0)}))) == [2.0, 5.0]
    assert event_thresholds("t2m", T2M, np.sort(np.random.default_rng(1).normal(280, 5, 1000)), EvalConfig()).size == 2


def test_sums_make_ratios_of_means():
    days = xr.Dataset({"crps": ("time", [1.0, 4.0, np.nan]), "n": ("time", [2, 1, 0])})
    found = interval(daily_sums(days, ["crps"]), lambda m: m["crps"] / m["n"], EvalConfig(resamples=100))
    assert float(found["estimate"]) == pytest.approx(2.0)
    assert 1.0 <= float(found["lower"]) <= 2.0 <= float(found["upper"]) <= 4.0


@pytest.mark.parametrize(
    ("value", "units", "beside", "text"),
    [
        (0.12345, "", (), "0.123"),
        (1.2345, "", (), "1.23"),
        (0.0001, "", (2.0,), "0.00"),
        (-0.0001, "", (2.0,), "0.00"),
        (-1.5, "", (), "−1.50"),
        (123.456, "", (), "123.5"),
        (0.00012, "", (), "1.20e−04"),
        (0.00012, "1", (), "0.000"),
        (12.34, "%", (), "12.3"),
        (-0.01, "%", (), "0.0"),
        (math.nan, "", (), "–"),
    ],
)
def test_numbers_as_text(value, units, beside, text):
    assert number(value, units, beside=beside) == text


def test_units_and_words():
    assert pretty_units("mm day-1") == "mm day⁻¹"
    assert pretty_units("W m-2") == "W m⁻²"
    assert axis_label("Land fraction", "1") == "Land fraction"
    assert short_date("2014-06-01T00:00:00") == "2014-06-01"
    assert short_date("2014-06-01T12:00:00") == "2014-06-01 12:00"
    assert span(["2014-06-01T00:00:00"]) == "1 date, 2014-06-01"
    assert listed(["a", "b", "c"]) == "a, b and c"
    about = Provenance("f", ("a", "b"), {"a": 3, "b": 3}, {}, (), (2, 2), None, {})
    assert members_of(about) == "3 members each"


def test_best_is_by_direction():
    scores = [
        score("a", "crps", 1.0), score("b", "crps", 2.0),
        score("a", "bias", -0.5, "zero"), score("b", "bias", 0.4, "zero"),
        score("a", "ratio", 0.4, "one"), score("b", "ratio", 2.0, "one"), score("c", "ratio", math.nan, "one"),
        score("a", "share", 3.0, None), score("b", "share", 4.0, None),
        score("a", "alone", 3.0),
    ]  # fmt: skip
    assert best_systems(scores) == {("prcp", "crps"): {"a"}, ("prcp", "bias"): {"b"}, ("prcp", "ratio"): {"b"}}


def test_json_and_csv():
    scores = [
        score("a", "crps", 1.0, lower=0.5, upper=1.5),
        score("a", "spread", math.nan),
        score("observed", "share", 3.0),
    ]
    plain = json.loads(as_json(scores, {"dates": ["x"]}))
    assert plain["scores"]["a"]["prcp"]["crps"]["value"] == 1.0
    assert plain["scores"]["a"]["prcp"]["spread"]["value"] is None
    assert plain["observed"]["prcp"]["share"] == 3.0
    assert "observed" not in nested(scores)
    rows = list(csv.DictReader(io.StringIO(as_csv(scores))))
    assert rows[0]["system"] == "a" and float(rows[0]["upper"]) == 1.5
    assert rows[1]["value"] == ""


def test_table_puts_companions_into_one_cell():
    scores = [
        score("observed", "wet", 50.0, None, units="%"),
        score("a", "wet", 60.0, None, units="%"),
        score("a", "wet_difference", 10.0, "zero", units="points", beside="wet"),
        score("b", "wet", 48.0, None, units="%"),
        score("b", "wet_difference", -2.0, "zero", units="points", beside="wet"),
    ]  # fmt: skip
    table = score_table(scores, "prcp", {"a": 3, "b": 1})
    assert table.columns == [("WET", "%", "observed is best")]
    assert [(name, words) for name, words, _ in table.rows] == [("observed", ""), ("a", "3 members"), ("b", "1 member")]
    assert [(cells[0].value, cells[0].beside, cells[0].best) for _, _, cells in table.rows] == [
        ("50.0", "", False), ("60.0", "+10.0 points", False), ("48.0", "−2.0 points", True)
    ]  # fmt: skip


def test_verdict():
    scores = [
        score("a", "crps", 1.0), score("b", "crps", 2.0), score("a", "crps_skill", 0.5, "high", lower=0.4, upper=0.6),
        score("a", "spread_skill", 0.5, "one", lower=0.4, upper=0.6),
    ]  # fmt: skip
    text = verdict(scores, "prcp", "Rain", "b")
    assert text.startswith("Rain: a has the lowest CRPS, 1.00 mm day⁻¹, 50 % below b (interval 40 to 60 %).")
    assert "too sure of itself" in text
    unclear = [*scores[:2], score("a", "crps_skill", 0.5, "high", lower=-0.1, upper=0.6, verdict="not significant")]
    assert "do not establish" in verdict(unclear, "prcp", "Rain", "b")
    few = [*scores[:2], score("a", "crps_skill", 0.5, "high", lower=0.4, upper=0.6, verdict="not significant")]
    assert "(interval 40 to 60 %), but on very few dates." in verdict(few, "prcp", "Rain", "b")
    assert "no system beats it" in verdict(scores[:2], "prcp", "Rain", "a")
    assert verdict([], "prcp", "Rain", None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.05, "0.05"), (-1.25, "−1.25"), (12.34, "12.3"), (100, "100"), (1667, "1670"), (20000, "20000"),
     (1e5, "10⁵"), (2.5e6, "2.5·10⁶"), (1e-6, "10⁻⁶")],
)  # fmt: skip
def test_round_numbers(value, text):
    assert round_number(value) == text


@pytest.mark.parametrize(
    ("limits", "labels"),
    [
        ((0.9, 1100), ["1", "10", "100", "1000"]),
        ((0.9, 25), ["1", "2", "5", "10", "20"]),
        ((26, 62), ["30", "40", "50", "60"]),
    ],
)
def test_labels_of_logarithmic_axes(limits, labels):
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=limits)
    label_log_axis(axes, "y")
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
