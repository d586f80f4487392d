"""The scores as the page shows them: one short table of systems, and one of all scores for each family."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from stride_eval import registry
from stride_eval.plots.style import pretty_units
from stride_eval.scores import OBSERVED, Score
from stride_eval.summary import best_systems, number

HINTS = {"low": "lower is better", "high": "higher is better", "zero": "0 is best", "one": "1 is best", None: ""}

HEADLINE = ("crps", "crps_skill", "spread_skill", "bias", "q999", "log_spectral_distance")
"""Scores of the short table; beside them the fractions skill score of one threshold."""


@dataclass(frozen=True)
class Cell:
    """One score as text.

    Attributes:
        value: the number.
        interval: "lower to upper"; empty without one.
        beside: what stands with it, such as the percentage of a bias.
        note: how it was made where that differs, such as "MAE".
        best: whether the system is best at it.
        chance: whether its difference from the reference may be chance.
    """

    value: str
    interval: str = ""
    beside: str = ""
    note: str = ""
    best: bool = False
    chance: bool = False


@dataclass(frozen=True)
class Table:
    """One target's systems by scores.

    Attributes:
        columns: (label, units, hint) of each score.
        rows: (system, its number of members in words, cells).
    """

    columns: list[tuple[str, str, str]]
    rows: list[tuple[str, str, list[Cell]]]


@dataclass(frozen=True)
class Group:
    """Rows of a family's table that belong together: one score, or one at several thresholds or levels.

    Attributes:
        heading: what they share; empty for one score alone.
        about: units and which values are good, of all of them.
        rows: (label, units and which values are good, cells).
    """

    heading: str
    about: str
    rows: list[tuple[str, str, list[Cell]]]


@dataclass(frozen=True)
class FamilyTable:
    """One family's scores by systems, of one target.

    Attributes:
        title: of the family.
        systems: the columns; "observed" last where scores have such a value.
        groups: the rows.
    """

    title: str
    systems: list[str]
    groups: list[Group] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of scores."""
        return sum(len(group.rows) for group in self.groups)


def headline_table(scores: Sequence[Score], target: str, members: Mapping[str, int]) -> Table:
    """The scores that are looked at first; without columns where there are none of them.

    Args:
        scores: of all targets, of one region and season.
        target: which.
        members: system -> number of members, in the order of the rows.
    """
    here = [score for score in scores if score.target == target]
    fractions = list(dict.fromkeys(score.name for score in here if re.fullmatch(r"fss_.*", score.name)))
    wanted = {*HEADLINE, *fractions[max(0, len(fractions) - 1) // 2 :][:1]}
    return score_table([score for score in here if score.name in wanted or score.beside in wanted], target, members)


def score_table(scores: Sequence[Score], target: str, members: Mapping[str, int]) -> Table:
    """Systems by scores of one target; the observed values stand on top where scores have some.

    Args:
        scores: of all targets.
        target: which.
        members: system -> number of members, in the order of the rows.
    """
    cells = _Cells(score for score in scores if score.target == target)
    rows = []
    for system in cells.systems(members):
        count = members.get(system)
        words = "" if count is None else f"{count} member{'s' if count != 1 else ''}"
        rows.append((system, words, [cells.of(system, name) for name in cells.names]))
    return Table([cells.head(name) for name in cells.names], rows)


def family_tables(scores: Sequence[Score], target: str, members: Mapping[str, int]) -> list[FamilyTable]:
    """All scores of a target, a table for each family that gave some.

    Scores of several thresholds or levels stand together under a heading of their own.

    Args:
        scores: of all targets, of one region and season.
        target: which.
        members: system -> number of members, in the order of the columns.
    """
    here = [score for score in scores if score.target == target]
    tables = []
    for family in dict.fromkeys(score.family for score in here):
        cells = _Cells(score for score in here if score.family == family)
        # What was observed comes last: on a phone the systems' own scores are in view.
        systems = sorted(cells.systems(members), key=lambda system: system == OBSERVED)
        table = FamilyTable(registry.family(family).TITLE if family else "Scores", systems)
        stems: dict[str, list[str]] = {}
        for name in cells.names:
            stems.setdefault(re.sub(r"_[-+.\de]*\d$", "", name), []).append(name)
        table.groups.extend(_group(cells, names, table.systems) for names in stems.values())
        tables.append(table)
    return tables


def _group(cells: _Cells, names: list[str], systems: list[str]) -> Group:
    heads = [cells.head(name) for name in names]
    about = [", ".join(word for word in head[1:] if word) for head in heads]
    labels = [head[0] for head in heads]
    heading = ""
    if len(names) > 1:
        words = zip(*(label.split() for label in labels), strict=False)
        heading = (
            " ".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, words)).removesuffix("≥").strip()
        )
    alike = bool(heading) and len(set(about)) == 1
    rows = [
        (
            pretty_units(label.removeprefix(heading).strip()),
            "" if alike else words,
            [cells.of(system, name) for system in systems],
        )
        for name, label, words in zip(names, labels, about, strict=True)
    ]
    return Group(heading, about[0] if alike else "", rows)


class _Cells:
    """Scores of one target as cells."""

    def __init__(self, scores: Iterable[Score]) -> None:
        here = list(scores)
        self._found = {(score.system, score.name): score for score in here}
        self._best = {name: systems for (_, name), systems in best_systems(here).items()}
        self._beside = {score.beside: score.name for score in here if score.beside}
        self._any = {score.name: score for score in reversed(here)}
        self._values: dict[str, list[float]] = {}
        for score in here:
            self._values.setdefault(score.name, []).append(score.value)
        self.names = list(dict.fromkeys(score.name for score in here if not score.beside))

    def systems(self, members: Mapping[str, int]) -> list[str]:
        """The observed, where scores have such values, and the systems."""
        return [OBSERVED, *members] if any(system == OBSERVED for system, _ in self._found) else list(members)

    def head(self, name: str) -> tuple[str, str, str]:
        """Label, units and which values are good."""
        score, companion = self._any[name], self._beside.get(name)
        direction = score.best or (self._any[companion].best if companion else None)
        hint = "observed is best" if score.best is None and direction == "zero" else HINTS[direction]
        return score.label, pretty_units(score.units), hint

    def of(self, system: str, name: str) -> Cell:
        """A system's score, with what stands beside it."""
        score, companion = self._found.get((system, name)), self._found.get((system, self._beside.get(name, "")))
        if score is None or not math.isfinite(score.value):
            return Cell("–")
        column = self._values[name]
        interval = ""
        if math.isfinite(score.lower) and math.isfinite(score.upper):
            interval = " to ".join(number(end, score.units, beside=column) for end in (score.lower, score.upper))
        beside = ""
        if companion is not None and math.isfinite(companion.value):
            text = number(companion.value, companion.units)
            beside = f"{'+' if companion.value > 0 and float(text) else ''}{text} {pretty_units(companion.units)}"
        return Cell(
            number(score.value, score.units, beside=column),
            interval,
            beside,
            score.estimator if score.estimator != "fair" else "",
            any(system in self._best.get(one, set()) for one in (name, self._beside.get(name, ""))),
            _verdict(score, companion) == "not significant",
        )


def _verdict(score: Score, companion: Score | None) -> str:
    """Of the score itself, or of its difference from the observed where the score has no direction."""
    return score.verdict or ("" if companion is None else companion.verdict)
