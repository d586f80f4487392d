"""What scales, objects and places are checked by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pywt
import scores.continuous
import scores.probability
import scores.spatial
import scoringrules
import skimage.measure
import stride_eval.metrics as ours
import xarray as xr
from scipy import fft, ndimage, stats

from independent.case import COLUMNS, FIELD, ROWS, Case, difference
from independent.checks import check


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


@check("correlogram")
def by_distance(case: Case) -> Iterator[tuple[str, float]]:
    day = [number for number, kept in case.days if kept.all()]
    first, second = case.observed[day, 0], case.observed[day, 1]
    first, second = first - first.mean("time"), second - second.mean("time")
    one = np.concatenate([first.values.ravel(), second.values.ravel()])
    other = np.concatenate([second.values.ravel(), first.values.ravel()])
    found = ours.correlogram(first.rename(x="pair"), second.rename(x="pair")).item()
    yield "scipy pearsonr of the anomalies in both orders", abs(found - stats.pearsonr(one, other).statistic)


@check("false_discovery")
def discoveries(case: Case) -> Iterator[tuple[str, float]]:
    p = np.random.default_rng(2).beta(0.5, 2, 5000)
    found = ours.false_discovery(xr.DataArray(p, dims="x"), alpha=0.1)["rejected"].values
    yield "scipy false_discovery_control", float(np.count_nonzero(found != (stats.false_discovery_control(p) <= 0.1)))
