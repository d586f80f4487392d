"""One target of each sample of a batch, for a network that serves several targets one at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_targets(
    target: Tensor, mask: Tensor | None, generator: torch.Generator
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Draws one of the targets for every sample, each as likely as any other.

    The draw belongs to the training step, as its noise does, so that it does not depend on the loader's workers.

    Args:
        target: [B, C, H, W], all targets, scaled.
        mask: bool [B, C, H, W], True where they are observed; None where all are.
        generator: Of the training step, on the CPU.

    Returns:
        The drawn targets [B, 1, H, W], their mask [B, 1, H, W] or None, and their numbers, int64 [B].
    """
    samples, targets = target.shape[:2]
    labels = torch.randint(targets, (samples,), generator=generator).to(target.device)
    rows = torch.arange(samples, device=target.device)
    return target[rows, labels][:, None], None if mask is None else mask[rows, labels][:, None], labels
