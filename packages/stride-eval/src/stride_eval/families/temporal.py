"""How the fields go on from date to date: autocorrelation, spells, transitions, cycles, spectra."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, numbers, resampled
from stride_eval.families.temporal_statistics import TemporalStatistics
from stride_eval.joining import join_systems, join_targets
from stride_eval.metrics.date_runs import date_runs
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.temporal_words import event_word
from stride_eval.provenance import Provenance
from stride_eval.scores import Best, Score
from stride_eval.systems import Systems

TITLE = "Time"

OF_ALL_DATES = ("lag1_difference",)
"""Anomalies are from each pixel's mean over all dates: within a season, its own departure from that mean would count as
memory."""

LAGS = 10
"""Largest lag, in steps."""

SEGMENT = 64
"""Longest segment of a spectrum, in dates; the shortest is an eighth of it."""

SERIES_BYTES = 64 * 2**20
"""Of the series that are kept whole for lags and spectra."""

EVENT_QUANTILE = 0.9
"""Of the observed values: the threshold of spells where a variable has no wet threshold."""


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Statistics of pairs, spells and series within unbroken runs of dates.

    Spells and pairs cross the blocks of dates: one field per member is carried on. Lags and spectra need whole series,
    which are kept for every n-th row and column alone, so that memory stays bounded.

    A member is followed through the dates by its number. Where an ensemble was drawn for each date by itself, that
    series is one by convention only: it holds no memory beyond what the conditioning brings.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target, for each system and (``observed_...``) the observation. Along time: counts of transitions into the
        date per member (``event_event``, ``event_none``, ``none_event``, ``none_none``), ``events`` and ``starts`` of
        spells, ``mean``, ``event_frequency``, ``n`` pixels; ``lag_product`` and ``lag_power`` (lag; neither where no
        lag has ``fewest_pairs``). ``spells`` (kind, length) per member, ``longest`` (kind), ``lag1_map``, ``spectrum``
        (frequency), ``event_threshold``. ``follows``, ``in_run``, ``month`` and ``hour`` of the dates; attributes
        ``step`` (seconds), ``runs`` (of two dates or more), ``longest_run``, ``thin``.
    """
    runs = date_runs(_times(systems))
    usable = runs.lengths[runs.lengths > 1]
    longest = int(usable.max(initial=1))
    # Of few pairs a correlation says little, and what it says is biased downwards.
    lags = sum(len(runs.pairs(lag)) >= config.fewest_pairs for lag in range(1, LAGS + 1))
    segment = 2 ** int(math.log2(min(longest, SEGMENT)))
    segment = segment if segment >= SEGMENT // 8 else 0
    thin = _thin(systems)
    parts = {}
    for key, spec in systems.specs.items():
        threshold = _threshold(spec, systems.observed_sample(key))
        found = {name: TemporalStatistics(runs, threshold, thin) for name in systems.names}
        observed = TemporalStatistics(runs, threshold, thin)
        for block in systems.blocks(key):
            observed.add(block.observed.expand_dims("member", axis=1))
            for name, values in block.members.items():
                found[name].add(values)
        seen = observed.finish(lags, segment)
        part = join_systems({name: one.finish(lags, segment).drop_vars("n") for name, one in found.items()})
        renamed = seen.drop_vars("n").rename({name: f"observed_{name}" for name in seen.data_vars if name != "n"})
        parts[key] = xr.merge([part, renamed], join="outer", compat="no_conflicts").assign(
            n=seen["n"], event_threshold=threshold
        )
    results = join_targets("temporal", parts, systems)
    months, hours = _months_and_hours(systems.times)
    results = results.assign(
        follows=("time", runs.follows.astype(np.int8)),
        in_run=("time", (runs.lengths > 1)[runs.run].astype(np.int8)),
        month=("time", months),
        hour=("time", hours),
    )
    results.attrs.update(step=runs.step, runs=len(usable), longest_run=longest, thin=thin)
    return results


def _times(systems: Systems) -> np.ndarray:
    """The common dates as the observations' times: their calendar tells which are neighbours."""
    saved = systems.saved[systems.observer or systems.names[0]]
    position = {time: index for index, time in enumerate(saved.times_of("target"))}
    return saved.groups["target"]["time"].values[[position[time] for time in systems.times]]


