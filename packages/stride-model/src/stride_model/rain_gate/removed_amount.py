"""How much of a field's total gating removes, and the probability that removes no more than a stated share."""

import torch
from torch import Tensor

_EDGES = torch.sigmoid(torch.linspace(-16.0, 0.0, 641))  # from 1e-7 to 1/2, in steps of 2.5 % of the odds


class RemovedAmount:
    """The amount that stands on pixels of each predicted probability, summed as fields come.

    Gating removes what stands below its probability. On true fields that is rain which really fell, so the share that
    is removed bounds the drying; on generated fields it is what switching the gate on changes. No probability above one
    half is ever proposed, where exceeding the threshold is likelier than not.
    """

    def __init__(self) -> None:
        self.amounts = torch.zeros(len(_EDGES) + 1, dtype=torch.float64)

    def add(self, logits: Tensor, amount: Tensor, mask: Tensor | None = None) -> None:
        """Take in fields of one channel.

        Args:
            logits: Any shape.
            amount: Of the same shape, not negative: what the total counts, above the floor.
            mask: bool, True where the amount counts; None for everywhere.
        """
        amount = amount.detach().cpu().double().flatten()
        if mask is not None:
            amount = amount.where(mask.cpu().flatten(), 0.0)
        # Bucket i holds edges[i - 1] <= p < edges[i]: the sum up to it is what gating at edges[i] removes.
        buckets = torch.bucketize(torch.sigmoid(logits.detach().float().cpu()).flatten(), _EDGES, right=True)
        self.amounts += torch.bincount(buckets, weights=amount, minlength=len(self.amounts))

    def share_below(self, probability: float) -> float:
        """Share of the total that gating at (the next lower edge to) this probability removes; 0 without any total."""
        total = float(self.amounts.sum())
        edge = int(torch.bucketize(torch.tensor(probability), _EDGES, right=True))
        return float(self.amounts[:edge].sum()) / total if total > 0 else 0.0

    def probability(self, share: float) -> float:
        """The largest probability below which at most this share of the total stands.

        0, which removes nothing, where there is no total to judge by.
        """
        shares = self.amounts.cumsum(0)[:-1]
        allowed = int((shares <= share * self.amounts.sum()).sum())
        return float(_EDGES[allowed - 1]) if allowed and self.amounts.sum() > 0 else 0.0
