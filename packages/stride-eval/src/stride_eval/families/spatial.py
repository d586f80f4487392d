"""Where the systems are right: maps of mean, bias, error, correlation, spread and wet days; correlation by distance."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.bias_significance import ALPHA, BlockMeans, block_length, significant
from stride_eval.families.pixel_pairs import PairSeries
from stride_eval.grid import spacing
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.correlogram import correlogram_components
from stride_eval.metrics.ensemble_moments import ensemble_moments
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block, Systems

TITLE = "Maps"

OF_ALL_DATES = ("bias_significant",)


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Maps over the common dates.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target, y and x, for each system: ``mean`` of the ensemble mean, ``bias``, ``rmse`` of the ensemble mean,
        ``spread`` (root of the mean variance, ddof = 1; NaN for one member), ``wet_frequency``, ``correlation`` of
        the ensemble mean with the observation over the dates, ``bias_p`` (p-value of no bias, from blocks of dates);
        ``observed_mean``, ``observed_wet_frequency``, ``n`` dates, and ``land`` where a land fraction was saved. Along
        time and distance, ``product`` and ``power`` of anomalies at pairs of pixels, and ``observed_...``. Attributes:
        ``pairs``, ``length_unit``, ``test_block``, dates of a block.
    """
    parts, pairs = {}, 0
    land = systems.static("lsm")
    length = block_length(len(systems.times))
    for key, spec in systems.specs.items():
        series = PairSeries(systems, key)
        means = {name: BlockMeans(systems.shape, length) for name in systems.names}
        blocks = []
        for block in systems.blocks(key):
            sums = {name: _sums(block, name, spec.wet_threshold) for name in systems.names}
            blocks.append(join_systems(sums).merge(_observed_sums(block, spec.wet_threshold)))
            series.add(block)
            for name, members in block.members.items():
                means[name].add((members.mean("member", dtype=np.float64) - block.observed).values)
        total = join_blocks(blocks)
        count = total["n"].where(total["n"] > 0)
        part = xr.Dataset(
            {
                "mean": total["forecast"] / count,
                "bias": (total["forecast"] - total["observed"]) / count,
                "rmse": np.sqrt(total["squared_error"] / count),
                "spread": np.sqrt(total["variance"] / count),
                "wet_frequency": total["wet"] / count,
                "correlation": _correlation(total, count, config.fewest_pairs),
                "bias_p": (("system", "y", "x"), np.array([means[name].p_value() for name in systems.names])),
                "observed_mean": total["observed"] / count,
                "observed_wet_frequency": total["observed_wet"] / count,
                "n": total["n"],
            }
        )
        for name in ("mean", "bias", "rmse", "spread", "observed_mean"):
            part[name].attrs["units"] = spec.units
        if series.pairs.distance.size:
            part = part.merge(series.per_date(lambda a, b: correlogram_components(a, b, dim="time")), join="exact")
            pairs = series.limit
        parts[key] = part if land is None else part.assign(land=(("y", "x"), land))
    results = join_targets("spatial", parts, systems)
    results.attrs.update(pairs=pairs, length_unit=spacing(*systems.axes).unit, test_block=length)
    return results


def _correlation(total: xr.Dataset, count: xr.DataArray, fewest: int) -> xr.DataArray:
    """Of sums over dates; NaN for fewer dates than ``fewest``, or where either does not vary."""
    f, o = total["forecast"] / count, total["observed"] / count
    powers = (total["forecast_squared"] / count, f), (total["observed_squared"] / count, o)
    variances = [power - mean**2 for power, mean in powers]
    # Equal values leave rounding errors, which are no variance.
    varies = [variance > 1e-12 * power for variance, (power, _) in zip(variances, powers, strict=True)]
    product = (variances[0] * variances[1]).where(varies[0] & varies[1] & (count >= max(fewest, 3)))
    return ((total["product"] / count - f * o) / np.sqrt(product)).clip(-1.0, 1.0)


def _sums(block: Block, name: str, wet_threshold: float | None) -> xr.Dataset:
    """One system's sums over the block's dates."""
    forecast, observed = block.members[name], block.observed
    moments = ensemble_moments(forecast, member_dim="member")
    wet = xr.full_like(moments["mean"], np.nan) if wet_threshold is None else (forecast >= wet_threshold).mean("member")
    fields = {
        "forecast": moments["mean"],
        "forecast_squared": moments["mean"] ** 2,
        "product": moments["mean"] * observed,
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
            "observed_squared": (observed**2).sum("time", min_count=1),
            "observed_wet": wet.astype(np.float64).sum("time", min_count=1),
            "n": observed.notnull().sum("time"),
        }
    )


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Means and biases; errors, correlations and spreads; correlation by distance."""
    from stride_eval.plots import bias_maps, correlogram, error_maps

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        figures.append(bias_maps.figure(one, spec, about, config))
        if config.all_figures:
            figures.append(error_maps.figure(one, spec, about, config))
            if "product" in one and bool((one["observed_power"] > 0).any()):
                figures.append(correlogram.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """Share of pixels whose bias is more than chance; none where the dates make too few blocks for a test."""
    about = Provenance.of(results)
    rows: list[Score] = []
    for key in about.specs:
        p = results["bias_p"].sel(target=key)
        tested = p.notnull().sum(("y", "x"))
        if not bool((tested > 0).any()):
            continue
        share = 100.0 * significant(p).sum(("y", "x")) / tested.where(tested > 0)
        for name in about.systems:
            rows.append(
                Score(
                    name, key, "bias_significant", "Pixels with bias", "%", float(share.sel(system=name)),
                    n=len(about.dates), best="low",
                    definition="Share of pixels whose mean bias is more than chance: Student's test on the means of "
                    f"blocks of {int(results.attrs['test_block'])} dates, false discovery rate {ALPHA:g} over the map "
                    f"(a field significance of about {ALPHA / 2:g}, for neighbouring pixels are alike).",
                )
            )  # fmt: skip
    return rows
