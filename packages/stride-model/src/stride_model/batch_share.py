"""A share of a batch whose loss is computed on its own: by one of several processes, or in one of several turns.

What a batch has in common (the number of observed values that its mean divides by, the mean weight of a reweighting)
then has to come from outside, so that the shares' losses sum to the whole batch's and their gradients to its gradient.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class BatchShare(NamedTuple):
    """Some neighbouring rows of a batch, and what the loss needs to know of the others.

    Attributes:
        first: Number of the first row.
        size: Rows of the whole batch.
        observed: Observed target values of the whole batch.
        observed_gated: The same of the gated channels alone; 0 without a gate.
        total: Sums a tensor over all shares. Only a reweighting by the gate calls it: then all shares have to be
            computed at the same time.
    """

    first: int
    size: int
    observed: float
    observed_gated: float
    total: Callable[[Tensor], Tensor]


def count_observed(target: Tensor, mask: Tensor | None, channels: tuple[int, ...] | None = None) -> int:
    """Observed values of a target.

    Args:
        target: [B, C, H, W].
        mask: bool, as the target or broadcasting to it, True where observed; None where all is.
        channels: Count these alone; None counts all.
    """
    chosen = target if channels is None else target[:, list(channels)]
    if mask is None:
        return chosen.numel()
    mask = mask.expand_as(target)
    return int((mask if channels is None else mask[:, list(channels)]).sum())
