"""Samples to a contract batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def collate(samples: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Stack samples to a contract batch of tensors.

    The mask is None when every target is observed.

    Args:
        samples: What ``ContractDataset`` gives.
        seed: Seed of the loader, for ``meta``.
    """

    def stack(key: str) -> torch.Tensor | None:
        values = [sample[key] for sample in samples]
        # A split may mix times with and without target only when it does not need targets: then none is given.
        if any(value is None for value in values):
            return None
        return torch.from_numpy(np.stack(values))

    mask = stack("mask")
    return {
        "target": stack("target"),
        "cond_dynamic": stack("cond_dynamic"),
        "cond_static": stack("cond_static"),
        "cond_context_dynamic": stack("cond_context_dynamic"),
        "cond_context_static": stack("cond_context_static"),
        "cond_time": stack("cond_time"),
        "cond_coord": {
            key: torch.from_numpy(np.stack([sample["cond_coord"][key] for sample in samples]))
            for key in samples[0]["cond_coord"]
        },
        "mask": None if mask is None or bool(mask.all()) else mask,
        "meta": {
            **samples[0]["meta"],
            "timestamps": [time for sample in samples for time in sample["meta"]["timestamps"]],
            "seed": seed,
        },
    }
