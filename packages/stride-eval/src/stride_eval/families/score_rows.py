"""Rows of the summary table from a score's estimate and interval of every system."""

from __future__ import annotations

import math
from collections.abc import Collection

import xarray as xr

from stride_eval.families.intervals import resampled
from stride_eval.provenance import Provenance
from stride_eval.scores import Best, Score


def score_rows(
    found: xr.Dataset,
    about: Provenance,
    target: str,
    *,
    name: str,
    label: str,
    units: str,
    best: Best | None,
    definition: str,
    one_member: str = "",
    without: Collection[str | None] = (),
    beside: str = "",
    reference_value: float = math.nan,
) -> list[Score]:
    """One row a system.

    Args:
        found: of ``interval``, along ``system``.
        about: what the results are of.
        target: key of the variable.
        name: as in ``Score``, and so are the following ones.
        label: heading for people.
        units: of the score.
        best: which values are good.
        definition: one sentence.
        one_member: estimator of systems of one member; the others' is "fair". Empty: none is named.
        without: systems that get no row.
        beside: name of the score in whose cell this one stands.
        reference_value: what the reference has by definition, where it has no row.
    """
    rows = []
    for system in about.systems:
        if system in without:
            continue
        one = found.sel(system=system)
        rows.append(
            Score(
                system=system,
                target=target,
                name=name,
                label=label,
                units=units,
                value=float(one["estimate"]),
                lower=float(one["lower"]),
                upper=float(one["upper"]),
                n=int(one["n"]),
                best=best,
                estimator="" if not one_member else one_member if about.members[system] == 1 else "fair",
                definition=definition,
                beside=beside,
                reference_value=reference_value,
                resampled=resampled(one),
            )
        )
    return rows
