"""Some rows of a contract batch."""

from __future__ import annotations

from typing import Any

import torch


def batch_rows(batch: dict[str, Any], rows: slice) -> dict[str, Any]:
    """The samples of a contract batch that a slice names.

    Args:
        batch: A contract batch of tensors.
        rows: Which samples.

    Returns:
        A contract batch whose tensors share the other's memory.
    """

    def of(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value[rows]
        return {key: of(each) for key, each in value.items()} if isinstance(value, dict) else value

    chosen = {key: of(value) for key, value in batch.items() if key != "meta"}
    return {**chosen, "meta": {**batch["meta"], "timestamps": batch["meta"]["timestamps"][rows]}}
