"""Whether the heavy end is right: high quantiles, exceedances, maxima, return levels, joint extremes."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families import extreme_scores
from stride_eval.families.binning import counts_per_date, fine_edges
from stride_eval.families.block_maxima import time_blocks, times_of
from stride_eval.families.extreme_fields import WINDOW, ExtremeFields
from stride_eval.families.intervals import interval, numbers, resampled
from stride_eval.families.largest_values import highest_level
from stride_eval.families.pixel_pairs import PairSeries
from stride_eval.families.return_levels import peak_rate, peak_threshold, summary_period
from stride_eval.families.tail_statistics import tail_statistics
from stride_eval.families.wet_percentiles import wet_amounts, wet_percentiles
from stride_eval.grid import spacing
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.date_runs import DAY, DateRuns, date_runs
from stride_eval.metrics.exceedance import exceedance
from stride_eval.metrics.tail_dependence import joint_exceedance
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Systems

TITLE = "Extremes"

OF_ALL_DATES = extreme_scores.OF_ALL_DATES

POOLED = ("member", "y", "x")

FEWEST_PAIR_DATES = 50
"""Dates that tail dependence needs."""

SUMMARY_LEVEL = 0.999
"""Quantile of the summary's column."""


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """What lies beyond the observed high quantiles, and the largest values.

    Args:
        systems: what is evaluated.
        config: ``tail_quantiles``.

    Returns:
        Along target, for each system and (``observed_...``) the observation: ``counts`` (time, bin) of values in fine
        bins; ``exceedance`` (time, level), the share of values at or above ``thresholds``, the observed quantiles at
        ``level``; ``maximum`` (y, x) over the dates, for ensembles the mean of the members' maxima, and, where the
        variable and the dates have them, ``minimum``, ``five_day`` and ``high_quantile`` (at ``map_level``);
        ``block_maximum`` (block) and the like, means over pixels and members, and ``block_counts`` (block,
        bin); ``amount_above`` (time, percentile) of ``wet_percentile``; ``joint`` and ``marginal`` exceedances (time,
        distance) of pairs of pixels; ``peak_threshold`` and ``summary_period`` of the return levels. Attributes:
        ``block_name``, ``longest_run`` of consecutive dates, ``pair_level``, ``pairs``, ``length_unit``.
    """
    levels = np.unique([*config.tail_quantiles, SUMMARY_LEVEL])
    land = systems.static("lsm")
    runs = date_runs(times_of(systems))
    blocks_of_time = time_blocks(systems.times, runs)
    pair_level = _pair_level(len(systems.times))
    parts, pairs = {}, 0
    for key, spec in systems.specs.items():
        sample = systems.observed_sample(key)
        edges = fine_edges(sample, spec)
        thresholds = np.quantile(sample, levels)
        level = highest_level(len(systems.times))
        fields = {
            name: ExtremeFields(
                systems.shape,
                systems.members(name) if name else 1,
                blocks_of_time,
                runs,
                edges,
                level=level,
                minima=not is_amount(spec),
                sums=_has_five_day(spec, runs),
            )
            for name in ("", *systems.names)
        }
        wet = None if not _falls(spec) else wet_percentiles(systems, key, float(spec.wet_threshold or 0.0), sample)
        series = None if pair_level is None else PairSeries(systems, key)
        blocks = []
        for block in systems.blocks(key):
            parts_of = {name: _statistics(field, edges, thresholds) for name, field in block.members.items()}
            seen = _statistics(block.observed, edges, thresholds)
            seen = seen.rename({name: f"observed_{name}" for name in seen.data_vars})
            if wet is not None:
                amounts, observed_amounts = wet_amounts(block, wet["wet_percentile"])
                parts_of = {name: part.assign(amount_above=amounts[name]) for name, part in parts_of.items()}
                seen = seen.merge(observed_amounts)
            blocks.append(join_systems(parts_of).merge(seen))
            fields[""].add(block.observed.values[:, None])
            for name, field in block.members.items():
                fields[name].add(field.values)
            if series is not None:
                series.add(block)
        finished = {name: one.finish() for name, one in fields.items()}
        observed = finished.pop("")
        part = xr.merge(
            [
                join_blocks(blocks),
                join_systems(finished),
                observed.rename({name: f"observed_{name}" for name in observed.data_vars}),
                *([] if wet is None else [wet]),
            ],
            compat="override",
            join="outer",
        )
        if series is not None and pair_level is not None and series.pairs.distance.size:
            part = part.merge(series.per_date(lambda a, b: joint_exceedance(a, b, level=pair_level, dim="time")))
            pairs = series.limit
        parts[key] = part.assign_coords(level=levels).assign(
            edges=("edge", edges),
            thresholds=("level", thresholds),
            map_level=np.nan if level is None else level,
            peak_threshold=peak_threshold(sample, edges, spec.wet_threshold, len(systems.times)),
            summary_period=summary_period(len(systems.times)),
        )
        if land is not None:
            parts[key] = parts[key].assign(land=(("y", "x"), land))
    results = join_targets("extremes", parts, systems)
    results.attrs.update(
        block_name=blocks_of_time.name,
        longest_run=int(runs.lengths.max(initial=0)),
        pair_level=np.nan if pair_level is None else pair_level,
        pairs=pairs,
        length_unit=spacing(*systems.axes).unit,
    )
    return results


def _falls(spec: VariableSpec) -> bool:
    """Whether the variable is an amount that falls on some dates and not on others."""
    return is_amount(spec) and spec.wet_threshold is not None


def _has_five_day(spec: VariableSpec, runs: DateRuns) -> bool:
    """Whether sums over five days tell something and the dates have any."""
    daily = spec.units.endswith(" day-1") and runs.step == DAY
    return _falls(spec) and daily and bool((runs.lengths >= WINDOW).any())


def _pair_level(dates: int) -> float | None:
    """Quantile that joint extremes exceed: some ten dates lie above it where there are dates enough."""
    return None if dates < FEWEST_PAIR_DATES else 0.95 if dates >= 4 * FEWEST_PAIR_DATES else 0.9


def _statistics(field: xr.DataArray, edges: np.ndarray, thresholds: np.ndarray) -> xr.Dataset:
    """One system's values of each date, members and pixels pooled."""
    # Thresholds may coincide (two quantiles of a dry sample are both zero): each is asked for once and handed to all.
    distinct, place = np.unique(thresholds, return_inverse=True)
    share = exceedance(field, distinct, dim=POOLED).drop_vars("threshold").isel(threshold=place)
    share = share.rename(threshold="level")
    return xr.Dataset({"counts": counts_per_date(field, edges), "exceedance": share})


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Tail quantiles and exceedances; return levels; maps of maxima; tail dependence."""
    from stride_eval.plots import maxima, return_levels, tail, tail_dependence

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        figures.append(tail.figure(one, spec, about, config))
        if config.all_figures:
            if peak_rate(one) > 0:
                figures.append(return_levels.figure(one, spec, about, config))
            figures.append(maxima.figure(one, spec, about, config))
            if "joint" in one and bool((one["observed_joint"] > 0).any()):
                figures.append(tail_dependence.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """The 99.9 % quantile, maxima, wet amounts and a return level, each against the observed one."""
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
                        resampled=resampled(value),
                    )
                )
        one = results.sel(target=key)
        rows += extreme_scores.block_scores(one, spec, about, config, results.attrs["block_name"])
        rows += extreme_scores.wet_amount_scores(one, spec, about, config)
        rows += extreme_scores.return_level_score(one, spec, about, config)
    return rows
