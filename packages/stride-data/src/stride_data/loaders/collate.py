"""Samples, or a batch of arrays, to a contract batch of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch


def collate(samples: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """Stack samples to a contract batch of tensors.

    Args:
        samples: What ``ContractDataset`` gives one by one.
        seed: Seed of the loader, for ``meta``.
    """

    def stack(key: str) -> Any:
        values = [sample[key] for sample in samples]
        # A split may mix times with and without target only when it does not need targets: then none is given.
        return None if any(value is None for value in values) else np.stack(values)

    first = samples[0]
    batch = {key: stack(key) for key in first if key not in ("cond_coord", "meta")}
    coord = {key: np.stack([sample["cond_coord"][key] for sample in samples]) for key in first["cond_coord"]}
    timestamps = [time for sample in samples for time in sample["meta"]["timestamps"]]
    return to_tensors({**batch, "cond_coord": coord, "meta": {**first["meta"], "timestamps": timestamps}}, seed)


def to_tensors(batch: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """A contract batch of numpy arrays as tensors, which share their memory.

    The mask is None when every target is observed.

    Args:
        batch: What ``GriddedAdapter.batch`` gives.
        seed: Seed of the loader, for ``meta``.
    """
    result = {key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for key, value in batch.items()}
    if result["mask"] is not None and bool(batch["mask"].all()):
        result["mask"] = None
    result["cond_coord"] = {key: torch.from_numpy(value) for key, value in batch["cond_coord"].items()}
    result["meta"] = {**batch["meta"], "seed": seed}
    return result
