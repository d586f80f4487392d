"""Parts of scores of one system, with intervals: what the tables and figures of calibration show."""

from __future__ import annotations

import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.metrics.brier_decomposition import brier_decomposition
from stride_eval.metrics.climate_uncertainty import climate_uncertainty, common_classes
from stride_eval.metrics.corp import corp_decomposition
from stride_eval.metrics.hersbach import hersbach_decomposition
from stride_eval.metrics.interval_coverage import interval_coverage
from stride_eval.metrics.rank_components import rank_components, rank_convexity, rank_slope
from stride_eval.metrics.roc import roc_area

ORDER_SUMS = ("above", "below", "n_above", "n_below")
"""Sums of the ordered members that a result holds, each after ``order_``."""


def crps_parts(one: xr.Dataset, name: str, members: int, config: EvalConfig) -> xr.Dataset:
    """Interval of a system's ``reliability``, ``potential``, ``resolution`` and ``uncertainty``, along ``part``."""
    groups = xr.Dataset({key: one[f"climate_{key}"] for key in ("value", "count")})
    classes = common_classes(groups).rename(counts="class_counts", sums="class_sums")
    own = _order_sums(one, name, members).assign(classes.assign_coords(time=one["time"]).data_vars)

    def parts(m: xr.Dataset) -> xr.DataArray:
        found = hersbach_decomposition(m)
        uncertainty = climate_uncertainty(m["class_counts"], m["class_sums"])
        return _parts(
            reliability=found["reliability"],
            potential=found["potential"],
            resolution=uncertainty - found["potential"],
            uncertainty=uncertainty,
        )

    return interval(own, parts, config)


def coverage_parts(one: xr.Dataset, name: str, members: int, level: float, config: EvalConfig) -> xr.Dataset:
    """``coverage``, ``closed``, ``nominal`` (shares), ``error`` (points), ``width``, with intervals, along ``part``."""
    own = _order_sums(one, name, members).assign(ranks=_ranks(one, name, members))

    def parts(m: xr.Dataset) -> xr.DataArray:
        found = interval_coverage(m, m["ranks"], level=level)
        return _parts(
            coverage=found["coverage"],
            closed=found["closed"],
            nominal=found["nominal"],
            error=100.0 * (found["coverage"] - found["nominal"]),
            width=found["width"],
        )

    return interval(own, parts, config)


def rank_parts(one: xr.Dataset, name: str, members: int, config: EvalConfig) -> xr.Dataset:
    """Interval of the ``slope`` and ``convexity`` of a system's rank histogram, along ``part``."""
    return interval(
        _ranks(one, name, members).to_dataset(name="ranks"),
        lambda m: _parts(slope=rank_slope(m["ranks"]), convexity=rank_convexity(m["ranks"])),
        config,
    )


def rank_test(one: xr.Dataset, name: str, members: int, config: EvalConfig) -> xr.Dataset:
    """A system's rank histogram tested against flat, with dates in blocks as the bootstrap has them."""
    counts = _ranks(one, name, members)
    return rank_components(counts, block_length=config.resolved_block_length(counts.sizes["time"]))


def event_counts(one: xr.Dataset, name: str, members: int, index: int) -> xr.DataArray:
    """Pixels of each date by outcome and number of members, for one system and threshold."""
    counts = one["value_counts"].sel(system=name, drop=True).isel(threshold=index, k=slice(0, members + 1))
    return counts.fillna(0.0)


def event_parts(one: xr.Dataset, name: str, members: int, index: int, config: EvalConfig) -> xr.Dataset:
    """Interval of all that is said of an event, along ``part``.

    ``brier``, ``miscalibration``, ``discrimination``, ``uncertainty`` (isotonic), ``reliability``, ``resolution`` (by
    number of members), ``area`` under the ROC curve.
    """

    def parts(m: xr.Dataset) -> xr.DataArray:
        classes = brier_decomposition(m["counts"])
        found = {str(key): values for key, values in corp_decomposition(m["counts"]).items()}
        return _parts(
            **found,
            reliability=classes["reliability"],
            resolution=classes["resolution"],
            area=roc_area(m["counts"]),
        )

    return interval(event_counts(one, name, members, index).to_dataset(name="counts"), parts, config)


def _parts(**parts: xr.DataArray) -> xr.DataArray:
    """Several scores as one array along ``part``, so that they share a bootstrap."""
    return xr.Dataset({name: values.drop_attrs() for name, values in parts.items()}).to_dataarray("part")


def _order_sums(one: xr.Dataset, name: str, members: int) -> xr.Dataset:
    own = one[[f"order_{key}" for key in ORDER_SUMS]].sel(system=name, drop=True).isel(order=slice(0, members))
    sums = own.rename({f"order_{key}": key for key in ORDER_SUMS}).assign(n=one["n"])
    return sums.fillna(0.0).drop_vars("order", errors="ignore")


def _ranks(one: xr.Dataset, name: str, members: int) -> xr.DataArray:
    counts = one["rank_counts"].sel(system=name, drop=True).isel(rank=slice(0, members + 1))
    return counts.fillna(0.0).drop_vars("rank", errors="ignore")
