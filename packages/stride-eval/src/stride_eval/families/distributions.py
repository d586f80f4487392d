"""Whether the values themselves are right: distribution, quantiles, wet-day frequency and intensity."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.binning import counts_per_date, fine_edges
from stride_eval.families.distribution_scores import distance_scores
from stride_eval.families.intervals import interval, numbers, resampled
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.wet_day import wet_day_frequency, wet_day_intensity
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Systems

TITLE = "Distributions"

POOLED = ("member", "y", "x")


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Counts of values per date in fine bins, and wet days.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target and time, for each system and (``observed_...``) the observation: ``counts`` along bin, members and
        pixels pooled; ``wet_frequency``, the share of values at or above ``wet_threshold``, and ``wet_amount``, that
        share times their mean (NaN for variables without wet threshold); ``edges`` of the bins.
    """
    parts = {}
    for key, spec in systems.specs.items():
        edges = fine_edges(systems.observed_sample(key), spec)

        def statistics(
            field: xr.DataArray, edges: np.ndarray = edges, threshold: float | None = spec.wet_threshold
        ) -> xr.Dataset:
            result = xr.Dataset({"counts": counts_per_date(field, edges)})
            none = xr.full_like(result["counts"].isel(bin=0), np.nan)
            frequency = none if threshold is None else wet_day_frequency(field, threshold=threshold, dim=POOLED)
            intensity = none if threshold is None else wet_day_intensity(field, threshold=threshold, dim=POOLED)
            amount = none if threshold is None else frequency * intensity.fillna(0.0)
            return result.assign(wet_frequency=frequency, wet_amount=amount)

        blocks = []
        for block in systems.blocks(key):
            observed = statistics(block.observed)
            observed = observed.rename({name: f"observed_{name}" for name in observed.data_vars})
            blocks.append(
                join_systems({name: statistics(field) for name, field in block.members.items()}).merge(observed)
            )
        parts[key] = join_blocks(blocks).assign(
            edges=("edge", edges), wet_threshold=np.nan if spec.wet_threshold is None else spec.wet_threshold
        )
    return join_targets("distributions", parts, systems)


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Distribution and quantiles; wet-day frequency and intensity."""
    from stride_eval.plots import distribution, wet_days

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        figures.append(distribution.figure(results.sel(target=key), spec, about, config))
        if spec.wet_threshold is not None:
            figures.append(wet_days.figure(results.sel(target=key), spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """Wet fraction against the observed one; distances of the pooled distributions."""
    about = Provenance.of(results)
    rows: list[Score] = []
    for key, spec in about.specs.items():
        if spec.wet_threshold is None:
            continue
        one = results.sel(target=key)
        # Sums over pixels, so that dates with more of them weigh more: shares of all values, not means of daily shares.
        n = one["observed_counts"].fillna(0.0).sum("bin")
        days = xr.Dataset(
            {
                name: 100.0 * one[source] * n
                for name, source in (("wet", "wet_frequency"), ("observed", "observed_wet_frequency"))
            }
        ).assign(n=n)
        definition = (
            f"Share of values of at least {spec.wet_threshold:g} {spec.units}, members and pixels pooled; "
            "beside it the difference from the observed share, in percentage points."
        )
        share, difference = (
            interval(days, lambda m: m["wet"] / m["n"].where(m["n"] > 0), config),
            interval(days, lambda m: (m["wet"] - m["observed"]) / m["n"].where(m["n"] > 0), config),
        )
        seen = interval(days[["observed", "n"]], lambda m: m["observed"] / m["n"].where(m["n"] > 0), config)
        for name in ("observed", *about.systems):
            found = seen if name == "observed" else share.sel(system=name)
            rows.append(
                Score(
                    name,
                    key,
                    "wet_fraction",
                    "Wet fraction",
                    "%",
                    *numbers(found),
                    n=int(found["n"]),
                    definition=definition,
                )
            )
            if name != "observed":
                found = difference.sel(system=name)
                rows.append(
                    Score(
                        name, key, "wet_fraction_difference", "Wet fraction less observed", "points", *numbers(found),
                        n=int(found["n"]), best="zero", beside="wet_fraction", resampled=resampled(found),
                    )
                )  # fmt: skip
    return rows + distance_scores(results, about, config)
