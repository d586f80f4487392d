"""What the scores say, in two or three sentences a target."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stride_eval.plots.style import pretty_units
from stride_eval.scores import Score
from stride_eval.summary import number


def verdict(scores: Sequence[Score], target: str, display_name: str, reference: str | None) -> str:
    """Who is best by CRPS, by how much against the reference, and whether its spread fits its error.

    Args:
        scores: all of them.
        target: the variable that is spoken of.
        display_name: its name for people.
        reference: name of the reference system.

    Returns:
        Plain text; empty when there is no CRPS.
    """
    found = {(score.system, score.name): score for score in scores if score.target == target}
    ranked = sorted(
        (score for (_, name), score in found.items() if name == "crps" and math.isfinite(score.value)),
        key=lambda score: score.value,
    )
    if not ranked:
        return ""
    best = ranked[0]
    text = f"{display_name}: {best.system} has "
    text += "a CRPS of " if len(ranked) == 1 else "the lowest CRPS, "
    text += f"{number(best.value)} {pretty_units(best.units)}"
    skill = found.get((best.system, "crps_skill"))
    if skill is not None and math.isfinite(skill.value):
        text += f", {100 * skill.value:.0f} % below {reference}"
        if math.isfinite(skill.lower):
            text += f" (interval {100 * skill.lower:.0f} to {100 * skill.upper:.0f} %)".replace("-", "−")
        if skill.verdict == "not significant":
            chance = skill.lower <= 0.0 <= skill.upper
            text += ", a difference that these dates do not establish" if chance else ", but on very few dates"
    elif best.system == reference and len(ranked) > 1:
        text += ": the reference itself; no system beats it"
    text += "."
    spread = found.get((best.system, "spread_skill"))
    if spread is not None and math.isfinite(spread.value):
        text += f" Its spread is {spread.value:.2f} of its error, {_calibration(spread)}."
    return text


def _calibration(spread: Score) -> str:
    if math.isfinite(spread.lower) and spread.lower <= 1.0 <= spread.upper:
        return "within sampling of a calibrated ensemble's 1"
    if 0.9 <= spread.value <= 1.1:
        return "close to a calibrated ensemble's 1"
    return "too sure of itself (1 is calibrated)" if spread.value < 1 else "wider than it need be (1 is calibrated)"