def _months_and_hours(times: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """From the ISO labels, which every calendar has."""
    month = np.array([int(time.split("T")[0].split("-")[-2]) for time in times])
    clock = [time.partition("T")[2].split(":") for time in times]
    return month, np.array([int(part[0] or 0) + (int(part[1]) / 60 if len(part) > 1 else 0.0) for part in clock])


def _thin(systems: Systems) -> int:
    per_pixel = 4 * len(systems.times) * (1 + sum(systems.members(name) for name in systems.names))
    return max(1, math.ceil(math.sqrt(per_pixel * float(np.prod(systems.shape)) / SERIES_BYTES)))


def _threshold(spec: VariableSpec, sample: np.ndarray) -> float:
    if spec.wet_threshold is not None:
        return float(spec.wet_threshold)
    return float(f"{np.quantile(sample, EVENT_QUANTILE):.4g}")


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Autocorrelation and spectrum, spells, transitions, map of the lag-1 autocorrelation, cycles; or why not."""
    from stride_eval.plots import cycles, memory, memory_map, spells, temporal_note, transitions

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        if results.attrs["runs"] == 0:
            figures.append(temporal_note.figure(one, spec, about, config))
        else:
            lags = "lag" in results.dims
            figures.append((memory if lags else temporal_note).figure(one, spec, about, config))
            figures.append(spells.figure(one, spec, about, config))
            if config.all_figures:
                figures.append(transitions.figure(one, spec, about, config))
                figures += [memory_map.figure(one, spec, about, config)] if lags else []
        if config.all_figures and len(np.unique(one["month"])) > 2:
            figures.append(cycles.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """Lag-1 autocorrelation, P(event after event) and mean spell length, each against the observed one."""
    about = Provenance.of(results)
    if not results.attrs.get("runs", 0):
        return []
    rows: list[Score] = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        paired = one.isel(time=np.flatnonzero(one["follows"].values > 0))
        if not paired.sizes["time"]:  # a season without neighbours
            continue
        word = event_word(spec)
        definitions: dict[str, tuple[xr.Dataset, str, str, Best, str]] = {}
        if "lag" in results.dims:
            definitions["lag1_difference"] = (
                _with_observed(paired.sel(lag=1, drop=True), ["lag_product", "lag_power"]),
                "Lag-1 correlation less observed", "1", "zero",
                "Correlation of a pixel's values on consecutive dates, pooled over members and "
                + ("all pixels" if results.attrs["thin"] == 1 else f"every {results.attrs['thin']}th row and column")
                + ", less the observed one; the seasonal cycle is in both. n counts pairs of dates.",
            )  # fmt: skip
        definitions |= {
            "persistence_difference": (
                100.0 * _with_observed(paired, ["event_event", "event_none"]),
                f"P({word} after {word}) less observed", "points", "zero",
                f"Share of {word} pixels that are {word} again on the next date, less the observed share, in "
                f"percentage points ({word}: at least {float(one['event_threshold']):g} {spec.units}). n counts pairs "
                "of dates.",
            ),
            "spell_length_ratio": (
                _with_observed(one.isel(time=np.flatnonzero(one["in_run"].values > 0)), ["events", "starts"]),
                f"{word.capitalize()} spell length", "1", "one",
                f"Mean length of {word} spells over the observed one; the ends of unbroken runs of dates cut spells in "
                "both. n counts dates in runs.",
            ),
        }  # fmt: skip
        statistics = {
            "lag1_difference": lambda m: (
                _ratio(m["lag_product"], m["lag_power"]) - _ratio(m["observed_lag_product"], m["observed_lag_power"])
            ),
            "persistence_difference": lambda m: 100.0 * (
                _ratio(m["event_event"], m["event_event"] + m["event_none"])
                - _ratio(m["observed_event_event"], m["observed_event_event"] + m["observed_event_none"])
            ),
            "spell_length_ratio": lambda m: _ratio(
                _ratio(m["events"], m["starts"]), _ratio(m["observed_events"], m["observed_starts"])
            ),
        }  # fmt: skip
        for name, (sums, label, units, best, definition) in definitions.items():
            found = interval(sums, statistics[name], config)
            for system in about.systems:
                here = found.sel(system=system)
                rows.append(
                    Score(
                        system, key, name, label, units, *numbers(here),
                        n=int(here["n"]), best=best, definition=definition, resampled=resampled(here),
                    )
                )  # fmt: skip
    return rows


def _with_observed(results: xr.Dataset, names: list[str]) -> xr.Dataset:
    return results[[*names, *(f"observed_{name}" for name in names)]]


def _ratio(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    return a / b.where(b > 0)
