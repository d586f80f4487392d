"""The store without its fields: groups, attributes, coordinates and empty arrays, there as a whole or not at all."""

from __future__ import annotations

import datetime
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.ensemble_variables import variable_attrs
from stride_vars.regions import Box

from stride_data.assembly.coordinates import coordinates
from stride_data.errors import DataError
from stride_data.store.grid_arrays import PREFIX, plain, write_grid
from stride_data.store.identity import content_hash
from stride_data.store.layout import Compression
from stride_data.store.record import FORMAT, FORMAT_VERSION, RECORD, TIME_UNITS, SourcePlan

_PACKAGES = ("stride-data", "stride-vars", "zarr", "numpy")


@dataclass(frozen=True)
class StorePlan:
    """A whole store before it is written.

    Attributes:
        sources: By name.
        config: The part of the configuration that decides its content.
        compression: Of the tiles.
    """

    sources: Mapping[str, SourcePlan]
    config: Mapping[str, Any]
    compression: Compression

    @property
    def bytes(self) -> int:
        """Bytes of all arrays, uncompressed."""
        return sum(plan.bytes for plan in self.sources.values())

    @property
    def shards(self) -> int:
        """Number of files that hold fields."""
        return sum(plan.shards for plan in self.sources.values())

    @property
    def parts(self) -> dict[str, str]:
        """Hash of each part that decides the content; two stores that agree in all of them are the same."""
        found = {"compression": self.compression, "configuration": content_hash(plain(self.config))}
        for name, plan in self.sources.items():
            grid = plan.source.grid
            found[f"source {name}"] = content_hash(plan.describe())
            found[f"times of {name}"] = content_hash([plan.source.times, plan.need.times])
            found[f"grid of {name}"] = content_hash([grid.y_edges.tolist(), grid.x_edges.tolist()])
        return found


def write_skeleton(plan: StorePlan, path: Path) -> None:
    """Write everything but the fields, and put it in place in one step.

    Args:
        plan: The store.
        path: Its folder, which must not exist.
    """
    import zarr

    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    parts = plan.parts
    root = zarr.create_group(
        unfinished,
        attributes={
            "Conventions": "CF-1.11",
            "title": "Training store of stride-data",
            "stride_format": FORMAT,
            "stride_format_version": FORMAT_VERSION,
            "id": content_hash(parts),
            "parts": parts,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "config": plain(plan.config),
            "compression": plan.compression,
            "package_versions": {name: version(name) for name in _PACKAGES},
        },
    )
    for name, source in plan.sources.items():
        _write_source(root, name, source, plan.compression)
    with warnings.catch_warnings():
        # zarr warns that the specification does not know of it; xarray warns where it is not.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(root.store)
    unfinished.rename(path)


def _write_source(root: Any, name: str, plan: SourcePlan, compression: Compression) -> None:
    group = root.create_group(name)
    grid = write_grid(group, plan.source.grid)
    group.update_attributes({RECORD: {**plan.describe(), "grid": grid}})
    calendar = plan.source.calendar
    time_attrs = {"standard_name": "time", "units": TIME_UNITS, "calendar": calendar, "axis": "T"}
    if plan.source.times:
        long_name = {"long_name": "times of the archive, stored or not"}
        _coordinate(group, f"{PREFIX}time", _seconds(plan.source.times, calendar), attrs={**time_attrs, **long_name})
    box = plan.need.box
    if box is None:
        return
    if plan.need.timed:
        _coordinate(group, "time", _seconds(plan.need.times, calendar), attrs=time_attrs)
    others = _box_coordinates(group, plan, box)
    for array, (key, timed) in plan.arrays.items():
        layout = plan.layout if timed else plan.static_layout
        assert layout is not None
        leading = (len(plan.need.times),) if timed else ()
        shard = [count * edge for count, edge in zip(layout.tiles, layout.tile, strict=True)]
        attrs = variable_attrs(plan.source.fields[key].spec)
        group.create_array(
            array,
            shape=(*leading, *box.shape),
            dtype="float32",
            chunks=(*(1 for _ in leading), *layout.tile),
            shards=(*(layout.shard_times for _ in leading), *shard),
            compressors=_compressors(compression),
            fill_value=float("nan"),
            dimension_names=(*("time" for _ in leading), "y", "x"),
            attributes={**attrs, **({"coordinates": " ".join(others)} if others else {})},
        )


def _box_coordinates(group: Any, plan: SourcePlan, box: Box) -> list[str]:
    """Coordinates of the cells that are stored; returns the names of those that are no dimensions."""
    others: list[str] = []
    for name, (dims, values, attrs) in coordinates(plan.source.grid, box).items():
        _coordinate(group, name, values, dims=dims, attrs=plain(attrs))
        if dims != (name,):
            others.append(name)
    return others


def _coordinate(
    group: Any, name: str, values: NDArray[Any], *, attrs: Mapping[str, Any], dims: Sequence[str] | None = None
) -> None:
    group.create_array(
        name,
        data=np.ascontiguousarray(values),
        dimension_names=tuple(dims or (name,)),
        compressors=None,
        attributes=dict(attrs),
    )


def _seconds(times: Sequence[str], calendar: str) -> NDArray[np.int64]:
    import cftime

    dates = [cftime.datetime(*map(int, re.split("[-T:]", time)), calendar=calendar) for time in times]
    return np.asarray(np.round(cftime.date2num(dates, TIME_UNITS, calendar)), np.int64)


def _compressors(compression: Compression) -> Any:
    import zarr.codecs

    if compression == "none":
        return None
    if compression == "zstd":
        return zarr.codecs.ZstdCodec(level=3)
    return zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")


def check_target(plan: StorePlan, path: Path) -> bool:
    """Whether the store is there already, of this plan.

    Raises:
        DataError: If something else is in its place.
    """
    import zarr

    if not path.exists():
        return False
    try:
        attrs = dict(zarr.open_group(path, mode="r").attrs)
    except Exception:
        attrs = {}
    if attrs.get("stride_format") != FORMAT:
        raise DataError(f"--out {path}: something else than a training store is there; choose another path.")
    if attrs.get("stride_format_version") != FORMAT_VERSION:
        raise DataError(
            f"--out {path}: the store there has format version {attrs.get('stride_format_version')}, this program "
            f"writes {FORMAT_VERSION}; choose another path."
        )
    there, wanted = dict(attrs["parts"]), plan.parts  # type: ignore[arg-type]
    different = [part for part in {**wanted, **there} if there.get(part) != wanted.get(part)]
    if different:
        raise DataError(
            f"--out {path}: the store there was prepared from another configuration or archive (different: "
            f"{', '.join(different)}); choose another path, or delete it."
        )
    return True
