"""What batches, checkpoints and outputs say about the data, JSON-able."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_data.assembly.channels import Channels
from stride_data.assembly.lags import HOUR
from stride_data.assembly.time_features import feature_names
from stride_data.config import DataConfig
from stride_data.field_source import FieldSource
from stride_data.periods import parse_offset
from stride_data.regions.geometry import Geometry


def describe_domain(geometry: Geometry) -> dict[str, Any]:
    """Grids and their relation.

    ``views`` says of every source whose rows or columns are not counted as in its files how they are
    (``stride_data.regions.view.GridView``); margins are top, bottom, left, right.
    """
    lr = geometry.lr
    described: dict[str, Any] = {
        "hr_cells_per_lr_cell": [str(lr.y.ratio), str(lr.x.ratio)],
        "lr_margins": list(geometry.lr_margins),
        "views": {name: view.changes for name, view in geometry.views.items() if view.changes},
    }
    if geometry.anchored_context is not None:
        along = geometry.anchored_context.alignment
        described["hr_cells_per_context_cell"] = [str(along.y.ratio), str(along.x.ratio)]
        described["context_margins_hr"] = [str(margin) for margin in geometry.anchored_context.margins]
    grids = {"hr_grid": geometry.hr_grid, "lr_grid": geometry.lr_grid, "context_grid": geometry.context_grid}
    for name, grid in grids.items():
        if grid is None:
            continue
        described[name] = {
            "shape": list(grid.shape),
            "spacing": list(grid.spacing),
            "units": [str(grid.y_attrs.get("units", "")), str(grid.x_attrs.get("units", ""))],
        }
    return described


def describe_missing(config: DataConfig, sources: Mapping[str, FieldSource]) -> dict[str, Any]:
    """What is done to values beside the transforms: missing ones, and those below a stated minimum."""
    return {
        "missing_target": {"scaled_value": 0.0, "where": "mask is False"},
        "missing_conditioning": config.missing_conditioning,
        "valid_min": {
            f"{name}.{key}": field.valid_min
            for name, source in sources.items()
            for key, field in source.fields.items()
            if field.valid_min is not None
        },
    }


def describe_data(
    config: DataConfig,
    sources: Mapping[str, FieldSource],
    channels: Channels,
    geometry: Geometry,
    splits: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:
    """Channels with their full specs, region, domain, calendar and splits."""
    groups = {"target": channels.target, "dynamic": channels.dynamic, "static": channels.static}
    if geometry.anchored_context is not None:
        groups |= {"context": channels.context, "context_static": channels.context_static}
    return {
        "channels": {
            role: [{"name": channel.name, "spec": channel.spec.model_dump(mode="json")} for channel in group]
            for role, group in groups.items()
        },
        "region": geometry.region.model_dump(mode="json"),
        "domain": describe_domain(geometry),
        "calendar": sources[channels.target[0].source].calendar,
        "lag_hours": [parse_offset(text) / HOUR for text in config.lags],
        "time_feature_names": list(feature_names(config.time_features)),
        **describe_missing(config, sources),
        "splits": {
            name: {
                "times": len(times),
                "first": times[0],
                "last": times[-1],
                "config": config.splits[name].model_dump(mode="json", exclude_none=True),
            }
            for name, times in splits.items()
        },
    }
