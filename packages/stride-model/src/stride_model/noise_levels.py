"""Which noise levels training sees.

The levels of a batch are stratified: one from each of n equally probable parts of the distribution, in random order.
Each level on its own has the distribution, and the batch's mean loss scatters less than with independent levels (the
"low-discrepancy sampler" of Kingma et al. 2021, arXiv 2107.00630, appendix I.1).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class NoiseLevels(Protocol):
    """A distribution of sigma."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n noise levels, float32 [n], on the generator's device."""
        ...

    def share_above(self, sigma: float) -> float:
        """Probability of a noise level above sigma."""
        ...


@dataclass(frozen=True)
class LogNormal:
    """ln(sigma) ~ N(p_mean, p_std²): Karras et al. 2022 (arXiv 2206.00364), section 5 and table 1.

    Attributes:
        p_mean: Mean of ln(sigma).
        p_std: Standard deviation of ln(sigma).
    """

    p_mean: float = -1.2
    p_std: float = 1.2

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n noise levels, float32 [n], on the generator's device."""
        normal = math.sqrt(2) * torch.erfinv(2 * _stratified(n, generator) - 1)
        return (self.p_mean + self.p_std * normal).exp()

    def share_above(self, sigma: float) -> float:
        """Probability of a noise level above sigma."""
        return 0.5 * math.erfc((math.log(sigma) - self.p_mean) / (self.p_std * math.sqrt(2)))


@dataclass(frozen=True)
class LogUniform:
    """ln(sigma) evenly spread between two levels.

    Attributes:
        sigma_min: Lowest level, above 0.
        sigma_max: Highest level.
    """

    sigma_min: float
    sigma_max: float

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            raise ValueError(f"noise levels: sigma_min {self.sigma_min} must be above 0 and below {self.sigma_max}")

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n noise levels, float32 [n], on the generator's device."""
        low, high = math.log(self.sigma_min), math.log(self.sigma_max)
        return (low + (high - low) * _stratified(n, generator)).exp()

    def share_above(self, sigma: float) -> float:
        """Probability of a noise level above sigma."""
        low, high = math.log(self.sigma_min), math.log(self.sigma_max)
        return min(max((high - math.log(sigma)) / (high - low), 0.0), 1.0)


def _stratified(n: int, generator: torch.Generator) -> Tensor:
    """Numbers within (0, 1), one from each n-th part, in random order, [n]."""
    device = generator.device
    parts = torch.randperm(n, generator=generator, device=device)
    drawn = (parts + torch.rand(n, generator=generator, device=device)) / n
    return drawn.clamp(1e-7, 1 - 1e-7)  # a quantile of 0 or 1 would be a noise level of 0 or infinity
