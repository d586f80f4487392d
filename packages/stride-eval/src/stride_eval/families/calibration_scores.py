"""Rows of the summary table on calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.calibration_parts import coverage_parts, crps_parts, event_parts, rank_parts, rank_test
from stride_eval.families.ensemble_size import OF_EQUAL_SIZE
from stride_eval.families.score_rows import score_rows
from stride_eval.provenance import Provenance
from stride_eval.scores import OBSERVED, Best, Score


def crps_rows(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """Reliability and resolution of the CRPS; the uncertainty as the resolution of the observed."""
    found = _of_systems({name: crps_parts(one, name, about.members[name], config) for name in about.ensembles})
    words: dict[str, tuple[str, Best | None, str]] = {
        "reliability": (
            "CRPS reliability", "low",
            "Part of the CRPS (ecdf form) that right probabilities would spare: how far the frequency of the "
            "observation below each gap between ordered members is from i / M. A calibrated ensemble's falls with the "
            "number of members, it is not 0.",
        ),
        "resolution": (
            "CRPS resolution", None,
            "Uncertainty less potential CRPS: what the ensemble, were its probabilities right, would gain on always "
            "forecasting the pooled observed climate, whose CRPS, the uncertainty, stands in the row of the observed. "
            "It grows with the number of members. Too little spread can raise it: read it beside the reliability.",
        ),
    }  # fmt: skip
    rows = []
    for part, (label, best, definition) in words.items():
        rows += _rows(
            found, part, about, one, name=f"crps_{part}", label=label, units=spec.units, best=best,
            definition=definition, systems=about.ensembles,
        )  # fmt: skip
    return [*rows, _observed(found, rows[-1])]


def rank_rows(one: xr.Dataset, about: Provenance, config: EvalConfig) -> list[Score]:
    """Slope and convexity of the rank histograms, with their tests."""
    found = _of_systems({name: rank_parts(one, name, about.members[name], config) for name in about.ensembles})
    tests = {name: rank_test(one, name, about.members[name], config) for name in about.ensembles}
    words = {
        "slope": "Linear component of the rank histogram (mean 0, variance 1): above 0 forecasts are too low, below 0 "
        "too high",
        "convexity": "Quadratic component of the rank histogram (mean 0, variance 1): above 0 a U, too little spread, "
        "below 0 a hump, too much",
    }
    rows = []
    for part, definition in words.items():
        notes = {name: _p_words(float(test[f"{part}_p"])) for name, test in tests.items()}
        rows += _rows(
            found, part, about, one, name=f"rank_{part}", label=f"Rank {part}", units="1", best="zero",
            definition=f"{definition}; p: test against 0 from the scatter between blocks of dates.",
            notes=notes, systems=about.ensembles,
        )  # fmt: skip
    return rows


def coverage_rows(
    one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig, level: float
) -> list[Score]:
    """Coverage and width of a central interval."""
    parts = {name: coverage_parts(one, name, about.members[name], level, config) for name in about.ensembles}
    found = _of_systems(parts)
    percent = f"{100 * level:g}"
    notes = {
        name: "{:.0f} % of {:.0f} %".format(
            *(100 * float(part["estimate"].sel(part=key)) for key in ("coverage", "nominal"))
        )
        for name, part in parts.items()
        if np.isfinite(part["estimate"].sel(part="coverage"))
    }
    return [
        *_rows(
            found, "error", about, one,
            name=f"coverage_error_{percent}", label=f"Coverage error {percent} %", units="points", best="zero",
            definition="Share of observations in the central interval between the ordered members nearest to "
            f"{percent} %, ties shared, less the share that a calibrated ensemble of as many members has.",
            notes=notes, systems=about.ensembles,
        ),
        *_rows(
            found, "width", about, one,
            name=f"interval_width_{percent}", label=f"Width {percent} %", units=spec.units, best=None,
            definition="Mean width of that interval: of two ensembles with right coverage the narrower one is better.",
            systems=about.ensembles,
        ),
    ]  # fmt: skip


def event_rows(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig, index: int) -> list[Score]:
    """Brier score, its isotonic parts and the ROC area at one threshold."""
    found = _of_systems({name: event_parts(one, name, about.members[name], index, config) for name in about.systems})
    level = f"{float(one['thresholds'].isel(threshold=index)):g}"
    event = f"≥ {level} {'' if spec.units == '1' else spec.units}".rstrip()
    words: dict[str, tuple[str, str, str, Best, str]] = {
        "brier": (
            "brier", "Brier score", "1", "low",
            "Mean squared difference of the share of members with the event and its outcome, 0 or 1, less what the "
            "number of members adds to it (fair form; one member: the plain one).",
        ),
        "miscalibration": (
            "brier_miscalibration", "Miscalibration", "%", "low",
            "Part of the Brier score that isotonic recalibration of the share of members would spare (CORP), in per "
            "cent of the uncertainty, the Brier score of always stating the observed frequency. Few members cost some "
            f"also where they are calibrated: {OF_EQUAL_SIZE}.",
        ),
        "discrimination": (
            "brier_discrimination", "Discrimination", "%", "high",
            "What the recalibrated share of members gains on always stating the observed frequency (CORP), in per cent "
            "of the Brier score of that; less the miscalibration it is the Brier skill (of the plain form). It grows "
            f"with the number of members: {OF_EQUAL_SIZE}.",
        ),
        "area": (
            "roc_area", "ROC area", "1", "high",
            "Chance that more members have the event where it was observed than where it was not, ties counting one "
            f"half: 1 perfect, 0.5 without discrimination. It grows with the number of members: {OF_EQUAL_SIZE}.",
        ),
    }  # fmt: skip
    forms = {name: "fair" if members > 1 else "one member" for name, members in about.members.items()}
    rows = []
    for part, (name, label, units, best, definition) in words.items():
        rows += _rows(
            found, part, about, one, name=f"{name}_{level}", label=f"{label} {event}", units=units, best=best,
            definition=definition, notes=forms if part == "brier" else None,
        )  # fmt: skip
    return rows


def _of_systems(parts: dict[str, xr.Dataset]) -> xr.Dataset:
    names = xr.DataArray(list(parts), dims="system", name="system")
    return xr.concat(list(parts.values()), dim=names, coords="minimal", compat="override", join="exact")


def _rows(
    found: xr.Dataset,
    part: str,
    about: Provenance,
    one: xr.Dataset,
    *,
    name: str,
    label: str,
    units: str,
    best: Best | None,
    definition: str,
    notes: dict[str, str] | None = None,
    systems: Sequence[str] | None = None,
) -> list[Score]:
    """Rows of one part, with a note beside each system's number."""
    without = set(about.systems) - set(about.systems if systems is None else systems)
    rows = score_rows(
        found.sel(part=part), about, str(one["target"].item()), name=name, label=label, units=units, best=best,
        definition=definition, without=without,
    )  # fmt: skip
    return [replace(row, estimator=(notes or {}).get(row.system, "")) for row in rows]


def _observed(found: xr.Dataset, like: Score) -> Score:
    """The uncertainty: what a perfect forecast resolves."""
    parts = found.isel(system=0).sel(part="uncertainty")
    numbers = {name: float(parts[key]) for name, key in (("value", "estimate"), ("lower", "lower"), ("upper", "upper"))}
    return replace(like, system=OBSERVED, **numbers)


def _p_words(p: float) -> str:
    """``p = 0.03``; nothing where there is no test."""
    return "" if not np.isfinite(p) else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
