"""How good the ensembles are as probabilities: CRPS, spread against error, ranks of the observed value."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families import calibration, decisions, dependence, multivariate
from stride_eval.families.ensemble_size import OF_EQUAL_SIZE
from stride_eval.families.intervals import Statistic, daily_sums, interval, resampled
from stride_eval.families.thresholds import event_thresholds
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.crps import crps_ensemble
from stride_eval.metrics.ensemble_moments import ensemble_moments
from stride_eval.metrics.rank_histogram import rank_histogram
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Best, Score
from stride_eval.systems import Block, Systems

TITLE = "Probabilities"

PIXELS = ("y", "x")

PARTS = (calibration, multivariate, decisions)
"""Modules with ``statistics``, ``figures`` and ``scores``; each adds its own to the family."""


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Scores of probability per date.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target, system and time, as means over pixels: ``crps`` (fair; the absolute error for one member),
        ``variance`` (ddof = 1), ``squared_error`` and ``error`` of the ensemble mean, ``forecast_mean``,
        ``observed_mean``; ``rank_counts`` along rank with ``tied`` and ``all_tied``; ``n`` pixels. A map ``crps_map``;
        ``land`` where a land fraction was saved; ``thresholds`` of events; the observed ``climate_value`` and
        ``climate_count`` of each date; what the ``PARTS`` add.
    """
    parts = {}
    land = systems.static("lsm")
    for key, spec in systems.specs.items():
        thresholds = event_thresholds(key, spec, systems.observed_sample(key), config)
        blocks = [
            join_systems({name: _all_statistics(block, name, spec, thresholds, config) for name in systems.names})
            .assign(n=_pixels(block))
            .assign(calibration.climate(block).data_vars)
            for block in systems.blocks(key)
        ]
        part = join_blocks(blocks).assign(thresholds=("threshold", thresholds))
        part = part if land is None else part.assign(land=(("y", "x"), land))
        parts[key] = part.assign(
            crps_map=part["crps_sum"] / part["crps_count"].where(part["crps_count"] > 0)
        ).drop_vars(["crps_sum", "crps_count"])
        for name in ("crps", "forecast_mean", "observed_mean", "error", "crps_map"):
            parts[key][name].attrs["units"] = spec.units
    return join_targets("probabilistic", parts, systems).assign(dependence.joint(systems, config).data_vars)


def _pixels(block: Block) -> xr.DataArray:
    return block.observed.notnull().sum(PIXELS)


def _all_statistics(
    block: Block, name: str, spec: VariableSpec, thresholds: np.ndarray, config: EvalConfig
) -> xr.Dataset:
    """One system's own statistics and those of the parts."""
    added = [part.statistics(block, name, spec, thresholds, config) for part in PARTS]
    return xr.merge([_statistics(block, name), *added], compat="override", join="exact")


