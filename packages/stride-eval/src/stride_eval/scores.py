"""One number of the summary: a score of a system for a target, with its interval and sample count."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

OBSERVED = "observed"
"""Stands in place of a system's name for what was observed; no system may be called so."""

ALL = "all"
"""Name of the whole grid as a region, and of all dates as a season."""

Best = Literal["low", "high", "zero", "one"]

Verdict = Literal["better", "worse", "not significant", ""]


@dataclass(frozen=True, eq=False)
class Resampled:
    """A score in each resample of the dates; two of the same dates have the same dates drawn in each place.

    Attributes:
        values: of the score [resample].
        dates: whether a date entered [time].
        blocks: of dates that entered.
    """

    values: np.ndarray
    dates: np.ndarray
    blocks: int


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
        family: that gives it.
        reference_value: what the reference has by definition where it has no row (0 for a skill); NaN otherwise.
        difference: the score less the reference's; where zero or one is best, of their distances from it (from one: of
            the natural logarithms). NaN where nothing is compared.
        difference_lower, difference_upper: its interval, paired by date.
        verdict: whether that tells the system from the reference; empty where nothing is compared.
        resampled: what the interval was made of; is not written to files.
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
    family: str = ""
    reference_value: float = math.nan
    difference: float = math.nan
    difference_lower: float = math.nan
    difference_upper: float = math.nan
    verdict: Verdict = ""
    resampled: Resampled | None = field(default=None, repr=False, compare=False)

    @property
    def part(self) -> tuple[str, str]:
        """Region and season."""
        return self.region, self.season

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and CSV; NaN becomes None."""
        plain = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "resampled"}
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in plain.items()
        }

    def distance(self) -> float:
        """How far from good: the less the better; infinite where the score is not defined or has no direction."""
        if not math.isfinite(self.value) or self.best is None:
            return math.inf
        if self.best == "one":  # half and twice are equally wrong
            return abs(math.log(self.value)) if self.value > 0 else math.inf
        return {"low": self.value, "high": -self.value, "zero": abs(self.value)}[self.best]
