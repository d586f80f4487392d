"""Dates that a system did best, middling and worst on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stride_eval.config import Rank
from stride_eval.metrics.crps import crps_ensemble
from stride_eval.systems import Systems

_SHARES: dict[Rank, float] = {"best": 0.0, "median": 0.5, "worst": 1.0}


def ranked_dates(systems: Systems, key: str, ranks: Sequence[Rank]) -> list[tuple[str, str]]:
    """Dates by the CRPS of the first system that is not the reference.

    Where there is a reference, dates are ordered by the difference of both CRPS: the CRPS alone grows with the amount,
    and its best dates are those without rain.

    Args:
        systems: what is evaluated.
        key: a target.
        ranks: which dates are wanted.

    Returns:
        Dates and the reason in words, in the order of ``ranks``; none without observations.
    """
    if not ranks or systems.observer is None:
        return []
    judged = next((name for name in systems.names if name != systems.reference), systems.names[0])
    compared = [judged] if systems.reference in (None, judged) else [judged, systems.reference]
    means = []
    for block in systems.blocks(key):
        crps = [
            crps_ensemble(block.members[name], block.observed, estimator="auto", dim=("y", "x")).values
            for name in compared
        ]
        means.append(crps[0] - crps[1] if len(crps) == 2 else crps[0])
    score = np.concatenate(means)
    order = [int(place) for place in np.argsort(score, kind="stable") if np.isfinite(score[place])]
    if not order:
        return []
    against = f", less that of {compared[1]}," if len(compared) == 2 else ""
    words = f"CRPS of {judged}{against} of the {len(order)} dates"
    return [(systems.times[order[round(_SHARES[rank] * (len(order) - 1))]], f"{rank} {words}") for rank in ranks]
