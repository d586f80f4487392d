"""Parts of scores of one system, with intervals: what the tables and figures of calibration show."""

from __future__ import annotations

import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import Statistic, interval
from stride_eval.metrics.brier import brier_score_from_counts
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
        found = hersbach_decomposition(m[[*ORDER_SUMS, "n"]])
        uncertainty = climate_uncertainty(m["class_counts"], m["class_sums"])
        return _parts(
            reliability=found["reliability"],
            potential=found["potential"],
            resolution=uncertainty - found["potential"],
            uncertainty=uncertainty,
        )

    return _interval(own, parts, config)


def coverage_parts(one: xr.Dataset, name: str, members: int, level: float, config: EvalConfig) -> xr.Dataset:
    """``coverage``, ``nominal`` (shares), ``error`` (points), ``width``, with intervals, along ``part``."""
    own = _order_sums(one, name, members).assign(ranks=_ranks(one, name, members))

    def parts(m: xr.Dataset) -> xr.DataArray:
        found = interval_coverage(m, m["ranks"], level=level)
        return _parts(
            coverage=found["coverage"],
            nominal=found["nominal"],
            error=100.0 * (found["coverage"] - found["nominal"]),
            width=found["width"],
        )

    return _interval(own, parts, config)


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

    ``brier`` in its fair form; of the plain form, in per cent of the uncertainty, ``miscalibration``,
    ``discrimination`` and their difference, the ``skill`` (isotonic), ``reliability`` and ``resolution`` (by number of
    members); ``area`` under the ROC curve.
    """

    def parts(m: xr.Dataset) -> xr.DataArray:
        classes = brier_decomposition(m["counts"])
        found = corp_decomposition(m["counts"])
        shares = {
            "miscalibration": found["miscalibration"],
            "discrimination": found["discrimination"],
            "skill": found["discrimination"] - found["miscalibration"],
            "reliability": classes["reliability"],
            "resolution": classes["resolution"],
        }
        uncertainty = found["uncertainty"].where(found["uncertainty"] > 0)
        percent = {name: 100.0 * values / uncertainty for name, values in shares.items()}
        brier = brier_score_from_counts(m["counts"], estimator="auto")
        return _parts(brier=brier, **percent, area=roc_area(m["counts"]))

    return interval(event_counts(one, name, members, index).to_dataset(name="counts"), parts, config)


def _interval(components: xr.Dataset, statistic: Statistic, config: EvalConfig) -> xr.Dataset:
    """As ``interval``, of components that each have a dimension of their own.

    The bootstrap broadcasts its components against one another; laid in a row they stay as small as they are.
    """
    packed, place, start = [], {}, 0
    for name, values in components.items():
        own = [dim for dim in values.dims if dim != "time"]
        row = values.rename({own[0]: "place"}) if own else values.expand_dims("place")
        packed.append(row.transpose("time", "place"))
        place[name] = (slice(start, start + row.sizes["place"]), own)
        start += row.sizes["place"]

    def unpacked(m: xr.Dataset) -> xr.DataArray:
        parts = {}
        for name, (where, own) in place.items():
            values = m["packed"].isel(place=where)
            parts[name] = values.rename({"place": own[0]}) if own else values.isel(place=0)
        return statistic(xr.Dataset(parts))

    return interval(xr.Dataset({"packed": xr.concat(packed, dim="place")}), unpacked, config)


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
