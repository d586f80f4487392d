"""What a source of fields offers, whether it reads an archive or a prepared store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box
from stride_vars.spec import VariableSpec

from stride_data.discovery.grids import Grid


class FieldDescription(Protocol):
    """One variable of a source.

    Attributes:
        spec: The variable.
        name: Its name in the files.
        units: Units in the files, with the accumulation period if there is one.
        valid_min: Values below are set to it; canonical units.
    """

    @property
    def spec(self) -> VariableSpec: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def units(self) -> str: ...  # noqa: D102
    @property
    def valid_min(self) -> float | None: ...  # noqa: D102


class FieldSource(Protocol):
    """Fields of some variables on one grid, by time and box, in canonical units.

    A source may also offer ``read_into(out, key, time, box)``, which copies what ``read_box`` gives straight to where
    it is wanted: sources that hold no decoded fields save a copy by it.

    Attributes:
        name: The user's name for it.
        fields: Its variables by catalogue key.
        grid: Grid of the fields handed out.
        calendar: CF calendar of the times.
        times: ISO times in order; empty when it has none.
        origin: What its values come from, JSON-able: part of the provenance of statistics and stores.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def fields(self) -> Mapping[str, FieldDescription]: ...  # noqa: D102
    @property
    def grid(self) -> Grid: ...  # noqa: D102
    @property
    def calendar(self) -> str: ...  # noqa: D102
    @property
    def times(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def origin(self) -> Mapping[str, Any]: ...  # noqa: D102

    def has_time(self, time: str) -> bool:
        """Whether the source holds a time."""
        ...

    def read_box(self, key: str, time: str, box: Box) -> NDArray[np.float32]:
        """Values of a variable at a time in a box of the grid, [height, width]; missing values are NaN.

        The array must not be changed.

        Raises:
            DataError: If the source has no such time, or its file cannot be read.
        """
        ...

    def read_static_box(self, key: str, box: Box) -> NDArray[np.float32]:
        """Values of a variable without time in a box, [height, width]; missing values are NaN.

        Raises:
            DataError: If the variable changes with time, or its file cannot be read.
        """
        ...

    def limit_memory(self, limit_bytes: int) -> None:
        """Keep decoded fields in memory only up to this size; sources of one configuration share it."""
        ...

    def place(self, time: str | None = None) -> str:
        """The file or store that holds a time (the first one without a time), for messages."""
        ...
