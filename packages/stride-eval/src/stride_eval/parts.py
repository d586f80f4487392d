"""Scores of a family by region and season."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stride_eval import registry, seasons
from stride_eval.scores import ALL, Score

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.config import EvalConfig


def scores_of_parts(family: str, results: xr.Dataset, config: EvalConfig, region: str = ALL) -> list[Score]:
    """A family's scores of all dates, and of each season by the statistics of its dates, with intervals of their own.

    Args:
        family: its name.
        results: of the whole grid or of a region.
        config: with the seasons.
        region: name of the region that the results are of.

    Returns:
        A season without dates has no scores; nor has, in a season, a score that the family gives for all dates alone.
    """
    from stride_eval.paired import compared
    from stride_eval.provenance import Provenance

    module = registry.family(family)
    of_all_dates = getattr(module, "OF_ALL_DATES", ())

    def found(part: xr.Dataset) -> list[Score]:
        plain = [replace(score, family=family, region=region) for score in module.scores(part, config)]
        return compared(plain, Provenance.of(part).reference, config.level) if plain else []

    rows = found(results)
    for season, months in config.seasons.items() if rows else ():
        part = seasons.cut(results, months)
        if part is not None:
            rows += [replace(one, season=season) for one in found(part) if one.name not in of_all_dates]
    return rows
