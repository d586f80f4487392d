"""What ``stride-data check`` notes about the times of sources."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from stride_data.adapter import GriddedAdapter
from stride_data.discovery.joined_source import JoinedSource
from stride_data.discovery.records import find_gaps, without_partner


def short(time: str) -> str:
    """An ISO time without the zeros of its hours, minutes and seconds."""
    return time.removesuffix("T00:00:00").removesuffix(":00")


def notes_of_times(adapter: GriddedAdapter) -> list[str]:
    """Sentences about gaps, times that one source lacks, repeated times, and times that nothing uses."""
    notes: list[str] = []
    timed = (*adapter.channels.target, *adapter.channels.dynamic, *adapter.channels.context)
    sources = {channel.source: adapter.sources[channel.source] for channel in timed}
    used = {time for times in adapter.splits.values() for time in times}
    alone = without_partner({name: source.times for name, source in sources.items()})
    for name, source in sources.items():
        gaps = find_gaps(source.times, source.calendar)
        if gaps is not None:
            notes.append(
                f"{name} lacks {gaps.missing} times in {gaps.runs} {'gap' if gaps.runs == 1 else 'gaps'} of its record "
                f"every {_period(gaps.step)}: {_listed(gaps.first, gaps.missing)}."
            )
        if name in alone:
            others = " and ".join(other for other in sources if other != name)
            notes.append(f"{len(alone[name])} times of {name} are not in {others}: {_listed(alone[name])}.")
        unused = len(set(source.times) - used - set(alone.get(name, ())))
        if unused:
            notes.append(f"{unused} times of {name} are in no split.")
        dropped = source.origin.get("duplicates")
        if dropped:
            notes.append(f"{dropped['dropped']} repeated times of {name}: the {dropped['kept']} of each is kept.")
        if isinstance(source, JoinedSource):
            for key, times in source.lacking().items():
                notes.append(f"{len(times)} times of {name} have no file of {key}: {_listed(times)}.")
    return notes


def _listed(times: Sequence[str], count: int | None = None) -> str:
    shown = ", ".join(short(time) for time in times[:3])
    return f"{shown}, ..." if (len(times) if count is None else count) > 3 else shown


def _period(step: datetime.timedelta) -> str:
    hours = step / datetime.timedelta(hours=1)
    number, unit = (hours / 24, "day") if hours % 24 == 0 else (hours, "hour")
    return unit if number == 1 else f"{number:g} {unit}s"
