"""What a configuration needs of each source: asked of the adapter, which gets sources that only take notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.discovery.grids import Grid
from stride_data.field_source import FieldDescription, FieldSource

if TYPE_CHECKING:
    from stride_data.adapter import GriddedAdapter


@dataclass(frozen=True)
class Need:
    """What samples of a configuration can ask of one source.

    Attributes:
        box: The smallest box of its grid that holds every cell asked for; None when nothing is.
        times: Times asked for, in order.
        timed: Keys of the variables asked for by time.
        static: Keys of the variables asked for without time.
    """

    box: Box | None
    times: tuple[str, ...]
    timed: tuple[str, ...]
    static: tuple[str, ...]


def needs_of(adapter: GriddedAdapter) -> dict[str, Need]:
    """What all samples of all splits together need, by source.

    Every time of every split is asked for in the fixed box, and every place where a crop may begin at one time: rows
    and columns of boxes do not depend on each other, so each row and each column is tried once. Whatever a sample is
    made of (earlier times, larger boxes) is seen, because it is the adapter that asks.
    """
    notes = {name: _Notes(source) for name, source in adapter.sources.items()}
    probe = adapter.with_sources(notes)
    region, crops = adapter.region, adapter.geometry.crops
    times = sorted({time for split in adapter.splits.values() for time in split})
    for time in times:
        probe.fields(time)
    paired = next((time for time in times if probe.fields(time).target is not None), times[0])
    height, width = region.hr.shape
    for y, x in [(y, crops.columns[0]) for y in crops.rows] + [(crops.rows[0], x) for x in crops.columns]:
        probe.fields(paired, Box(y=y, x=x, height=height, width=width))
    probe.fields(paired, adapter.training_box)
    return {name: note.need() for name, note in notes.items()}


@dataclass
class _Notes:
    """A source that hands out zeros and notes what it is asked for."""

    source: FieldSource
    boxes: set[tuple[int, int, int, int]] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    timed: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def fields(self) -> Mapping[str, FieldDescription]:
        return self.source.fields

    @property
    def grid(self) -> Grid:
        return self.source.grid

    @property
    def calendar(self) -> str:
        return self.source.calendar

    @property
    def times(self) -> tuple[str, ...]:
        return self.source.times

    @property
    def origin(self) -> Mapping[str, Any]:
        return self.source.origin

    def has_time(self, time: str) -> bool:
        return self.source.has_time(time)

    def read_box(self, key: str, time: str, box: Box) -> NDArray[np.float32]:
        self.timed.add(key)
        self.asked.add(time)
        return self._zeros(box)

    def read_static_box(self, key: str, box: Box) -> NDArray[np.float32]:
        self.static.add(key)
        return self._zeros(box)

    def _zeros(self, box: Box) -> NDArray[np.float32]:
        self.boxes.add((box.y, box.x, box.y + box.height, box.x + box.width))
        return np.broadcast_to(np.float32(0), box.shape)

    def limit_memory(self, limit_bytes: int) -> None:
        pass

    def place(self, time: str | None = None) -> str:
        return self.source.place(time)

    def need(self) -> Need:
        """All that was asked for; times and keys in the source's own order."""
        box = None
        if self.boxes:
            y0, x0 = (min(edges[axis] for edges in self.boxes) for axis in (0, 1))
            y1, x1 = (max(edges[axis] for edges in self.boxes) for axis in (2, 3))
            box = Box(y=y0, x=x0, height=y1 - y0, width=x1 - x0)
        return Need(
            box,
            tuple(time for time in self.source.times if time in self.asked),
            tuple(key for key in self.source.fields if key in self.timed),
            tuple(key for key in self.source.fields if key in self.static),
        )
