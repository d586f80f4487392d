# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "stride-eval",
#     "lmoments3",
#     "numba",
#     "properscoring",
#     "pywavelets",
#     "scikit-image",
#     "scores",
#     "scoringrules",
#     "xskillscore",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-eval = { path = "../packages/stride-eval", editable = true }
# stride-vars = { path = "../packages/stride-vars", editable = true }
# ///
"""Largest difference of each metric from independent libraries: the column "deviation" of docs/metrics.md.

    uv run --script benchmarks/oracles.py [--json FILE] [--only NAME ...]

The fields have 20 days of 40 x 50 points and 16 members in float64, with ties, an all-dry day, a missing day and
scattered gaps, values up to about 40. Every oracle gets the points that are present in the observation and in all
members. The peers are installed into the script's own environment, never by a package.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import lmoments3
import lmoments3.distr
import numpy as np
import properscoring
import pywt
import scores.continuous
import scores.probability
import scores.spatial
import scoringrules
import skimage.measure
import stride_eval.metrics as ours
import xarray as xr
import xskillscore
from scipy import fft, ndimage, optimize, signal, stats

DAYS, MEMBERS, ROWS, COLUMNS = 20, 16, 40, 50
LIBRARIES = (
    "scoringrules",
    "scores",
    "xskillscore",
    "properscoring",
    "scipy",
    "lmoments3",
    "pywavelets",
    "scikit-image",
)
FIELD = ("y", "x")


@dataclass(frozen=True)
class Case:
    """The fields, and where they can be scored."""

    forecast: xr.DataArray
    observed: xr.DataArray

    @cached_property
    def valid(self) -> np.ndarray:
        return (self.observed.notnull() & self.forecast.notnull().all("member")).values

    @cached_property
    def members(self) -> np.ndarray:
        """Members [point, M] of the points that are present."""
        return np.moveaxis(self.forecast.values, 1, -1)[self.valid]

    @cached_property
    def truth(self) -> np.ndarray:
        """Observed values [point] of the same points."""
        return self.observed.values[self.valid]

    @cached_property
    def masked(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Both fields, missing wherever one of them is."""
        valid = xr.DataArray(self.valid, dims=self.observed.dims)
        return self.forecast.where(valid), self.observed.where(valid)

    @cached_property
    def days(self) -> list[tuple[int, np.ndarray]]:
        """Days with points, and which."""
        return [(day, kept) for day, kept in enumerate(self.valid) if kept.any()]

    def at_points(self, result: xr.DataArray) -> np.ndarray:
        """An elementwise result at the points that are present; it must be missing at all others."""
        values = result.transpose(*self.observed.dims, ...).values
        assert np.isnan(values[~self.valid]).all()
        return values[self.valid]


