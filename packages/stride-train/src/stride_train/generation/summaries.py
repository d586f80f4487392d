"""Fields made from all members of a case: probability matched mean, mean and spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stride_vars.pmm import probability_matched_mean

from stride_train.config import GenerateConfig


def asked_summaries(config: GenerateConfig, members: int) -> tuple[str, ...]:
    """Groups of the summaries that are asked for; none of a single member, which says it all."""
    asked = {"pmm": config.pmm, "mean": config.mean, "spread": config.spread}
    return tuple(name for name, wanted in asked.items() if wanted and members > 1)


def summarise(members: np.ndarray, asked: Sequence[str]) -> dict[str, np.ndarray]:
    """Summaries of one case.

    Args:
        members: [M, C, H, W], M at least 2.
        asked: Which: `pmm` (Ebert 2001), `mean`, `spread` (standard deviation with M - 1 in the denominator).

    Returns:
        By name, float32 [C, H, W].
    """
    made: dict[str, np.ndarray] = {}
    if "pmm" in asked:
        made["pmm"] = probability_matched_mean(members)
    if "mean" in asked:
        made["mean"] = members.mean(axis=0, dtype=np.float64).astype(np.float32)
    if "spread" in asked:
        made["spread"] = members.std(axis=0, ddof=1, dtype=np.float64).astype(np.float32)
    return made
