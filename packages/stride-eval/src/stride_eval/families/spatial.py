"""Where the systems are right: maps of mean, bias, error, spread and wet days."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.ensemble_moments import ensemble_moments
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block, Systems

TITLE = "Maps"


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Maps over the common dates.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target, y and x, for each system: ``mean`` of the ensemble mean, ``bias``, ``rmse`` of the ensemble mean,
        ``spread`` (root of the mean variance, ddof = 1; NaN for one member), ``wet_frequency``; ``observed_mean``,
        ``observed_wet_frequency``, ``n`` dates, and ``land`` where a land fraction was saved.
    """
    parts = {}
    land = systems.static("lsm")
    for key, spec in systems.specs.items():
        blocks = [
            join_systems({name: _sums(block, name, spec.wet_threshold) for name in systems.names}).merge(
                _observed_sums(block, spec.wet_threshold)
            )
            for block in systems.blocks(key)
        ]
        total = join_blocks(blocks)
        count = total["n"].where(total["n"] > 0)
        part = xr.Dataset(
            {
                "mean": total["forecast"] / count,
                "bias": (total["forecast"] - total["observed"]) / count,
                "rmse": np.sqrt(total["squared_error"] / count),
                "spread": np.sqrt(total["variance"] / count),
                "wet_frequency": total["wet"] / count,
                "observed_mean": total["observed"] / count,
                "observed_wet_frequency": total["observed_wet"] / count,
                "n": total["n"],
            }
        )
        for name in ("mean", "bias", "rmse", "spread", "observed_mean"):
            part[name].attrs["units"] = spec.units
        parts[key] = part if land is None else part.assign(land=(("y", "x"), land))
    return join_targets("spatial", parts, systems)


def _sums(block: Block, name: str, wet_threshold: float | None) -> xr.Dataset:
    """One system's sums over the block's dates."""
    forecast, observed = block.members[name], block.observed
    moments = ensemble_moments(forecast, member_dim="member")
    wet = xr.full_like(moments["mean"], np.nan) if wet_threshold is None else (forecast >= wet_threshold).mean("member")
    fields = {
        "forecast": moments["mean"],
        "squared_error": (moments["mean"] - observed) ** 2,
        "variance": moments["variance"],
        "wet": wet.where(observed.notnull()),
    }
    # At least one value: a map of one member's variance stays missing, it does not become zero.
    return xr.Dataset({key: field.sum("time", min_count=1) for key, field in fields.items()})


def _observed_sums(block: Block, wet_threshold: float | None) -> xr.Dataset:
    observed = block.observed.astype(np.float64)
    wet = (
        xr.full_like(observed, np.nan)
        if wet_threshold is None
        else (observed >= wet_threshold).where(observed.notnull())
    )
    return xr.Dataset(
        {
            "observed": observed.sum("time", min_count=1),
            "observed_wet": wet.astype(np.float64).sum("time", min_count=1),
            "n": observed.notnull().sum("time"),
        }
    )


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Means and biases; errors and spreads."""
    from stride_eval.plots import bias_maps, error_maps

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        figures.append(bias_maps.figure(one, spec, about, config))
        if config.all_figures:
            figures.append(error_maps.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """None: maps have no single number."""
    return []
