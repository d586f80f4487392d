"""Tables of scores by region and season for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stride_eval.config import EvalConfig
from stride_eval.provenance import Provenance
from stride_eval.report.score_table import family_tables, headline_table
from stride_eval.scores import ALL, Score
from stride_eval.summary import of_part


def part_tables(scores: Sequence[Score], about: Provenance, config: EvalConfig) -> list[dict[str, Any]]:
    """A table for each region and season beside the whole, in the order of the configuration.

    Args:
        scores: of all parts.
        about: systems and targets.
        config: with the months of the seasons.

    Returns:
        For each part ``title``, ``dates`` (the largest number that a score rests on) and ``targets``: of each ``name``,
        ``table`` and ``families``.
    """
    found = []
    for region, season in dict.fromkeys(score.part for score in scores):
        if (region, season) == (ALL, ALL):
            continue
        here = of_part(scores, region, season)
        months = "" if season == ALL else f" (months {', '.join(map(str, config.seasons[season]))})"
        title = ", ".join(word for word in (region if region != ALL else "", season if season != ALL else "") if word)
        targets = [
            {
                "name": spec.display_name,
                "table": headline_table(here, key, about.members),
                "families": family_tables(here, key, about.members),
            }
            for key, spec in about.specs.items()
            if any(score.target == key for score in here)
        ]
        found.append({"title": title, "months": months, "dates": max(score.n for score in here), "targets": targets})
    return found
