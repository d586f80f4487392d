"""Features of the fields: structure, amplitude and location, and the objects that thresholds cut out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.feature_scores import feature_scores
from stride_eval.families.thresholds import event_thresholds
from stride_eval.grid import Spacing, spacing
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.object_matching import match_objects
from stride_eval.metrics.objects import object_statistics
from stride_eval.metrics.sal import ensemble_sal_from_features, sal_features, sal_from_features
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block, Systems

TITLE = "Features"

REACH_PIXELS = 8.0
"""How far apart the centroids of a matched pair may be where the low resolution is not known."""

MAXIMUM_BINS = 24

PARTS = ("structure", "amplitude", "location")


@dataclass(frozen=True)
class _Cut:
    """How objects are cut out of a target's fields, and counted."""

    thresholds: list[float]
    spacing: tuple[float, float]
    smallest: int
    area_edges: np.ndarray
    maximum_edges: np.ndarray
    reach: float

    def statistics(self, fields: xr.DataArray) -> xr.Dataset:
        return object_statistics(
            fields, threshold=self.thresholds, area_edges=self.area_edges, maximum_edges=self.maximum_edges,
            spacing=self.spacing, min_pixels=self.smallest,
        )  # fmt: skip


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """SAL and object statistics per date.

    Objects are pixels that touch, corners included, with values at or above an event threshold, and have
    ``smallest_object`` pixels or more. SAL has object thresholds of its own, 1/15 of each field's 95th percentile above
    the wet threshold, and is for amounts alone: NaN for other targets.

    Args:
        systems: what is evaluated.
        config: ``thresholds``, ``smallest_object``.

    Returns:
        Along target and time, for each system: ``structure``, ``amplitude`` and ``location`` (member); their means over
        members that have them ``abs_structure``, ``abs_amplitude``, ``mean_structure``, ``mean_amplitude``,
        ``mean_location``; ``ensemble_structure``, ``ensemble_amplitude``, ``ensemble_location`` of the ensemble as a
        whole and ``pmm_...`` of the probability matched mean where the system carries one. Along threshold too:
        ``objects`` (member), the number of objects; means over members of ``area``, ``largest_area``, ``value_area``,
        ``maximum_sum``, ``area_counts`` (area_bin), ``maximum_counts`` (maximum_bin), ``hits``, ``misses``,
        ``false_alarms``, ``matched_area``, ``object_area``, ``median_maximum_interest``. ``observed_...`` of the
        observation; ``n``, its pixels; ``thresholds``, ``maximum_edge``. Attributes ``length_unit``, ``reach``,
        ``smallest_object``.
    """
    step = spacing(*systems.axes)
    ratio = systems.resolution_ratio
    # Displacements that the low resolution cannot tell: its shortest wave.
    reach = 2.0 * ratio * step.y if ratio is not None and ratio > 1.5 else REACH_PIXELS * step.y
    parts = {}
    for key, spec in systems.specs.items():
        sample = systems.observed_sample(key)
        thresholds = event_thresholds(key, spec, sample, config)
        area_edges = _area_edges(systems.shape, step, config.smallest_object)
        maximum_edges = _maximum_edges(thresholds, sample, is_amount(spec))
        cut = _Cut(list(thresholds), (step.y, step.x), config.smallest_object, area_edges, maximum_edges, reach)
        blocks, start = [], 0
        for block in systems.blocks(key):
            times = systems.times[start : start + block.observed.sizes["time"]]
            start += len(times)
            seen = cut.statistics(block.observed)
            observed = {f"observed_{name}": values for name, values in seen.drop_vars("mean_sum").items()}
            features = _sal_features(block.observed, spec, step) if is_amount(spec) else None
            found = {}
            for name in systems.names:
                pmm = systems.fields("pmm", name, key, times) if features is not None else None
                found[name] = _objects(block, name, cut).merge(_sal(block, name, spec, step, features, pmm))
            joined = join_systems({name: _plain(one) for name, one in found.items()})
            counted = block.observed.notnull().sum(("y", "x")).rename("n")
            blocks.append(joined.merge(_plain(xr.Dataset(observed))).merge(counted))
        parts[key] = join_blocks(blocks).assign(
            thresholds=("threshold", thresholds), maximum_edge=("maximum_bin", maximum_edges)
        )
    results = join_targets("features", parts, systems)
    results.attrs.update(length_unit=step.unit, reach=reach, smallest_object=config.smallest_object)
    return results


