"""One pass over the training split, in parts that any scheduler may work on in any order."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stride_data.assembly.channels import Channel
from stride_data.errors import DataError
from stride_data.statistics.file import FORMAT, FORMAT_VERSION, NAN_POLICY, content_id
from stride_data.statistics.sample import share_of
from stride_data.statistics.schedulers import DEFAULT_SCHEDULER, check_scheduler, run
from stride_data.statistics.summary import VariableSummary
from stride_data.transforms import requirement

Progress = Callable[[int, int], None]
"""Called with (done, all)."""

PARTS, SHORTEST_PART = 128, 16
"""The times are divided into at most so many parts of at least so many times, whatever the scheduler: the last digits
of the sums depend on it. Shorter parts would read again what files store together."""


class Fields(Protocol):
    """What the pass reads; picklable."""

    def at(self, time: str) -> Iterable[tuple[Channel, NDArray[np.float32]]]:
        """Fields of the target and dynamic channels at a time, cropped to the region."""
        ...

    def statics(self) -> Iterable[tuple[Channel, NDArray[np.float32]]]:
        """Fields of the channels without time, cropped to the region."""
        ...


@dataclass(frozen=True)
class _Pass:
    """The work on one part of the times.

    Attributes:
        channels: All channels, in order.
        times: Times of the training split.
        fields: Reads them.
    """

    channels: tuple[Channel, ...]
    times: tuple[str, ...]
    fields: Fields

    def __call__(self, part: range) -> dict[str, VariableSummary]:
        """Statistics of the channels with time over some positions in ``times``."""
        channels = {channel.name: channel for channel in self.channels}
        found: dict[str, VariableSummary] = {}
        share = share_of(len(self.times))
        for position in part:
            for channel, values in self.fields.at(self.times[position]):
                # A variable that is both target and conditioning counts once, as the role that its channel has.
                if channel == channels.get(channel.name):
                    summary = found.setdefault(channel.name, _summary(channel))
                    summary.add(values, share=share, seed=position)
        return found


def compute_statistics(
    channels: Sequence[Channel],
    times: Sequence[str],
    fields: Fields,
    *,
    provenance: dict[str, Any],
    progress: Progress | None = None,
    scheduler: str = DEFAULT_SCHEDULER,
    workers: int | None = None,
) -> dict[str, Any]:
    """Compute the content of a statistics file; the same whatever the scheduler and the number of workers.

    Missing values are left out and counted.

    Args:
        channels: All channels, in order.
        times: Times of the training split.
        fields: Reads them.
        provenance: Where the numbers come from; part of the content id.
        progress: Told after each part.
        scheduler: "synchronous", "threads", "processes", or the address of a distributed scheduler.
        workers: Number of threads or processes; as many as there are cores when omitted.

    Raises:
        DataError: If a channel has no value at all, or the scheduler is wrong or absent.
    """
    check_scheduler(scheduler, workers)
    summaries = {channel.name: _summary(channel) for channel in channels}
    for channel, values in fields.statics():
        if channel in channels:
            summaries[channel.name].add(values, share=share_of(1), seed=0)
    length = max(SHORTEST_PART, -(-len(times) // PARTS))
    parts = [range(start, min(start + length, len(times))) for start in range(0, len(times), length)]
    done = 0

    def finished(part: range) -> None:
        nonlocal done
        done += len(part)
        if progress is not None:
            progress(done, len(times))

    work = _Pass(tuple(channels), tuple(times), fields)
    for found in run(work, parts, scheduler=scheduler, workers=workers, finished=finished):
        for name, part in found.items():
            summaries[name].merge(part)
    variables: dict[str, Any] = {}
    for channel in channels:
        entry = summaries[channel.name].as_dict()
        if entry["n"] == 0:
            raise DataError(
                f"'{channel.name}' has no observed value in the training split and region; check the file's missing "
                "values and data.region."
            )
        variables[channel.name] = {
            "source": channel.source,
            "variable": channel.spec.key,
            "units": channel.spec.units,
            **entry,
        }
    statistics = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "nan_policy": NAN_POLICY,
        "provenance": provenance,
        "variables": variables,
    }
    return {"id": content_id(statistics), **statistics}


def _summary(channel: Channel) -> VariableSummary:
    needed = requirement(spec=channel.spec, source=channel.source, options=channel.options)
    return VariableSummary(needed, channel.spec.wet_threshold)