def _statistics(block: Block, name: str) -> xr.Dataset:
    """One system's means over the pixels of each date."""
    forecast, observed = block.members[name], block.observed
    crps = crps_ensemble(forecast, observed, member_dim="member", estimator="auto")
    moments = ensemble_moments(forecast, member_dim="member")
    error = moments["mean"] - observed
    ranks = rank_histogram(forecast, observed, member_dim="member", dim=PIXELS)
    return xr.Dataset(
        {
            "crps": mean(crps, dim=PIXELS),
            "variance": mean(moments["variance"], dim=PIXELS),
            "squared_error": mean(error**2, dim=PIXELS),
            "error": mean(error, dim=PIXELS),
            "forecast_mean": mean(moments["mean"], dim=PIXELS),
            "observed_mean": mean(observed, dim=PIXELS),
            "crps_sum": crps.fillna(0.0).sum("time"),
            "crps_count": crps.notnull().sum("time"),
            "rank_counts": ranks["counts"],
            "tied": ranks["n_tied"],
            "all_tied": ranks["n_all_tied"],
        }
    )


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """CRPS with intervals and per date, spread against error, rank histograms."""
    from stride_eval.plots import crps, crps_maps, ranks, spread_error

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        figures.append(crps.figure(one, spec, about, config))
        if about.ensembles:
            figures += [spread_error.figure(one, spec, about, config), ranks.figure(one, spec, about, config)]
        if config.all_figures:
            figures.append(crps_maps.figure(one, spec, about, config))
        for part in (*PARTS, dependence):
            figures += part.figures(one, spec, about, config)
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """CRPS, its skill, bias, error of the mean, spread-skill ratio."""
    about = Provenance.of(results)
    rows: list[Score] = []
    for key, spec in about.specs.items():
        sums = daily_sums(results.sel(target=key), ["crps", "variance", "squared_error", "error", "observed_mean"])
        members = xr.DataArray([about.members[name] for name in about.systems], dims="system")
        definitions = _definitions(spec.units, about.reference)
        for name, statistic in _statistics_of_sums(about.reference, members).items():
            if name == "bias_percent" and not is_amount(spec):
                continue
            found = interval(sums, statistic, config)
            label, units, best, definition = definitions[name]
            for system in about.systems:
                if name == "crps_skill" and system == about.reference:
                    continue
                one = found.sel(system=system)
                alone = about.members[system] == 1
                rows.append(
                    Score(
                        system=system,
                        target=key,
                        name=name,
                        label=label,
                        units=units,
                        value=float(one["estimate"]),
                        lower=float(one["lower"]),
                        upper=float(one["upper"]),
                        n=int(one["n"]),
                        best=best,
                        estimator={"crps": "MAE (one member)" if alone else "fair"}.get(name, ""),
                        definition=definition,
                        beside="bias" if name == "bias_percent" else "",
                        reference_value=0.0 if name == "crps_skill" else np.nan,
                        resampled=resampled(one),
                    )
                )
        for part in (*PARTS, dependence):
            rows += part.scores(results.sel(target=key), spec, about, config)
    return rows


def _definitions(units: str, reference: str | None) -> dict[str, tuple[str, str, Best | None, str]]:
    """Score -> label, units, what is good, definition."""
    return {
        "crps": (
            "CRPS", units, "low",
            "Continuous ranked probability score, fair form: mean distance of the members from the observation, less "
            "half the mean "
            "distance between members. For one member it is the mean absolute error.",
        ),
        "crps_skill": (
            "CRPS skill", "1", "high",
            f"1 less the ratio of the mean CRPS to that of the reference {reference!r}; the interval is paired by "
            "date.",
        ),
        "bias": ("Bias", units, "zero", "Mean of the ensemble mean less the observed mean."),
        "bias_percent": ("Bias %", "%", "zero", "Bias as a percentage of the observed mean."),
        "rmse": (
            "RMSE of mean", units, "low",
            "Root of the mean squared error of the ensemble mean. "
            f"The mean of few members errs by their sampling too: {OF_EQUAL_SIZE}.",
        ),
        "spread_skill": (
            "Spread / error", "1", "one",
            "Root of the mean ensemble variance (ddof = 1) over the unbiased error of the ensemble mean, the root of "
            "its squared error "
            "less variance/M. Below 1: too sure of itself.",
        ),
    }  # fmt: skip


def _statistics_of_sums(reference: str | None, members: xr.DataArray) -> dict[str, Statistic]:
    """Score -> how it is made of means over dates."""

    def spread_skill(m: xr.Dataset) -> xr.DataArray:
        unbiased = (m["squared_error"] - m["variance"] / members) / m["n"]
        error = unbiased.where((members > 1) & (unbiased > 0)) ** 0.5
        return (m["variance"] / m["n"]) ** 0.5 / error

    table: dict[str, Statistic] = {"crps": lambda m: m["crps"] / m["n"]}
    if reference is not None:
        table["crps_skill"] = lambda m: 1.0 - m["crps"] / m["crps"].sel(system=reference, drop=True)
    return table | {
        "bias": lambda m: m["error"] / m["n"],
        "bias_percent": lambda m: 100.0 * m["error"] / m["observed_mean"].where(m["observed_mean"] != 0),
        "rmse": lambda m: np.sqrt(m["squared_error"] / m["n"]),
        "spread_skill": spread_skill,
    }
