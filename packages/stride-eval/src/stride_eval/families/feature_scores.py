"""Rows of the summary table that SAL and objects give."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import Statistic, interval
from stride_eval.families.score_rows import score_rows
from stride_eval.plots.style import pretty_units
from stride_eval.provenance import Provenance
from stride_eval.scores import Best, Score

SAL: dict[str, tuple[str, str, Best, str]] = {
    "abs_structure": (
        "|S|", "", "low",
        "Mean over members and dates of the absolute structure component of SAL; a perfectly calibrated ensemble has "
        "not 0, for its members differ from the observation. Fields without precipitation objects have none and are "
        "left out.",
    ),
    "mean_structure": (
        "S", "abs_structure", "zero",
        "The same with its sign: above 0 objects are too wide or too flat, below 0 too small or too peaked.",
    ),
    "abs_amplitude": (
        "|A|", "", "low",
        "Mean over members and dates of the absolute amplitude component of SAL: difference of the domain means over "
        "the mean of both; 2 where one of them alone is dry.",
    ),
    "mean_amplitude": (
        "A", "abs_amplitude", "zero",
        "The same with its sign: above 0 too much.",
    ),
    "mean_location": (
        "L", "", "low",
        "Mean over members and dates of the location component of SAL: distance of the centres of mass, and twice the "
        "difference of the objects' distances from it, over the domain's diagonal.",
    ),
}  # fmt: skip


def feature_scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """SAL for amounts; object ratios and threat score at the lowest and the highest threshold of each target."""
    about = Provenance.of(results)
    rows: list[Score] = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        # The amplitude is there where all fields of a system are dry too.
        if bool(one["amplitude"].notnull().any()):
            for name, (label, beside, best, definition) in SAL.items():
                found = interval(one[[name]], lambda m, name=name: m[name], config)
                rows += score_rows(
                    found, about, key, name=f"sal_{name}", label=label, units="1", best=best, definition=definition,
                    beside=f"sal_{beside}" if beside else "",
                )  # fmt: skip
        finite = np.flatnonzero(np.isfinite(one["thresholds"].values))
        for index in dict.fromkeys([int(finite[0]), int(finite[-1])]):
            level = float(one["thresholds"][index])
            event = f"{level:g} {pretty_units(spec.units)}".strip()
            smallest = results.attrs["smallest_object"]
            here = one.isel(threshold=index)
            for name, (label, best, definition, names, statistic) in OBJECTS.items():
                rows += score_rows(
                    interval(here[names], statistic, config), about, key,
                    name=f"{name}_{level:g}", label=f"{label} ≥ {event}", units="1", best=best,
                    definition=definition
                    + f" Objects: {smallest} or more touching pixels of at least {event}.",
                )  # fmt: skip
    return rows


def object_size_ratio(means: xr.Dataset) -> xr.DataArray:
    """Mean object area over the observed one."""
    return _ratio(
        _ratio(means["area"], means["n_objects"]), _ratio(means["observed_area"], means["observed_n_objects"])
    )


def object_count_ratio(means: xr.Dataset) -> xr.DataArray:
    """Number of objects over the observed one."""
    return _ratio(means["n_objects"], means["observed_n_objects"])


def threat_score(means: xr.Dataset) -> xr.DataArray:
    """Matched area, weighted by interest, over all area."""
    return _ratio(means["matched_area"], means["object_area"])


def _ratio(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    return a / b.where(b > 0)


OBJECTS: dict[str, tuple[str, Best | None, str, list[str], Statistic]] = {
    "object_count_ratio": (
        "Number of objects", "one",
        "Objects in a member's field over objects observed.",
        ["n_objects", "observed_n_objects"], object_count_ratio,
    ),
    "object_area_ratio": (
        "Area of objects", "one",
        "Mean area of an object, all members and dates pooled, over the observed mean area.",
        ["n_objects", "observed_n_objects", "area", "observed_area"], object_size_ratio,
    ),
    "object_threat": (
        "Object threat score", None,
        "Area of matched objects weighted by what the two of a pair have in common (distance, size, overlap), over the "
        "area of all objects, forecast and observed: 1 is perfect. It rewards fields that agree, not spread that is "
        "right: no system is marked as best.",
        ["matched_area", "object_area"], threat_score,
    ),
}  # fmt: skip
