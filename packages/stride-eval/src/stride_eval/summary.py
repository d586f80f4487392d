"""The scores of all families as one table: nested for programs, tidy for files, rows for the report."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stride_eval.scores import ALL, OBSERVED, Score

Summary = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""system -> target -> score -> the values of ``KEYS``; plain numbers, None where not defined."""

COMPARED = ("difference", "difference_lower", "difference_upper", "verdict")
"""The paired comparison with the reference system."""

KEYS = ("value", "lower", "upper", "units", "n", "estimator", *COMPARED)
"""What is told of a score."""


def of_part(scores: Iterable[Score], region: str = ALL, season: str = ALL) -> list[Score]:
    """The scores of a region and season; of the whole where none is named."""
    return [score for score in scores if score.part == (region, season)]


def nested(scores: Iterable[Score], region: str = ALL, season: str = ALL) -> Summary:
    """Scores of the systems as system -> target -> score -> numbers; the observed values are no system's.

    Args:
        scores: of any regions and seasons.
        region: taken of them.
        season: taken of them.
    """
    result: Summary = {}
    for score in of_part(scores, region, season):
        if score.system == OBSERVED:
            continue
        plain = score.as_dict()
        entry = {key: plain[key] for key in KEYS}
        result.setdefault(score.system, {}).setdefault(score.target, {})[score.name] = entry
    return result


def best_systems(scores: Sequence[Score]) -> Mapping[tuple[str, str], set[str]]:
    """(target, score) -> the systems that are best at it; equals share it, a lone system wins nothing.

    Args:
        scores: of one region and season (``of_part``).
    """
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        groups.setdefault((score.target, score.name), []).append(score)
    best = {}
    for key, rivals in groups.items():
        distances = {score.system: score.distance() for score in rivals if score.system != OBSERVED}
        finite = {system: value for system, value in distances.items() if math.isfinite(value)}
        if len(finite) > 1:
            least = min(finite.values())
            best[key] = {
                system for system, value in finite.items() if math.isclose(value, least, rel_tol=1e-12, abs_tol=1e-15)
            }
    return best


def as_json(scores: Sequence[Score], about: Mapping[str, Any]) -> str:
    """The nested table with what it is a table of, as JSON text."""
    definitions = {score.name: score.definition for score in scores if score.definition}
    observed: dict[str, dict[str, float | None]] = {}
    for score in of_part(scores):
        if score.system == OBSERVED:
            observed.setdefault(score.target, {})[score.name] = score.as_dict()["value"]
    whole = {**about, "definitions": definitions, "observed": observed, "scores": nested(scores)}
    parts = [part for part in dict.fromkeys(score.part for score in scores) if part != (ALL, ALL)]
    whole["parts"] = [
        {"region": region, "season": season, "scores": nested(scores, region, season)} for region, season in parts
    ]
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(scores: Sequence[Score]) -> str:
    """One line a region, season, system, target and score."""
    columns = ("region", "season", "system", "target", "name", *KEYS, "family")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for score in scores:
        plain = score.as_dict()
        writer.writerow(["" if plain[column] is None else plain[column] for column in columns])
    return text.getvalue()


def number(value: float, units: str = "", *, beside: Iterable[float] = ()) -> str:
    """A score for people: about three significant digits, with as many decimals as its neighbours have.

    Args:
        value: the score.
        units: percentages and points get one decimal; ratios ("1") are never written with powers of ten.
        beside: the other values of the same score; the largest of them sets the decimals.
    """
    if not math.isfinite(value):
        return "–"
    if units in {"%", "points"}:
        return _unsigned_zero(f"{value:.1f}")
    size = max((abs(other) for other in (value, *beside) if math.isfinite(other)), default=0.0)
    if size and units != "1" and not 1e-3 <= size < 1e5:
        return f"{value:.2e}".replace("-", "−")
    return _unsigned_zero(f"{value:.{3 if size < 1 else 2 if size < 100 else 1}f}")


def _unsigned_zero(text: str) -> str:
    """Minus signs as printed in books, and none before a zero."""
    return (text if float(text) else text.removeprefix("-")).replace("-", "−")
