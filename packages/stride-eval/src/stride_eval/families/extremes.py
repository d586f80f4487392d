"""Whether the heavy end is right: high quantiles, how often high thresholds are passed, maxima."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.binning import counts_per_date, fine_edges
from stride_eval.families.intervals import interval, numbers
from stride_eval.families.tail_statistics import tail_statistics
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.exceedance import exceedance
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Systems

TITLE = "Extremes"

POOLED = ("member", "y", "x")
SUMMARY_LEVEL = 0.999
"""Quantile of the summary's column."""


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """What lies beyond the observed high quantiles.

    Args:
        systems: what is evaluated.
        config: ``tail_quantiles``.

    Returns:
        Along target, for each system and (``observed_...``) the observation: ``counts`` (time, bin) of values in fine
        bins; ``exceedance`` (time, level), the share of values at or above ``thresholds``, the observed quantiles at
        ``level``; ``maximum`` (y, x) over the dates, for ensembles the mean of the members' maxima.
    """
    levels = np.unique([*config.tail_quantiles, SUMMARY_LEVEL])
    land = systems.static("lsm")
    parts = {}
    for key, spec in systems.specs.items():
        sample = systems.observed_sample(key)
        edges = fine_edges(sample, spec)
        thresholds = np.quantile(sample, levels)
        blocks, largest, observed_largest = [], {}, None
        for block in systems.blocks(key):
            parts_of = {name: _statistics(field, edges, thresholds) for name, field in block.members.items()}
            observed = _statistics(block.observed, edges, thresholds)
            blocks.append(
                join_systems(parts_of).merge(observed.rename({name: f"observed_{name}" for name in observed.data_vars}))
            )
            for name, field in block.members.items():
                here = field.max("time")
                largest[name] = here if name not in largest else np.fmax(largest[name], here)
            here = block.observed.max("time")
            observed_largest = here if observed_largest is None else np.fmax(observed_largest, here)
        parts[key] = join_blocks(blocks).assign(
            edges=("edge", edges),
            thresholds=("level", thresholds),
            observed_maximum=observed_largest,
            maximum=xr.concat(
                [largest[name].mean("member") for name in systems.names],
                dim=xr.DataArray(list(systems.names), dims="system", name="system"),
            ),
        )
        parts[key] = parts[key].assign_coords(level=levels)
        if land is not None:
            parts[key] = parts[key].assign(land=(("y", "x"), land))
    return join_targets("extremes", parts, systems)


def _statistics(field: xr.DataArray, edges: np.ndarray, thresholds: np.ndarray) -> xr.Dataset:
    """One system's values of each date, members and pixels pooled."""
    # Thresholds may coincide (two quantiles of a dry sample are both zero): each is asked for once and handed to all.
    distinct, place = np.unique(thresholds, return_inverse=True)
    share = exceedance(field, distinct, dim=POOLED).drop_vars("threshold").isel(threshold=place)
    share = share.rename(threshold="level")
    return xr.Dataset({"counts": counts_per_date(field, edges), "exceedance": share})


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Tail quantiles and exceedances; maps of maxima."""
    from stride_eval.plots import maxima, tail

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        figures.append(tail.figure(one, spec, about, config))
        if config.all_figures:
            figures.append(maxima.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """The 99.9 % quantile against the observed one."""
    about = Provenance.of(results)
    rows: list[Score] = []
    for key, spec in about.specs.items():
        one = results.sel(target=key).sel(level=[SUMMARY_LEVEL])
        days, statistics = tail_statistics(one, is_amount(spec))
        found = {
            name: interval(days[["observed_counts"]] if name == "observed" else days, statistic, config).isel(level=0)
            for name, statistic in statistics.items()
        }
        unit = "%" if is_amount(spec) else spec.units
        definition = (
            "Value that one in a thousand values reaches, members and pixels pooled; beside it the difference from "
            "the observed one."
        )
        for name in ("observed", *about.systems):
            value = found["observed"] if name == "observed" else found["quantile"].sel(system=name)
            rows.append(
                Score(
                    name,
                    key,
                    "q999",
                    "99.9 % quantile",
                    spec.units,
                    *numbers(value),
                    n=int(value["n"]),
                    definition=definition,
                )
            )
            if name != "observed":
                value = found["difference"].sel(system=name)
                rows.append(
                    Score(
                        name,
                        key,
                        "q999_difference",
                        "99.9 % quantile less observed",
                        unit,
                        *numbers(value),
                        n=int(value["n"]),
                        best="zero",
                        beside="q999",
                    )
                )
    return rows
