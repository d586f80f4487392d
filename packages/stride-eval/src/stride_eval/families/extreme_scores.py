"""Rows of the summary table about extremes: each with the observed value and the difference from it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.config import EvalConfig
from stride_eval.families.index_names import maximum_label, minimum_label
from stride_eval.families.intervals import Statistic, interval, numbers, resampled
from stride_eval.families.return_levels import THRESHOLD_LEVEL, block_interval, peak_levels
from stride_eval.families.wet_percentiles import PERCENTILES
from stride_eval.provenance import Provenance
from stride_eval.scores import Score

OF_ALL_DATES = tuple(
    name + suffix
    for name in ("block_maximum", "block_minimum", "five_day", "return_level")
    for suffix in ("", "_difference")
)
"""What follows from blocks of dates, which a season cuts apart, and the return level: its threshold and its period are
chosen for all dates, and from the few of a season it would be extrapolated further than dates allow."""


def compared(
    found: dict[str, xr.Dataset],
    about: Provenance,
    target: str,
    spec: VariableSpec,
    *,
    name: str,
    label: str,
    units: str,
    definition: str,
) -> list[Score]:
    """Rows of the observation and of each system, and the systems' differences beside them.

    Args:
        found: "observed", "value" and "difference", each with estimate and interval.
        about: what the results are of.
        target: key of the variable.
        spec: of the variable.
        name: of the score.
        label: for people.
        units: of the value; differences of amounts are in per cent.
        definition: one sentence.
    """
    rows = []
    for system in ("observed", *about.systems):
        value = found["observed"] if system == "observed" else found["value"].sel(system=system)
        rows.append(
            Score(system, target, name, label, units, *numbers(value), n=int(value["n"].max()), definition=definition)
        )
        if system != "observed":
            value = found["difference"].sel(system=system)
            rows.append(
                Score(
                    system, target, f"{name}_difference", f"{label} less observed", "%" if is_amount(spec) else units,
                    *numbers(value), n=int(value["n"].max()), best="zero", beside=name, resampled=resampled(value),
                )
            )  # fmt: skip
    return rows


def difference_from(observed: Statistic, value: Statistic, relative: bool) -> Statistic:
    """The difference of two statistics, in per cent of the first or plain."""

    def difference(means: xr.Dataset) -> xr.DataArray:
        seen = observed(means)
        apart = value(means) - seen
        return 100.0 * apart / seen.where(seen > 0) if relative else apart

    return difference


def wet_amount_scores(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """R95p and R99p."""
    if "amount_above" not in one:
        return []
    rows: list[Score] = []
    for place, percentile in enumerate(PERCENTILES):
        here = one[["amount_above", "observed_amount_above", "amount_n"]].isel(percentile=place)
        n = here["amount_n"].fillna(0)
        if not bool((n > 0).any()):
            continue
        days = xr.Dataset(
            {name: (here[name] * n).fillna(0.0) for name in ("amount_above", "observed_amount_above")}
        ).assign(n=n)
        statistics: dict[str, Statistic] = {
            "observed": lambda m: m["observed_amount_above"] / m["n"].where(m["n"] > 0),
            "value": lambda m: m["amount_above"] / m["n"].where(m["n"] > 0),
        }
        statistics["difference"] = difference_from(statistics["observed"], statistics["value"], relative=True)
        found = {
            name: interval(days[["observed_amount_above", "n"]] if name == "observed" else days, statistic, config)
            for name, statistic in statistics.items()
        }
        shared = bool(one["percentile_pooled"].isel(percentile=place) == 1)
        whose = (
            "of all observed wet values together, for the record is too short for each pixel's own"
            if shared
            else "of the pixel's observed wet dates"
        )
        rows += compared(
            found, about, str(one["target"].item()), spec,
            name=f"r{100 * percentile:g}p", label=f"R{100 * percentile:g}p", units=spec.units,
            definition=f"Amount that falls on dates at or above the {100 * percentile:g}th percentile {whose}, "
            "averaged over all dates, pixels and members (ETCCDI); beside it the difference from the observed one.",
        )  # fmt: skip
    return rows


def block_scores(
    one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig, block_name: str
) -> list[Score]:
    """Maxima, minima and largest sums over five dates, per block of dates."""
    amount = is_amount(spec)
    short = spec.units.removesuffix(" day-1")
    every = f"of each {block_name}" if one.sizes["block"] > 1 else f"of {block_name}"
    words = {
        "block_maximum": (maximum_label(spec, about.dates), spec.units, "Largest value"),
        "block_minimum": (minimum_label(spec, about.dates), spec.units, "Smallest value"),
        "block_five_day": ("Largest 5-day sum (Rx5day)", short, "Largest sum of five consecutive dates"),
    }
    rows: list[Score] = []
    for variable, (label, units, what) in words.items():
        if variable not in one or not bool(one[f"observed_{variable}"].notnull().any()):
            continue
        blocks = one[[variable, f"observed_{variable}"]]
        statistics: dict[str, Statistic] = {
            "observed": lambda m, name=variable: m[f"observed_{name}"],
            "value": lambda m, name=variable: m[name],
        }
        statistics["difference"] = difference_from(statistics["observed"], statistics["value"], amount)
        found = {
            name: block_interval(blocks[[f"observed_{variable}"]] if name == "observed" else blocks, statistic, config)
            for name, statistic in statistics.items()
        }
        rows += compared(
            found, about, str(one["target"].item()), spec,
            name="five_day" if variable == "block_five_day" else variable, label=label, units=units,
            definition=f"{what} {every} at a pixel, averaged over pixels, members"
            + (" and blocks; n counts blocks, which the interval draws" if one.sizes["block"] > 1 else "")
            # Of 5, 8 and 20 blocks a 95 % interval of a Gumbel law's mean holds it in 83, 88 and 91 of 100 draws.
            + (" (of so few it is too narrow)" if 1 < one.sizes["block"] < 20 else "")
            + "; beside it the difference from the observed one.",
        )  # fmt: skip
    return rows


def return_level_score(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """The level reached once in a round number of dates, by peaks over a threshold."""
    if not np.isfinite(one["peak_threshold"]):
        return []
    period = float(one["summary_period"])
    days, statistics = peak_levels(one, np.array([period]))
    statistics = {"observed": statistics["observed"], "value": statistics["level"]}
    statistics["difference"] = difference_from(statistics["observed"], statistics["value"], is_amount(spec))
    observed = ["observed_counts", "all_observed_counts"]
    found = {
        name: interval(days[observed] if name == "observed" else days, statistic, config).isel(period=0)
        for name, statistic in statistics.items()
    }
    return compared(
        found, about, str(one["target"].item()), spec,
        name="return_level", label=f"Return level, {period:,.0f} dates", units=spec.units,
        definition=f"Value that a pixel reaches once in {period:,.0f} dates on average: generalised Pareto law, fitted "
        f"by L-moments to what exceeds {float(one['peak_threshold']):.3g} {spec.units} (the observed "
        f"{100 * THRESHOLD_LEVEL:g} % quantile), members and pixels pooled; beside it the difference from the observed "
        "one.",
    )  # fmt: skip
