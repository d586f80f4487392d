"""What an import will write: the fields that were found, and the cases that all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stride_vars.catalogue import Catalogue

from stride_eval.errors import EvalError
from stride_eval.importing.grid import is_comparable
from stride_eval.importing.names import NamesConfig
from stride_eval.importing.series import Series, open_series
from stride_eval.importing.times import day_of

Groups = Mapping[str, Mapping[str, Series]]

_GENERATED = ("ensemble", "target")
"""Groups that every case must be in."""


@dataclass(frozen=True)
class ImportPlan:
    """An ensemble that was found and fits together.

    Attributes:
        names: the configuration.
        groups: group -> key -> its series, all on the members' rows and columns but those of "conditioning".
        times: cases that are written, ISO, ascending.
        members: labels of the members, in order.
        notes: what is left out or taken for granted, a sentence each.
    """

    names: NamesConfig
    groups: Groups
    times: tuple[str, ...]
    members: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ensemble(self) -> Series:
        """The members of the first target, whose grid and calendar count."""
        return next(iter(self.groups["ensemble"].values()))

    def times_of(self, group: str) -> tuple[str, ...]:
        """Cases that a group is written for."""
        held = [set(series.complete_times()[0]) for series in self.groups[group].values()]
        return tuple(time for time in self.times if all(time in one for one in held))

    @property
    def gigabytes(self) -> float:
        """What is written, before compression."""
        fields = 0
        for group, variables in self.groups.items():
            for series in variables.values():
                each = len(self.members) if group == "ensemble" else 1
                times = 1 if group == "static" else len(self.times_of(group))
                fields += each * times * series.grid.shape[0] * series.grid.shape[1]
        return 4e-9 * fields

    def lines(self) -> Iterator[str]:
        """What was found, for people."""
        for group, variables in self.groups.items():
            for key, series in variables.items():
                files = {holding.file.path for holding in series.holdings}
                yield f"{group}/{key}: {series.description} -> {series.spec.units}"
                counts = [f"{len(files)} file{'s' if len(files) > 1 else ''}"]
                if group != "static":
                    complete, broken = series.complete_times()
                    ends = f" from {complete[0]} to {complete[-1]}" if complete else ""
                    counts.append(f"{len(complete) + broken} times{ends} (calendar {series.calendar})")
                if group == "ensemble":
                    counts.append(f"{len(series.members)} members")
                counts.append(f"{series.grid.shape[0]} x {series.grid.shape[1]} cells")
                yield f"  {', '.join(counts)}"
        yield f"{len(self.times)} cases of {len(self.members)} members, {self.gigabytes:.2g} GB before compression"
        yield from (f"note: {note}" for note in self.notes)


def plan_import(names: NamesConfig) -> ImportPlan:
    """Finds all fields and what they share; reads coordinates and no field.

    Raises:
        EvalError: something is not there or does not fit, in one sentence.
    """
    catalogue = Catalogue.load(*([names.variables_file] if names.variables_file else []))
    label = day_of if names.match_times == "day" else str
    groups: dict[str, dict[str, Series]] = {}
    notes: list[str] = []
    for group, source in names.sources().items():
        groups[group] = {
            key: open_series(group, key, source, Path(names.root), catalogue, label=label) for key in source.variables
        }
    first = next(iter(groups["ensemble"].values()))
    for group, variables in groups.items():
        begin = next(iter(variables.values())) if group == "conditioning" else first
        for key, series in variables.items():
            variables[key] = series.oriented(begin.grid, begin.where)
            if series is not begin and not is_comparable(begin.grid, series.grid):
                notes.append(
                    f"the coordinates do not tell whether {series.where} and {begin.where} mean the same cells; "
                    "they are taken to"
                )
    members = first.members
    for series in groups["ensemble"].values():
        if series.members != members:
            raise EvalError(
                f"{series.where} has {len(series.members)} members and {first.where} {len(members)}, or they are "
                "called otherwise; import such variables apart"
            )
    times = _common_times(groups, notes)
    if "target" not in groups:
        notes.append(
            "there are no observed fields: stride-eval can score the ensemble once a section target names them"
        )
    return ImportPlan(names, groups, times, members, tuple(notes))


def _common_times(groups: Groups, notes: list[str]) -> tuple[str, ...]:
    needed = [series for group in _GENERATED for series in groups.get(group, {}).values()]
    timed = [series for group, variables in groups.items() if group != "static" for series in variables.values()]
    _require_calendars({series.where: series.calendar for series in timed})
    held = {series.where: series.complete_times() for series in needed}
    for where, (_, broken) in held.items():
        if broken:
            notes.append(f"{broken} times of {where} are left out: not every member has them")
    common = set.intersection(*(set(complete) for complete, _ in held.values()))
    if not common:
        spans = ", ".join(
            f"{where} has {len(times)} from {times[0]} to {times[-1]}" if times else f"{where} has none"
            for where, (times, _) in held.items()
        )
        raise EvalError(
            f"members and observations share no time ({spans}); correct the dates, or set match_times: day where only "
            "the hours differ"
        )
    for where, (times, _) in held.items():
        if len(times) > len(common):
            notes.append(f"{len(times) - len(common)} of {len(times)} times of {where} are left out: others lack them")
    for series in groups.get("conditioning", {}).values():
        covered = common.intersection(series.complete_times()[0])
        if not covered:
            raise EvalError(f"{series.where} has none of the {len(common)} times of the members; correct its files")
        if len(covered) < len(common):
            notes.append(f"{series.where} has {len(covered)} of the {len(common)} times of the members")
    return tuple(sorted(common))


def _require_calendars(calendars: Mapping[str, str]) -> None:
    """Dates of a year of 360 days are no dates of another calendar."""
    ways = {calendar == "360_day" for calendar in calendars.values()}
    if len(ways) > 1:
        one = next(where for where, calendar in calendars.items() if calendar == "360_day")
        two = next(where for where, calendar in calendars.items() if calendar != "360_day")
        raise EvalError(
            f"{one} has the calendar 360_day and {two} {calendars[two]}: their days cannot be matched; bring them to "
            "one calendar first"
        )