def hard_case() -> Case:
    rng = np.random.default_rng(20261122)
    members = np.round(rng.gamma(0.4, 5, (DAYS, MEMBERS, ROWS, COLUMNS)), 1)
    observed = np.round(rng.gamma(0.4, 5, (DAYS, ROWS, COLUMNS)), 1)
    members[members < 1], observed[observed < 1] = 0, 0
    members[1], observed[1] = 0, 0
    observed[2] = np.nan
    observed[3][rng.random((ROWS, COLUMNS)) < 0.2] = np.nan
    members[4][rng.random((MEMBERS, ROWS, COLUMNS)) < 0.02] = np.nan
    time = np.datetime64("2014-06-01", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
    return Case(
        xr.DataArray(members, dims=("time", "member", *FIELD), coords={"time": time}),
        xr.DataArray(observed, dims=("time", *FIELD), coords={"time": time}),
    )


def difference(one: object, other: object) -> float:
    """Largest absolute difference; both must be missing in the same places."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    assert one.shape == other.shape, (one.shape, other.shape)
    assert (np.isnan(one) == np.isnan(other)).all()
    return float(np.nanmax(np.abs(one - other)))


Check = Callable[[Case], Iterator[tuple[str, float]]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Enters the oracles of a metric."""

    def enter(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return enter


@check("crps_ensemble (fair)")
def crps_fair(case: Case) -> Iterator[tuple[str, float]]:
    found = case.at_points(ours.crps_ensemble(case.forecast, case.observed))
    yield "scoringrules pwm", difference(found, scoringrules.crps_ensemble(case.truth, case.members, estimator="pwm"))
    theirs = scores.probability.crps_for_ensemble(*case.masked, "member", method="fair", preserve_dims="all")
    yield "scores", difference(found, theirs.values[case.valid])


@check("crps_ensemble (ecdf)")
def crps_ecdf(case: Case) -> Iterator[tuple[str, float]]:
    found = case.at_points(ours.crps_ensemble(case.forecast, case.observed, estimator="ecdf"))
    yield "scoringrules nrg", difference(found, scoringrules.crps_ensemble(case.truth, case.members, estimator="nrg"))
    theirs = scores.probability.crps_for_ensemble(*case.masked, "member", method="ecdf", preserve_dims="all")
    yield "scores", difference(found, theirs.values[case.valid])
    yield "properscoring", difference(found, properscoring.crps_ensemble(case.truth, case.members))
    theirs = xskillscore.crps_ensemble(case.masked[1], case.masked[0], member_dim="member", dim=[])
    yield "xskillscore", difference(found, theirs.values[case.valid])


@check("threshold_weighted_crps")
def weighted_crps(case: Case) -> Iterator[tuple[str, float]]:
    for tail, side in (("upper", "a"), ("lower", "b")):
        for estimator, theirs in (("fair", "pwm"), ("ecdf", "nrg")):
            found = case.at_points(
                ours.threshold_weighted_crps(
                    case.forecast, case.observed, threshold=5.0, tail=tail, estimator=estimator
                )
            )
            expected = scoringrules.twcrps_ensemble(case.truth, case.members, estimator=theirs, **{side: 5.0})
            yield f"scoringrules, {tail} {estimator}", difference(found, expected)
            expected = scores.probability.tail_tw_crps_for_ensemble(
                *case.masked, "member", threshold=5.0, tail=tail, method=estimator, preserve_dims="all"
            )
            yield f"scores, {tail} {estimator}", difference(found, expected.values[case.valid])


@check("energy_score")
def energy(case: Case) -> Iterator[tuple[str, float]]:
    for estimator, theirs in (("fair", "fair"), ("ecdf", "nrg")):
        found = ours.energy_score(case.forecast, case.observed, estimator=estimator).values
        expected = [
            scoringrules.es_ensemble(
                case.observed.values[day][kept], case.forecast.values[day][:, kept], estimator=theirs
            )
            / np.sqrt(kept.sum())
            for day, kept in case.days
        ]
        yield (
            f"scoringrules es_ensemble over √n, {estimator}",
            difference(found[[day for day, _ in case.days]], expected),
        )


@check("variogram_score")
def variogram(case: Case) -> Iterator[tuple[str, float]]:
    small = case.forecast[..., :12, :15], case.observed[..., :12, :15]
    pairs = ours.point_pairs((12, 15), max_distance=100.0, limit=10**6)
    weight = np.zeros((180, 180))
    weight[pairs.first, pairs.second] = weight[pairs.second, pairs.first] = pairs.weight
    for estimator, theirs in (("fair", "fair"), ("ecdf", "nrg")):
        found, expected = ours.variogram_score(*small, pairs=pairs, estimator=estimator).values, []
        days = [day for day, kept in enumerate(case.valid[:, :12, :15]) if kept.any()]
        for day in days:
            kept = case.valid[day, :12, :15].ravel()
            w = weight[np.ix_(kept, kept)]
            expected.append(
                scoringrules.vs_ensemble(
                    small[1].values[day].ravel()[kept],
                    small[0].values[day].reshape(MEMBERS, -1)[:, kept],
                    w=w,
                    estimator=theirs,
                )
                / w.sum()
            )
        yield f"scoringrules vs_ensemble over sum w, {estimator}", difference(found[days], expected)


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


@check("spread_skill, ensemble_moments")
def spread(case: Case) -> Iterator[tuple[str, float]]:
    moments = ours.ensemble_moments(case.forecast.where(xr.DataArray(case.valid, dims=case.observed.dims)))
    yield (
        "numpy mean, var",
        max(
            difference(moments["mean"].values[case.valid], case.members.mean(axis=1)),
            difference(moments["variance"].values[case.valid], case.members.var(axis=1, ddof=1)),
        ),
    )
    found = ours.spread_skill(case.forecast, case.observed)
    variance = case.members.var(axis=1, ddof=1).mean()
    error = np.mean((case.members.mean(axis=1) - case.truth) ** 2)
    yield (
        "the formula in numpy",
        difference([found["spread"], found["skill"]], [np.sqrt(variance), np.sqrt(error - variance / MEMBERS)]),
    )


@check("bias, mae, rmse, relative_bias, correlation")
def mean_errors(case: Case) -> Iterator[tuple[str, float]]:
    product, observed = case.masked[0].mean("member", skipna=False), case.masked[1]
    pairs: list[tuple[str, Callable, Callable]] = [
        ("bias", ours.bias, scores.continuous.mean_error),
        ("mae", ours.mae, scores.continuous.mae),
        ("rmse", ours.rmse, scores.continuous.rmse),
        ("relative_bias", ours.relative_bias, scores.continuous.pbias),
        ("correlation", ours.correlation, scores.continuous.correlation.pearsonr),
    ]
    for name, mine, theirs in pairs:
        found = mine(case.forecast, case.observed, dim=...).item()
        yield f"scores, {name}", abs(found - theirs(product, observed).item())
    for name, mine, theirs in (
        ("mae", ours.mae, xskillscore.mae),
        ("rmse", ours.rmse, xskillscore.rmse),
        ("correlation", ours.correlation, xskillscore.pearson_r),
    ):
        expected = theirs(product, observed, dim=list(observed.dims), skipna=True).item()
        yield f"xskillscore, {name}", abs(mine(case.forecast, case.observed, dim=...).item() - expected)


@check("cross_correlation")
def cross(case: Case) -> Iterator[tuple[str, float]]:
    day, kept = case.days[2]
    one, other = case.forecast[day, 0], case.observed[day]
    expected = stats.pearsonr(one.values[kept], other.values[kept]).statistic
    yield "scipy pearsonr", abs(ours.cross_correlation(one, other.where(kept)).item() - expected)


@check("pooled_quantiles, quantile_ratio")
def quantiles(case: Case) -> Iterator[tuple[str, float]]:
    wanted = [0.0, 0.1, 0.5, 0.9, 0.999, 1.0]
    expected = np.nanquantile(case.forecast.values, wanted, method="inverted_cdf")
    yield "numpy inverted_cdf", difference(ours.pooled_quantiles(case.forecast, wanted).values, expected)
    found = ours.quantile_ratio(case.forecast, case.observed, quantiles=[0.9, 0.99])["ratio"].values.ravel()
    theirs = [
        np.quantile(case.members, q, method="inverted_cdf") / np.quantile(case.truth, q, method="inverted_cdf")
        for q in (0.9, 0.99)
    ]
    yield "numpy inverted_cdf, ratio", difference(found, theirs)


@check("histogram, perkins_overlap, exceedance, wet_day_frequency, wet_day_intensity")
def histograms(case: Case) -> Iterator[tuple[str, float]]:
    edges = np.array([0.0, 1, 2, 5, 10, 20, 50])
    counts, _ = np.histogram(case.truth, edges)
    density, _ = np.histogram(case.truth, edges, density=True)
    found = ours.histogram(case.masked[1], edges)
    yield "numpy histogram", difference(found["count"].values, counts)
    inside = counts.sum() / len(case.truth)
    yield "numpy histogram, density", difference(found["density"].values, density * inside)
    open_edges = np.concatenate([[-np.inf], edges[1:-1], [np.inf]])
    f, o = (np.histogram(values, open_edges)[0] / values.size for values in (case.members.ravel(), case.truth))
    overlap = ours.perkins_overlap(case.forecast, case.observed, edges=edges[1:-1])
    yield "numpy histogram, overlap", abs(overlap.item() - np.minimum(f, o).sum())
    law = stats.ecdf(case.truth)
    found = ours.exceedance(case.masked[1], [1.0, 5.0, 10.0]).values
    yield "scipy ecdf", difference(found, law.sf.evaluate(np.array([1.0, 5.0, 10.0]) - 1e-9))
    yield (
        "scipy ecdf, wet days",
        abs(ours.wet_day_frequency(case.masked[1], threshold=1.0).item() - law.sf.evaluate(1.0 - 1e-9)),
    )
    yield (
        "numpy, intensity",
        abs(ours.wet_day_intensity(case.masked[1], threshold=1.0).item() - case.truth[case.truth >= 1].mean()),
    )


@check("wasserstein")
def transport(case: Case) -> Iterator[tuple[str, float]]:
    expected = stats.wasserstein_distance(case.members.ravel(), case.truth)
    yield "scipy", abs(ours.wasserstein(case.forecast, case.observed).item() - expected)


@check("l_moments")
def l_moments(case: Case) -> Iterator[tuple[str, float]]:
    found = ours.l_moments(xr.DataArray(case.truth, dims="x"))
    l1, l2, t3 = lmoments3.lmom_ratios(case.truth, nmom=3)
    yield "lmoments3", difference([found[name] for name in ("l1", "l2", "t3")], [l1, l2, t3])


@check("gev_from_l_moments, gev_return_level")
def gev(case: Case) -> Iterator[tuple[str, float]]:
    maxima = np.nanmax(case.forecast.values, axis=(2, 3)).ravel()
    fit = ours.gev_from_l_moments(ours.l_moments(xr.DataArray(maxima, dims="x")))
    law = lmoments3.distr.gev.lmom_fit(maxima)
    yield (
        "lmoments3 gev",
        difference([-fit["shape"], fit["location"], fit["scale"]], [law["c"], law["loc"], law["scale"]]),
    )
    levels = ours.gev_return_level(fit, [2, 10, 100]).values
    expected = stats.genextreme(-fit["shape"].item(), fit["location"].item(), fit["scale"].item())
    yield "scipy genextreme, levels", difference(levels, expected.isf(1 / np.array([2, 10, 100])))


@check("gpd_from_l_moments, gpd_return_level")
def gpd(case: Case) -> Iterator[tuple[str, float]]:
    excesses = case.truth[case.truth > 10] - 10
    fit = ours.gpd_from_l_moments(ours.l_moments(xr.DataArray(excesses, dims="x")))
    shape, scale = fit["shape"].item(), fit["scale"].item()
    moments = lmoments3.distr.gpa(shape, 0.0, scale).lmom(nmom=2)
    yield "lmoments3 gpa, moments given back", difference(moments, lmoments3.lmom_ratios(excesses, nmom=2))
    rate = len(excesses) / len(case.truth)
    levels = ours.gpd_return_level(fit, [100, 1000], threshold=10.0, rate=rate).values
    expected = stats.genpareto(shape, 10.0, scale).isf(1 / (np.array([100, 1000]) * rate))
    yield "scipy genpareto, levels", difference(levels, expected)


@check("fss")
def fractions(case: Case) -> Iterator[tuple[str, float]]:
    days = [day for day, kept in case.days if kept.all()]
    forecast, observed = case.forecast[days, 0], case.observed[days]
    for window in (1, 3, 9):
        theirs = scores.spatial.fss_2d(
            forecast,
            observed,
            event_threshold=5.0,
            window_size=(window, window),
            spatial_dims=FIELD,
            threshold_operator=np.greater_equal,
        )
        yield (
            f"scores, window {window}",
            abs(ours.fss(forecast, observed, threshold=5.0, window=window).item() - theirs.item()),
        )
        f, o = (
            np.stack([ndimage.uniform_filter((day >= 5.0).astype(float), window, mode="constant") for day in values])
            for values in (forecast.values, observed.values)
        )
        expected = 1 - ((f - o) ** 2).sum() / (f**2 + o**2).sum()
        found = ours.fss(forecast, observed, threshold=5.0, window=window, edges="zero")
        yield f"scipy uniform_filter, zero, window {window}", abs(found.item() - expected)


@check("intensity_scale_components")
def wavelets(case: Case) -> Iterator[tuple[str, float]]:
    day = case.days[0][0]
    forecast, observed = case.forecast[day, 0, :32, :32], case.observed[day, :32, :32]
    error = (forecast.values >= 5.0).astype(float) - (observed.values >= 5.0)
    approximation, *details = pywt.wavedec2(error, "haar", level=5)
    expected = [sum((band**2).sum() for band in bands) for bands in reversed(details)] + [(approximation**2).sum()]
    found = ours.intensity_scale_components(forecast, observed, threshold=5.0)["squared_error"]
    yield "PyWavelets wavedec2", difference(found.values, expected)


@check("power_spectrum")
def spectrum(case: Case) -> Iterator[tuple[str, float]]:
    field = case.observed[case.days[0][0], :40, :40]
    found = ours.power_spectrum(field, spacing=(1.0, 1.0))
    power = fft.dctn(field.values, norm="ortho") ** 2 / field.size
    radius = np.hypot(*np.meshgrid(np.arange(40), np.arange(40), indexing="ij")) / 2  # in waves of the domain
    edges = np.concatenate([[1e-6], np.arange(1.5, found.size + 2)])  # half way between whole numbers of waves
    total, *_ = stats.binned_statistic((radius * (1 + 1e-9)).ravel(), power.ravel(), "sum", bins=edges)
    widths = np.diff(np.concatenate([[0.0], edges[1:]])) / 40
    yield "scipy dctn, ring by ring", difference(found.values, (total / widths)[: found.size])


@check("object_statistics")
def objects(case: Case) -> Iterator[tuple[str, float]]:
    field = case.observed
    for connectivity, number in ((8, 2), (4, 1)):
        found = ours.object_statistics(field, threshold=5.0, connectivity=connectivity)
        expected = {name: [] for name in ("n_objects", "area", "largest_area", "value_area", "mean_sum", "maximum_sum")}
        for day, _ in case.days:
            values = field.values[day]
            labels = skimage.measure.label(np.nan_to_num(values) >= 5.0, connectivity=number)
            regions = skimage.measure.regionprops(labels, intensity_image=np.nan_to_num(values))
            expected["n_objects"].append(len(regions))
            expected["area"].append(sum(region.area for region in regions))
            expected["largest_area"].append(max((region.area for region in regions), default=0.0))
            expected["value_area"].append(sum(region.area * region.intensity_mean for region in regions))
            expected["mean_sum"].append(sum(region.intensity_mean for region in regions))
            expected["maximum_sum"].append(sum(region.intensity_max for region in regions))
        days = [day for day, _ in case.days]
        yield (
            f"scikit-image regionprops, {connectivity} neighbours",
            max(difference(found[name].values[days], values) for name, values in expected.items()),
        )


@check("sal_features")
def sal(case: Case) -> Iterator[tuple[str, float]]:
    found, worst = ours.sal_features(case.observed), 0.0
    for day, _ in case.days:
        values = np.nan_to_num(case.observed.values[day])
        if not values.max():
            continue
        labels = skimage.measure.label(values >= values.max() / 15, connectivity=2)
        regions = skimage.measure.regionprops(labels, intensity_image=values)
        centre = np.array(ndimage.center_of_mass(values))
        mass = np.array([region.area * region.intensity_mean for region in regions])
        reach = [np.hypot(*(centre - region.centroid_weighted)) for region in regions]
        volume = mass / [region.intensity_max for region in regions]
        expected = [*centre, (mass * reach).sum() / mass.sum(), (mass * volume).sum() / mass.sum()]
        names = ("centre_y", "centre_x", "scatter", "volume")
        worst = max(worst, difference([found[name].values[day] for name in names], expected))
    yield "scikit-image regionprops", worst


@check("ensemble_sal_from_features")
def ensemble_sal(case: Case) -> Iterator[tuple[str, float]]:
    days = [day for day, kept in case.days if kept.all() and day != 1]
    forecast = ours.sal_features(case.forecast[days])
    observed = ours.sal_features(case.observed[days])
    found = ours.ensemble_sal_from_features(forecast, observed)["location_2"]
    diagonal = np.hypot(ROWS, COLUMNS)
    expected = 2 * scoringrules.crps_ensemble(
        observed["scatter"].values / diagonal,
        forecast["scatter"].transpose("time", "member").values / diagonal,
        estimator="nrg",
    )
    yield "scoringrules nrg (L2)", difference(found.values, expected)


@check("autocorrelation")
def lagged(case: Case) -> Iterator[tuple[str, float]]:
    series = case.forecast[:, :, 0, 0]
    found = ours.autocorrelation(series, lags=(1, 3), dim="member").values
    expected = []
    for lag in (1, 3):
        first, second = series.values[:-lag].ravel(), series.values[lag:].ravel()
        both = np.isfinite(first) & np.isfinite(second)
        one, other = np.concatenate([first[both], second[both]]), np.concatenate([second[both], first[both]])
        expected.append(stats.pearsonr(one, other).statistic)
    yield "scipy pearsonr of the pairs in both orders", difference(found, expected)


@check("correlogram")
def by_distance(case: Case) -> Iterator[tuple[str, float]]:
    day = [number for number, kept in case.days if kept.all()]
    first, second = case.observed[day, 0], case.observed[day, 1]
    first, second = first - first.mean("time"), second - second.mean("time")
    one = np.concatenate([first.values.ravel(), second.values.ravel()])
    other = np.concatenate([second.values.ravel(), first.values.ravel()])
    found = ours.correlogram(first.rename(x="pair"), second.rename(x="pair")).item()
    yield "scipy pearsonr of the anomalies in both orders", abs(found - stats.pearsonr(one, other).statistic)


@check("temporal_spectrum")
def periodogram(case: Case) -> Iterator[tuple[str, float]]:
    series = case.forecast[:, :, 0, 0]
    found = ours.temporal_spectrum(series.dropna("member"), segment=10)
    kept = series.dropna("member").values
    _, power = signal.periodogram(kept.reshape(2, 10, -1), window="hann", detrend="constant", axis=1)
    yield "scipy periodogram", difference(found.values, power[:, 1:].mean(axis=(0, 2)))


@check("false_discovery")
def discoveries(case: Case) -> Iterator[tuple[str, float]]:
    p = np.random.default_rng(2).beta(0.5, 2, 5000)
    found = ours.false_discovery(xr.DataArray(p, dims="x"), alpha=0.1)["rejected"].values
    yield "scipy false_discovery_control", float(np.count_nonzero(found != (stats.false_discovery_control(p) <= 0.1)))


@check("block_bootstrap")
def bootstrap(case: Case) -> Iterator[tuple[str, float]]:
    days = np.random.default_rng(3).normal(10, 2, 400)
    found = ours.block_bootstrap(xr.DataArray(days, dims="time"), n_resamples=20_000, block_length=1, seed=0)
    theirs = stats.bootstrap((days,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1))
    width = found["upper"].item() - found["lower"].item()
    low, high = theirs.confidence_interval
    yield (
        "scipy bootstrap (percentile), ends over width",
        max(abs(found["lower"].item() - low), abs(found["upper"].item() - high)) / width,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="checks whose name contains one of these")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    case = hard_case()
    results = []
    for name, function in CHECKS.items():
        if options.only and not any(part in name for part in options.only):
            continue
        for oracle, deviation in function(case):
            results.append({"metric": name, "oracle": oracle, "deviation": deviation})
            print(f"{name:45.45}  {oracle:50.50}  {deviation:.1g}", flush=True)
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    print(", ".join(f"{library} {version}" for library, version in versions.items()))
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "deviations": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
