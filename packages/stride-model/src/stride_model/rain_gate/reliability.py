"""Reliability: how often the threshold is exceeded where the gate predicts a probability."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ReliabilityBin:
    """Pixels whose predicted probability lies between two values.

    Attributes:
        low: The lower.
        high: The upper.
        count: Number of pixels.
        predicted: Mean of their predicted probability.
        observed: Share of them that exceed the threshold.
        standard_error: Of observed - predicted, from the scatter between cases: the pixels of a case are not
            independent. It is too small where few cases reach the bin.
    """

    low: float
    high: float
    count: int
    predicted: float
    observed: float
    standard_error: float


class Reliability:
    """Sums for a reliability diagram of one channel, taken case by case.

    Args:
        bins: Number of bins of equal width.
    """

    def __init__(self, bins: int = 10) -> None:
        self.counts = torch.zeros(bins, dtype=torch.float64)
        self.predicted = torch.zeros(bins, dtype=torch.float64)
        self.observed = torch.zeros(bins, dtype=torch.float64)
        self.squared_residuals = torch.zeros(bins, dtype=torch.float64)
        self.squared_error = 0.0
        self.cases = 0

    def add(self, logits: Tensor, wet: Tensor, mask: Tensor | None = None) -> None:
        """Take in one case.

        Args:
            logits: Of one case, any shape.
            wet: bool, of the same shape: whether the threshold is exceeded.
            mask: bool, True where it is known; None for everywhere.
        """
        probability = torch.sigmoid(logits.detach().float().cpu()).double().flatten()
        exceeds = wet.cpu().double().flatten()
        if mask is not None:
            known = mask.cpu().flatten()
            probability, exceeds = probability[known], exceeds[known]
        n = len(self.counts)
        inside = (probability * n).long().clamp(max=n - 1)
        counts = torch.bincount(inside, minlength=n).double()
        predicted = torch.bincount(inside, weights=probability, minlength=n)
        observed = torch.bincount(inside, weights=exceeds, minlength=n)
        self.counts += counts
        self.predicted += predicted
        self.observed += observed
        self.squared_residuals += (observed - predicted) ** 2
        self.squared_error += float(((probability - exceeds) ** 2).sum())
        self.cases += 1

    @property
    def brier(self) -> float:
        """Brier score: mean of (probability - exceeds)²; NaN without any pixel."""
        total = float(self.counts.sum())
        return self.squared_error / total if total else float("nan")

    @property
    def error(self) -> float:
        """Mean over pixels of the distance between observed and predicted of their bin (expected calibration error)."""
        return float((self.observed - self.predicted).abs().sum() / self.counts.sum())

    @property
    def sampling_error(self) -> float:
        """What `error` would be on average for perfect probabilities, given the scatter between cases.

        The mean distance of a normal variable from its expectation is sqrt(2 / pi) of its standard deviation.
        """
        return float((2 / torch.pi) ** 0.5 * self.squared_residuals.sqrt().sum() / self.counts.sum())

    def table(self) -> list[ReliabilityBin]:
        """Bins that hold pixels, from the lowest probability up."""
        n = len(self.counts)
        return [
            ReliabilityBin(
                low=b / n,
                high=(b + 1) / n,
                count=int(count),
                predicted=float(self.predicted[b] / count),
                observed=float(self.observed[b] / count),
                standard_error=float(self.squared_residuals[b].sqrt() / count),
            )
            for b, count in enumerate(self.counts.tolist())
            if count
        ]
