"""What calibration is checked by: ranks, reliability, and the Brier score and CRPS in parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import properscoring
import scores.continuous
import scores.probability
import scores.spatial
import scoringrules
import stride_eval.metrics as ours
import xarray as xr
import xskillscore
from scipy import optimize, stats

from independent.case import MEMBERS, Case, difference
from independent.checks import check


@check("brier_score")
def brier(case: Case) -> Iterator[tuple[str, float]]:
    for estimator in ("fair", "ecdf"):
        found = case.at_points(ours.brier_score(case.forecast, case.observed, threshold=5.0, estimator=estimator))
        expected = scores.probability.brier_score_for_ensemble(
            *case.masked, "member", 5.0, fair_correction=estimator == "fair", preserve_dims="all"
        )
        yield f"scores, {estimator}", difference(found, np.squeeze(expected.values[case.valid]))
        if estimator == "ecdf":
            expected = properscoring.threshold_brier_score(case.truth, case.members, threshold=4.95)  # it takes >
            yield "properscoring", difference(found, expected)


@check("rank_histogram")
def ranks(case: Case) -> Iterator[tuple[str, float]]:
    found = ours.rank_histogram(case.forecast, case.observed)
    expected = scores.probability.rank_histogram(*case.masked, "member")
    yield "scores", difference((found["counts"] / found["n"]).values, expected.values)
    smooth = np.random.default_rng(1).normal(size=(MEMBERS + 1, 5000))
    forecast, observed = xr.DataArray(smooth[1:], dims=("member", "x")), xr.DataArray(smooth[0], dims="x")
    found = ours.rank_histogram(forecast, observed)["counts"]
    yield (
        "xskillscore, no ties",
        difference(found.values, xskillscore.rank_histogram(observed, forecast, dim="x", member_dim="member").values),
    )


@check("rank_uniformity")
def uniformity(case: Case) -> Iterator[tuple[str, float]]:
    counts = ours.rank_histogram(case.forecast, case.observed)["counts"]
    found, expected = ours.rank_uniformity(counts), stats.chisquare(counts.values)
    yield "scipy chisquare, relative", abs(found["chi_square"].item() / expected.statistic - 1)
    yield "scipy chisquare, p", difference(found["p_value"], expected.pvalue)


def table(case: Case) -> tuple[xr.DataArray, np.ndarray, np.ndarray]:
    """Counts by members with the event; k and outcome of each point."""
    counts = ours.member_counts(case.forecast, case.observed, threshold=5.0)
    return counts, (case.members >= 5.0).sum(axis=1), case.truth >= 5.0


@check("member_counts")
def contingency(case: Case) -> Iterator[tuple[str, float]]:
    counts, k, event = table(case)
    expected, *_ = np.histogram2d(event, k, bins=(2, np.arange(MEMBERS + 2) - 0.5))
    yield "numpy histogram2d", difference(counts.transpose("outcome", "k").values, expected)


@check("reliability_curve")
def reliability(case: Case) -> Iterator[tuple[str, float]]:
    _, k, event = table(case)
    edges = (np.arange(MEMBERS + 2) - 0.5) / MEMBERS
    theirs = xskillscore.reliability(
        xr.DataArray(event, dims="point"),
        xr.DataArray(k / MEMBERS, dims="point"),
        dim="point",
        probability_bin_edges=edges,
    )
    found = ours.reliability_curve(case.forecast, case.observed, threshold=5.0)
    frequency = found["observed_frequency"].values
    used = found["n"].values > 0
    yield "xskillscore", difference(frequency[used], theirs.values[used])


@check("roc_area")
def roc(case: Case) -> Iterator[tuple[str, float]]:
    counts, k, event = table(case)
    found = ours.roc_area(counts).item()
    pairs = float(event.sum()) * float((~event).sum())
    yield "scipy mannwhitneyu", abs(found - stats.mannwhitneyu(k[event], k[~event]).statistic / pairs)
    theirs = scores.probability.roc_curve_data(
        xr.DataArray(k / MEMBERS, dims="point"), xr.DataArray(event.astype(float), dims="point")
    )
    yield "scores", abs(found - theirs["AUC"].item())
    valid = xr.DataArray(case.valid, dims=case.observed.dims)
    curve = ours.roc_curve(counts)
    levels = np.arange(MEMBERS, -1, -1) / MEMBERS
    expected = scores.probability.roc_curve_data(
        (case.forecast >= 5.0).mean("member").where(valid),
        (case.observed >= 5.0).astype(float).where(valid),
        thresholds=np.sort(levels),
    )
    hit = curve["hit_rate"].sortby("k").values[: MEMBERS + 1]
    yield "scores, hit rate", difference(hit, expected["POD"].sortby("threshold").values[: MEMBERS + 1])


@check("brier_decomposition")
def decomposition(case: Case) -> Iterator[tuple[str, float]]:
    counts, k, event = table(case)
    parts = ours.brier_decomposition(counts)
    yield (
        "scores (sum)",
        abs(
            parts["brier"].item()
            - scores.probability.brier_score(
                xr.DataArray(k / MEMBERS, dims="point"), xr.DataArray(event.astype(float), dims="point")
            ).item()
        ),
    )
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    yield "parts add up", abs(total.item() - parts["brier"].item())


@check("corp_decomposition, isotonic_frequency")
def corp(case: Case) -> Iterator[tuple[str, float]]:
    counts, k, event = table(case)
    n, events = counts.sum("outcome").values, counts.sel(outcome=1).values
    used = n > 0
    fitted = optimize.isotonic_regression(events[used] / n[used], weights=n[used]).x
    yield "scipy isotonic_regression", difference(ours.isotonic_frequency(counts).values[used], fitted)
    theirs = scores.continuous.isotonic_fit(k / MEMBERS, event.astype(float))
    recalibrated = theirs["regression_func"](k / MEMBERS)
    found = ours.corp_decomposition(counts)
    miscalibration = np.mean((k / MEMBERS - event) ** 2) - np.mean((recalibrated - event) ** 2)
    yield "scores isotonic_fit", abs(found["miscalibration"].item() - miscalibration)


@check("hersbach_decomposition")
def hersbach(case: Case) -> Iterator[tuple[str, float]]:
    found = ours.hersbach_decomposition(ours.order_statistic_sums(case.forecast, case.observed))
    expected = scoringrules.crps_ensemble(case.truth, case.members, estimator="nrg").mean()
    yield "scoringrules (sum of the parts)", abs(found["reliability"] + found["potential"] - expected).item()


@check("climate_uncertainty")
def uncertainty(case: Case) -> Iterator[tuple[str, float]]:
    values = case.truth[:4000]
    groups = ours.equal_groups(xr.DataArray(values, dims="x"), groups=4000)
    found = ours.climate_uncertainty(groups["count"], groups["value"] * groups["count"], class_dim="group")
    climate = np.tile(values, (len(values), 1))
    yield "scoringrules", abs(found.item() - scoringrules.crps_ensemble(values, climate, estimator="qd").mean())


@check("interval_coverage")
def coverage(case: Case) -> Iterator[tuple[str, float]]:
    sums = ours.order_statistic_sums(case.forecast, case.observed)
    ranks = ours.rank_histogram(case.forecast, case.observed)["counts"]
    found = ours.interval_coverage(sums, ranks, level=0.8)
    j = ours.interval_order(MEMBERS, 0.8)
    low, high = (np.partition(case.members, place, axis=1)[:, place] for place in (j - 1, MEMBERS - j))
    yield (
        "numpy partition (width, closed)",
        max(
            abs(found["width"].item() - np.mean(high - low)),
            abs(found["closed"].item() - np.mean((low <= case.truth) & (case.truth <= high))),
        ),
    )
