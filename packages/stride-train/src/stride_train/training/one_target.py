"""One target of each sample of a batch, for a network that serves several targets one at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def choose_targets(target: Tensor, mask: Tensor | None, labels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Takes the target that a label names of every sample.

    Args:
        target: [B, C, H, W], all targets, scaled.
        mask: bool [B, C, H, W], True where they are observed; None where all are.
        labels: int64 [B].

    Returns:
        The chosen targets [B, 1, H, W], and their mask [B, 1, H, W] or None.
    """
    rows = torch.arange(target.shape[0], device=target.device)
    return target[rows, labels][:, None], None if mask is None else mask[rows, labels][:, None]
