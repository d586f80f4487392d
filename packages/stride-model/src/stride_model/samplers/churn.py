"""Fresh noise before a step: Karras et al. 2022 (arXiv 2206.00364), algorithm 2, lines 4-6."""

import math
from dataclasses import dataclass

from torch import Tensor

from stride_model.samplers.protocol import Noise

MAX_GAMMA = math.sqrt(2) - 1
"""Bound of gamma in algorithm 2: no step adds more noise than is there already."""


@dataclass(frozen=True)
class Churn:
    """How much fresh noise is added before each step.

    Attributes:
        s_churn: Total amount, shared by the steps; 0 makes the sampler deterministic (algorithm 1).
        s_min: Lowest noise level that gets fresh noise.
        s_max: Highest noise level that gets fresh noise.
        s_noise: Standard deviation of the fresh noise.
    """

    s_churn: float = 0.0
    s_min: float = 0.0
    s_max: float = math.inf
    s_noise: float = 1.0

    def gamma(self, sigma: float, steps: int) -> float:
        """Relative increase of the noise level at a step (line 4)."""
        return min(self.s_churn / steps, MAX_GAMMA) if self.s_min <= sigma <= self.s_max else 0.0

    def require(self, noise: Noise | None, sampler: str) -> None:
        """Check that there is noise to add.

        Raises:
            ValueError: Churn without a source of noise.
        """
        if self.s_churn > 0 and noise is None:
            raise ValueError(f"{sampler}: s_churn is above 0 but there is no source of noise; pass noise=")

    def stir(self, x: Tensor, sigma: Tensor, step: int, steps: int, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Raise the noise level before a step.

        Args:
            x: State at `sigma`.
            sigma: Noise level, 0-d.
            step: Number of the step, from 0; its noise is draw step + 1.
            steps: Number of steps.
            noise: Source of the fresh noise.

        Returns:
            State and noise level after it (lines 5 and 6).
        """
        gamma = self.gamma(float(sigma), steps)
        if gamma == 0 or noise is None:
            return x, sigma
        sigma_hat = sigma * (1 + gamma)
        return x + (sigma_hat**2 - sigma**2).sqrt() * self.s_noise * noise(step + 1).to(x), sigma_hat
