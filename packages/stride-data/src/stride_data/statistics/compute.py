"""One pass over the training split."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stride_data.assembly.channels import Channel
from stride_data.errors import DataError
from stride_data.statistics.file import FORMAT, FORMAT_VERSION, content_id
from stride_data.statistics.streaming import VariableStatistics
from stride_data.transforms.log_zscore import log_offset

Progress = Callable[[int, int], None]
"""Called with (done, all)."""


def compute_statistics(
    channels: Sequence[Channel],
    times: Sequence[str],
    read: Callable[[str], Iterable[tuple[Channel, NDArray[np.float32]]]],
    read_static: Callable[[], Iterable[tuple[Channel, NDArray[np.float32]]]],
    *,
    provenance: dict[str, Any],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compute the content of a statistics file.

    Missing values are left out and counted.

    Args:
        channels: All channels, in order.
        times: Times of the training split.
        read: Fields of the target and dynamic channels at a time, cropped to the region.
        read_static: Fields of the static channels.
        provenance: Where the numbers come from; part of the content id.
        progress: Told after each time.

    Raises:
        DataError: If a channel has no value at all.
    """
    running = {
        channel.name: VariableStatistics(
            log_offset=log_offset(channel.options, channel.spec),
            wet_threshold=channel.spec.wet_threshold,
            chunks=1 if channel.role == "static" else len(times),
        )
        for channel in channels
    }
    for channel, values in read_static():
        running[channel.name].add(values)
    for done, time in enumerate(times, start=1):
        for channel, values in read(time):
            running[channel.name].add(values)
        if progress is not None:
            progress(done, len(times))
    variables: dict[str, Any] = {}
    for channel in channels:
        entry = running[channel.name].as_dict()
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
        "provenance": provenance,
        "variables": variables,
    }
    return {"id": content_id(statistics), **statistics}
