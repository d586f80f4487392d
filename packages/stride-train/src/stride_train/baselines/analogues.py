"""Baseline: analogues, the observed fields of those training times whose low-resolution fields are most alike.

Lorenz 1969, doi:10.1175/1520-0469(1969)26<636:APARBN>2.0.CO;2; as a downscaling method Zorita and von Storch 1999,
doi:10.1175/1520-0442(1999)012<2474:TAMAAS>2.0.CO;2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_data.assembly.fields import FieldSet
from stride_vars.regions import Box

from stride_train.baselines.interpolated import own_fields
from stride_train.baselines.observed_times import ObservedTimes
from stride_train.errors import GenerationError
from stride_train.progress import Advance

_TIMES_AT_ONCE = 256


class Analogues:
    """Members are the observed fields of the nearest training times, nearest first; all count the same when scored.

    The distance is the root mean square difference of the low-resolution fields over the box, without its margins, of
    a temporal stack at the step nearest the target's time. Fields are compared as `data.transforms` scales them and
    divided by their standard deviation over the training times, so that each counts the same. No member is of the date
    that it stands for, should that be in the training split. All targets of a member are of the same time.
    """

    name = "analogues"
    checkpoint_id = ""
    model_spec: dict[str, Any] | None = None

    def __init__(
        self,
        adapter: Adapter,
        box: Box | None = None,
        *,
        members: int,
        fields: Literal["own", "all"],
        times: Sequence[str],
        advance: Advance,
        targets: Sequence[int] | None = None,
    ):
        """Reads the training fields.

        Args:
            adapter: Gives the training fields and scales the low-resolution ones.
            box: HR box of the fields; the region's when None.
            members: Ensemble size; as many as there are observed training times where those are fewer.
            fields: Compare the low-resolution fields of the targets' own variables, or all dynamic fields.
            times: The times that are generated.
            advance: Told how far the reading is.
            targets: Numbers of the targets to make; None for all.

        Raises:
            GenerationError: If a target's own variable is not among the dynamic fields, a value has no place in its
                transform, or the training split has no observed value or none of another date.
        """
        self.adapter, self.box = adapter, box
        numbers = range(len(adapter.target_names)) if targets is None else targets
        if fields == "own":
            self.channels = list(dict.fromkeys(own_fields(adapter, numbers, "set generate.analogue_fields to all")))
        else:
            self.channels = list(range(len(adapter.cond_names)))
        low: dict[str, np.ndarray] = {}

        def look(time: str, found: FieldSet) -> None:
            low[time] = self._compared(time, found.dynamic)

        self.observed = ObservedTimes(adapter, box, numbers, advance=advance, look=look)
        self.members = self.observed.ensemble_size(members, times)
        self._position = {time: number for number, time in enumerate(self.observed.times)}
        self._low = np.stack([low[time] for time in self.observed.times])
        spread = _spread(self._low)
        self._spread = np.where(spread > 0, spread, 1.0)
        self.description: dict[str, Any] = {
            "method": "observed fields of the training times with the nearest low-resolution fields",
            "distance": "root mean square difference of the scaled, standardised fields",
            "fields": [adapter.cond_names[channel] for channel in self.channels],
            **self.observed.description,
        }

    def distances(self, time: str) -> dict[str, float]:
        """Distance of every training time of another date to a time."""
        wanted = self._compared(time, self.adapter.fields(time, self.box).dynamic).astype(np.float64)
        others = self.observed.others(time)
        rows = [self._position[other] for other in others]
        found: list[float] = []
        for first in range(0, len(rows), _TIMES_AT_ONCE):
            difference = (self._low[rows[first : first + _TIMES_AT_ONCE]] - wanted) / self._spread[:, None]
            found.extend(np.sqrt(np.square(difference).mean(axis=(1, 2))).tolist())
        return dict(zip(others, found, strict=True))

    def members_of(self, time: str) -> list[str]:
        """The training times whose fields are the members of a time, nearest first; of equals the earlier."""
        distances = self.distances(time)
        return sorted(distances, key=lambda other: (distances[other], other))[: self.members]

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """The members [M, C_out, H_hr, W_hr] of one time, or those of these numbers."""
        fields = self.members_of(time)
        numbers = range(self.members) if members is None else members
        return np.stack([self.observed.field(fields[number]) for number in numbers])

    def _compared(self, time: str, dynamic: np.ndarray) -> np.ndarray:
        """What is compared: float32 [channels, LR cells], scaled."""
        if dynamic.ndim == 4:
            dynamic = dynamic[int(np.argmin(np.abs(self.adapter.lag_hours)))]
        top, bottom, left, right = self.adapter.lr_margins
        height, width = dynamic.shape[-2:]
        inner = dynamic[:, top : height - bottom, left : width - right]
        scaled = np.asarray(self.adapter.forward_conditioning(inner), dtype=np.float32)[self.channels]
        if not np.isfinite(scaled).all():
            channel = self.channels[int(np.argwhere(~np.isfinite(scaled))[0, 0])]
            raise GenerationError(
                f"Analogues cannot compare '{self.adapter.cond_names[channel]}' at {time}: values are outside what its "
                "transform takes; choose another one in data.transforms."
            )
        return scaled.reshape(len(self.channels), -1)


def _spread(fields: np.ndarray) -> np.ndarray:
    """Standard deviation of each channel over all times and cells of [times, channels, cells]."""
    mean = fields.mean(axis=(0, 2), dtype=np.float64)
    # Time by time: a copy in float64 would be twice as large as all the fields.
    squares = [np.square(field - mean[:, None]).mean(axis=1) for field in fields]
    return np.sqrt(np.mean(squares, axis=0))