def _plain(part: xr.Dataset) -> xr.Dataset:
    """Without coordinates that differ between targets."""
    return part.drop_vars(["threshold", "maximum_bin", "member"], errors="ignore")


def _area_edges(shape: tuple[int, int], step: Spacing, smallest: int) -> np.ndarray:
    """Doubling from the smallest object to the whole grid."""
    doublings = int(np.floor(np.log2(max(1.0, shape[0] * shape[1] / smallest))))
    return smallest * 2.0 ** np.arange(doublings + 1) * step.y * step.x


def _maximum_edges(thresholds: np.ndarray, sample: np.ndarray, amount: bool) -> np.ndarray:
    """From the lowest threshold to the largest observed value: by equal ratios for amounts, by equal steps else."""
    low = float(thresholds[0])
    high = max(float(sample[-1]), float(thresholds[-1]))
    if not high > low:
        high = low + max(abs(low), 1.0)
    return np.geomspace(low, high, MAXIMUM_BINS) if amount and low > 0 else np.linspace(low, high, MAXIMUM_BINS)


def _objects(block: Block, name: str, cut: _Cut) -> xr.Dataset:
    """One system's objects of each date, and how they match the observed ones."""
    made = cut.statistics(block.members[name])
    matched = match_objects(
        block.members[name], block.observed, threshold=cut.thresholds, max_distance=cut.reach, spacing=cut.spacing,
        min_pixels=cut.smallest,
    )  # fmt: skip
    means = made.drop_vars(["n_objects", "mean_sum"]).merge(matched).mean("member")
    return means.assign(objects=made["n_objects"], n_objects=made["n_objects"].mean("member"))


def _sal_features(fields: xr.DataArray, spec: VariableSpec, step: Spacing) -> xr.Dataset:
    """Models may leave values just below zero: they count as none."""
    return sal_features(
        fields.clip(min=0.0), reference="percentile", floor=spec.wet_threshold or 0.0, spacing=(step.y, step.x)
    )


def _sal(
    block: Block, name: str, spec: VariableSpec, step: Spacing, observed: xr.Dataset | None, pmm: xr.DataArray | None
) -> xr.Dataset:
    """SAL of each member, of the ensemble and of the PMM; NaN where there is none."""
    fields = block.members[name]
    nothing = xr.full_like(fields.isel(y=0, x=0, drop=True), np.nan, dtype=np.float64)
    one = nothing.isel(member=0, drop=True)
    members = xr.Dataset(dict.fromkeys(PARTS, nothing))
    ensemble = single = xr.Dataset(dict.fromkeys(PARTS, one))
    if observed is not None:
        features = _sal_features(fields, spec, step)
        members = sal_from_features(features, observed)
        ensemble = ensemble_sal_from_features(features, observed)
        if pmm is not None:
            single = sal_from_features(_sal_features(pmm.where(block.observed.notnull()), spec, step), observed)
    return xr.Dataset(
        {
            **{part: members[part] for part in PARTS},
            **{f"abs_{part}": abs(members[part]).mean("member") for part in PARTS[:2]},
            **{f"mean_{part}": members[part].mean("member") for part in PARTS},
            **{f"ensemble_{part}": ensemble[part] for part in PARTS},
            **{f"pmm_{part}": single[part] for part in PARTS},
        }
    )


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """SAL diagram; numbers and likeness of objects; their areas and largest values."""
    from stride_eval.plots import object_counts, object_sizes, sal_diagram

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        if bool(one["structure"].notnull().any()):
            figures.append(sal_diagram.figure(one, spec, about, config))
        figures.append(object_counts.figure(one, spec, about, config))
        if config.all_figures:
            figures.append(object_sizes.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """Means of the SAL components; number and size of objects over the observed; object-based threat score."""
    return feature_scores(results, config)
