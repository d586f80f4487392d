"""What distributions and their tails are checked by."""

from __future__ import annotations

from collections.abc import Iterator

import lmoments3
import lmoments3.distr
import numpy as np
import stride_eval.metrics as ours
import xarray as xr
from scipy import stats

from independent.case import Case, difference
from independent.checks import check


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
