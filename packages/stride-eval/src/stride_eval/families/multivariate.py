"""Whether fields are right as wholes: energy score, variogram score, spread by classes, targets together."""

from __future__ import annotations

from functools import cache

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import daily_sums, interval
from stride_eval.families.score_rows import score_rows
from stride_eval.grid import spacing
from stride_eval.metrics.energy_score import energy_score
from stride_eval.metrics.point_pairs import PointPairs, point_pairs
from stride_eval.metrics.spread_skill_sums import spread_skill_sums
from stride_eval.metrics.variogram_score import variogram_score
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block

PIXELS = ("y", "x")

MAX_PIXELS = 16
"""Largest distance of two pixels that the variogram score compares, in rows."""

MAX_PAIRS = 20_000
"""Pairs of pixels that it compares at most."""

SPREAD_EDGES = np.logspace(-5.0, 4.0, 217)
"""Classes of spread, 24 a decade: fixed, so that dates, systems and variables of any size add up."""


def statistics(block: Block, name: str, spec: VariableSpec, thresholds: np.ndarray, config: EvalConfig) -> xr.Dataset:
    """One system's statistics of each date.

    Returns:
        ``energy``, the energy score of the field with all valid pixels counted alike; ``variogram``, the variogram
        score of order 0.5; ``class_variance``, ``class_squared_error`` and ``class_n``, sums over pixels by class
        of spread.
    """
    forecast, observed = block.members[name], block.observed
    parts = {"energy": energy_score(forecast, observed, estimator="auto")}
    pairs = _pairs(block)
    if pairs is not None:
        parts["variogram"] = variogram_score(forecast, observed, pairs=pairs, estimator="auto")
    if forecast.sizes["member"] > 1:
        sums = spread_skill_sums(forecast, observed, edges=SPREAD_EDGES, dim=PIXELS)
        parts |= {f"class_{key}": values for key, values in sums.items()}
    return xr.Dataset(parts)


def _pairs(block: Block) -> PointPairs | None:
    step = spacing(block.observed["y"], block.observed["x"])
    return _drawn((block.observed.sizes["y"], block.observed.sizes["x"]), (step.y, step.x))


@cache
def _drawn(shape: tuple[int, int], step: tuple[float, float]) -> PointPairs | None:
    if shape == (1, 1):
        return None
    return point_pairs(shape, spacing=step, max_distance=max(MAX_PIXELS * step[0], step[1]), limit=MAX_PAIRS)


def figures(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[FigureRecord]:
    """Energy and variogram scores; spread against error by classes of spread."""
    if not config.all_figures:
        return []
    from stride_eval.plots import field_scores, spread_classes

    found = [field_scores.figure(one, spec, about, config)]
    return found + ([spread_classes.figure(one, spec, about, config)] if about.ensembles else [])


def scores(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """Energy and variogram scores, each with its skill."""
    rows: list[Score] = []
    for name, (label, units, definition) in definitions(spec).items():
        if name not in one:
            continue
        sums = daily_sums(one, [name])
        target = str(one["target"].item())
        rows += score_rows(
            interval(sums, lambda m, name=name: m[name] / m["n"], config), about, target,
            name=name, label=label, units=units, best="low", one_member="one member", definition=definition,
        )  # fmt: skip
        if about.reference is not None:
            rows += score_rows(
                interval(sums, lambda m, name=name: _skill(m[name], about), config), about, target,
                name=f"{name}_skill", label=f"{label} skill", units="%", best="high",
                definition=f"1 less the ratio of the mean {label.lower()} to that of the reference "
                f"{about.reference!r}; the interval is paired by date.",
                without={about.reference}, beside=name, reference_value=0.0,
            )  # fmt: skip
    return rows


def _skill(score: xr.DataArray, about: Provenance) -> xr.DataArray:
    reference = score.sel(system=about.reference, drop=True)
    return 100.0 - 100.0 * score / reference.where(reference > 0)


def definitions(spec: VariableSpec) -> dict[str, tuple[str, str, str]]:
    """Score -> label, units, definition."""
    return {
        "energy": (
            "Energy score", spec.units,
            "The CRPS of whole fields (fair): mean distance of the members' fields from the observed one, less half "
            "the mean distance between members; distance is the root mean square over the pixels, all counted alike. "
            "For one member it is that distance.",
        ),
        "variogram": (
            "Variogram score", spec.units,
            "Mean squared difference between the observed and the members' mean root of the absolute difference of two "
            f"pixels (order 0.5, fair), over at most {MAX_PAIRS:,} fixed random pairs up to {MAX_PIXELS} rows apart, "
            "weighted by the inverse of their distance: tells wrong dependence between pixels.",
        ),
    }  # fmt: skip
