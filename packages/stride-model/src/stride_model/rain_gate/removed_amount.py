"""How much of a field's total gating removes, and the probability that removes no more than a stated share."""

import torch
from torch import Tensor

_EDGES = torch.sigmoid(torch.linspace(-16.0, 0.0, 641))  # from 1e-7 to 1/2, in steps of 2.5 % of the odds


class RemovedAmount:
    """The amount that stands below each predicted probability, summed case by case.

    Gating removes what stands below its probability. On true fields that is what was really there, so the share that is
    removed bounds the drying; on generated fields it is what switching the gate on changes. No probability above one
    half is ever proposed, where exceeding the threshold is likelier than not.
    """

    def __init__(self) -> None:
        self.cases = 0
        self.total = self.total_squared = 0.0
        self.below, self.below_squared, self.below_times_total = torch.zeros(3, len(_EDGES), dtype=torch.float64)

    def add(self, logits: Tensor, amount: Tensor, mask: Tensor | None = None) -> None:
        """Take in one case of one channel.

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
        below = torch.bincount(buckets, weights=amount, minlength=len(_EDGES) + 1)[:-1].cumsum(0)
        total = float(amount.sum())
        self.cases += 1
        self.total += total
        self.total_squared += total**2
        self.below += below
        self.below_squared += below**2
        self.below_times_total += below * total

    def share_below(self, probability: float) -> float:
        """Share of the total that gating at (the next lower edge to) this probability removes; 0 without any total."""
        edge = int(torch.bucketize(torch.tensor(probability), _EDGES, right=True)) - 1
        return float(self.below[edge]) / self.total if self.total > 0 and edge >= 0 else 0.0

    def probability(self, share: float) -> float:
        """The largest probability below which at most this share of the total stands, by one standard error.

        The standard error is that of a ratio of sums over independent cases; of a single case it is not known and left
        out. 0, which removes nothing, where there is no total to judge by.
        """
        if self.total <= 0:
            return 0.0
        shares = self.below / self.total
        # sum over cases of (below - share * total)²
        scatter = self.below_squared - 2 * shares * self.below_times_total + shares**2 * self.total_squared
        error = (scatter.clamp(min=0) * self.cases / max(self.cases - 1, 1)).sqrt() / self.total
        within = (shares <= share) & (shares + error * (self.cases > 1) <= share + 1e-12)
        allowed = int(within.int().cumprod(0).sum())
        return float(_EDGES[allowed - 1]) if allowed else 0.0
