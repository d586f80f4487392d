"""One number of the summary: a score of a system for a target, with its interval and sample count."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

OBSERVED = "observed"
"""Stands in place of a system's name for what was observed; no system may be called so."""

ALL = "all"
"""Name of the whole grid as a region, and of all dates as a season."""

Best = Literal["low", "high", "zero", "one"]


@dataclass(frozen=True)
class Score:
    """A score with its interval.

    Attributes:
        system: name of the system, or ``OBSERVED``.
        target: key of the variable.
        name: machine name, e.g. "crps".
        label: heading for people, e.g. "CRPS".
        units: "1" for ratios, "%" for percentages.
        value: NaN where it is not defined.
        lower, upper: interval of the bootstrap over dates; NaN where there is none.
        n: dates that entered.
        best: which values are good: the lowest, the highest, or nearest to zero or to one; None: a plain fact.
        estimator: how it was made, in a few words.
        definition: one sentence, for the table of definitions.
        beside: name of the score in whose cell of the report's table this one stands; empty: a column of its own.
        region: part of the grid; "all": the whole of it.
        season: part of the year; "all": every date.
    """

    system: str
    target: str
    name: str
    label: str
    units: str
    value: float
    lower: float = math.nan
    upper: float = math.nan
    n: int = 0
    best: Best | None = None
    estimator: str = ""
    definition: str = ""
    beside: str = ""
    region: str = ALL
    season: str = ALL

    @property
    def part(self) -> tuple[str, str]:
        """Region and season."""
        return self.region, self.season

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and CSV; NaN becomes None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }

    def distance(self) -> float:
        """How far from good: the less the better; infinite where the score is not defined or has no direction."""
        if not math.isfinite(self.value) or self.best is None:
            return math.inf
        if self.best == "one":  # half and twice are equally wrong
            return abs(math.log(self.value)) if self.value > 0 else math.inf
        return {"low": self.value, "high": -self.value, "zero": abs(self.value)}[self.best]
