"""The summary table as the page shows it: rows of systems, columns of scores, one table a target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stride_eval.plots.style import pretty_units
from stride_eval.scores import Score
from stride_eval.summary import best_systems, number

HINTS = {"low": "lower is better", "high": "higher is better", "zero": "0 is best", "one": "1 is best", None: ""}


@dataclass(frozen=True)
class Cell:
    """One score as text.

    Attributes:
        value: the number.
        interval: "[lower, upper]"; empty without one.
        beside: what stands with it, such as the percentage of a bias.
        note: how it was made where that differs, such as "MAE".
        best: whether the system is best at it.
    """

    value: str
    interval: str = ""
    beside: str = ""
    note: str = ""
    best: bool = False


@dataclass(frozen=True)
class Table:
    """One target's table.

    Attributes:
        columns: (label, units, hint) of each score.
        rows: (system, its number of members in words, cells).
    """

    columns: list[tuple[str, str, str]]
    rows: list[tuple[str, str, list[Cell]]]


def score_table(scores: Sequence[Score], target: str, members: dict[str, int]) -> Table:
    """The table of one target; the observed values stand on top where scores have some.

    Args:
        scores: of all targets.
        target: which.
        members: system -> number of members, in the order of the rows.
    """
    here = [score for score in scores if score.target == target]
    found = {(score.system, score.name): score for score in here}
    best = best_systems(here)
    beside = {score.beside: score.name for score in here if score.beside}
    columns = list(dict.fromkeys(score.name for score in here if not score.beside))

    def any_of(name: str) -> Score:
        return next(score for score in here if score.name == name)

    heads = []
    for name in columns:
        direction = any_of(name).best or (any_of(beside[name]).best if name in beside else None)
        hint = HINTS[direction]
        if any_of(name).best is None and direction == "zero":
            hint = "observed is best"
        heads.append((any_of(name).label, pretty_units(any_of(name).units), hint))
    rows = []
    systems = [name for name in ("observed",) if any(score.system == name for score in here)] + list(members)
    for system in systems:
        cells = []
        for name in columns:
            score, companion = found.get((system, name)), found.get((system, beside.get(name, "")))
            won = any(system in best.get((target, column), set()) for column in (name, beside.get(name, "")))
            cells.append(_cell(score, companion, won, [one.value for one in here if one.name == name]))
        count = members.get(system)
        words = "" if count is None else f"{count} member{'s' if count != 1 else ''}"
        rows.append((system, words, cells))
    return Table(heads, rows)


def _cell(score: Score | None, companion: Score | None, best: bool, column: list[float]) -> Cell:
    if score is None or not math.isfinite(score.value):
        return Cell("–")
    interval = ""
    if math.isfinite(score.lower) and math.isfinite(score.upper):
        interval = " to ".join(number(end, score.units, beside=column) for end in (score.lower, score.upper))
    beside = ""
    if companion is not None and math.isfinite(companion.value):
        text = number(companion.value, companion.units)
        beside = f"{'+' if companion.value > 0 and float(text) else ''}{text} {pretty_units(companion.units)}"
    note = score.estimator if score.estimator != "fair" else ""
    if score.name == "crps_skill" and score.lower < score.upper and score.lower <= 0.0 <= score.upper:
        # The interval is of the paired difference to the reference, by blocks of dates.
        note = "not significant"
    return Cell(number(score.value, score.units, beside=column), interval, beside, note, best)
