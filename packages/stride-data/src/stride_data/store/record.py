"""What a store says of itself: its root's attributes and those of each source's group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stride_vars.regions import Box
from stride_vars.spec import VariableSpec

from stride_data.field_source import FieldDescription, FieldSource
from stride_data.store.grid_arrays import plain
from stride_data.store.layout import Layout
from stride_data.store.needs import Need

FORMAT = "stride-store"
FORMAT_VERSION = 1
TIME_UNITS = "seconds since 1970-01-01 00:00:00"
RECORD = "stride_source"
"""Attribute of a source's group that holds its record."""


@dataclass(frozen=True)
class StoredField:
    """How one variable stood in the archive.

    Attributes:
        spec: The variable.
        name: Its name in the archive's files.
        units: Units in the archive's files, with the accumulation period if there is one.
        valid_min: Values below are set to it; canonical units.
    """

    spec: VariableSpec
    name: str
    units: str
    valid_min: float | None

    @classmethod
    def of(cls, field: FieldDescription) -> StoredField:
        """The description of a variable of any source."""
        return cls(field.spec, field.name, field.units, field.valid_min)

    def describe(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "spec": self.spec.model_dump(mode="json"),
            "name": self.name,
            "units": self.units,
            "valid_min": self.valid_min,
        }


@dataclass(frozen=True)
class SourcePlan:
    """What is stored of one source.

    Attributes:
        source: Where fields come from.
        need: Cells, times and variables.
        layout: Tiles and shards of variables with time; None when nothing is stored.
        static_layout: The same of variables without time.
    """

    source: FieldSource
    need: Need
    layout: Layout | None
    static_layout: Layout | None

    @classmethod
    def of(cls, source: FieldSource, need: Need, tile: int) -> SourcePlan:
        """Lay out what is needed of a source."""
        if need.box is None:
            return cls(source, need, None, None)
        shape = need.box.shape
        layout = Layout.of(shape, tile, len(need.timed), len(need.times)) if need.timed else None
        return cls(source, need, layout, Layout.of(shape, tile, 1, 1) if need.static else None)

    @property
    def arrays(self) -> dict[str, tuple[str, bool]]:
        """By name, each array's key and whether it has time; a key that is stored both ways gets two names."""
        timed = {key: (key, True) for key in self.need.timed}
        static = {f"{key}_static" if key in timed else key: (key, False) for key in self.need.static}
        return {**timed, **static}

    @property
    def bytes(self) -> int:
        """Bytes of its arrays, uncompressed."""
        timed = len(self.need.timed) * self.layout.array_bytes(len(self.need.times)) if self.layout else 0
        return timed + (len(self.need.static) * self.static_layout.array_bytes(1) if self.static_layout else 0)

    @property
    def shards(self) -> int:
        """Number of its shards."""
        timed = len(self.need.timed) * self.layout.shards(len(self.need.times)) if self.layout else 0
        return timed + len(self.need.static)

    def describe(self) -> dict[str, Any]:
        """The record of the source but for its times and grid, which are arrays; JSON-able."""
        box = self.need.box
        return {
            "calendar": self.source.calendar,
            "origin": plain(self.source.origin),
            "fields": {key: StoredField.of(field).describe() for key, field in self.source.fields.items()},
            "box": None if box is None else box.model_dump(),
            "times": len(self.need.times),
            "arrays": {name: {"key": key, "timed": timed} for name, (key, timed) in self.arrays.items()},
            "layout": {
                "timed": self.layout.describe() if self.layout else None,
                "static": self.static_layout.describe() if self.static_layout else None,
            },
        }


def stored_box(record: dict[str, Any]) -> Box | None:
    """The box of a source's record."""
    return None if record["box"] is None else Box.model_validate(record["box"])
