"""What the probabilities of ensembles are checked by: CRPS, fields, events, calibration, spread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import properscoring
import scores.continuous
import scores.probability
import scores.spatial
import scoringrules
import stride_eval.metrics as ours
import xarray as xr
import xskillscore
from scipy import stats

from independent.case import MEMBERS, Case, difference
from independent.checks import check


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
