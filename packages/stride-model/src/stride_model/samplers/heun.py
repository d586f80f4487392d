"""Stochastic sampler with Heun's 2nd order steps: Karras et al. 2022 (arXiv 2206.00364), algorithm 2."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stride_model.samplers.protocol import Denoiser, Noise

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
        """Relative increase of the noise level at a step (algorithm 2, line 4)."""
        return min(self.s_churn / steps, MAX_GAMMA) if self.s_min <= sigma <= self.s_max else 0.0


@torch.no_grad()
def heun(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    churn: Churn | None = None,
    noise: Noise | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Follow dx/dsigma = (x - D(x; sigma)) / sigma from sigmas[0] down to sigmas[-1].

    N steps cost 2 N - 1 calls of the denoiser when the last level is 0: the last step is Euler's.

    Args:
        denoise: D(x; sigma).
        x: State at sigmas[0]; to start from noise, sigmas[0] times standard normal noise. [B, ...].
        sigmas: Falling noise levels [N + 1], see `karras_schedule`.
        churn: Fresh noise at each step; None for none.
        noise: Source of the fresh noise, called with 1..N at the steps; needed by churn alone. Draw 0 is left for x.
        dtype: Of the state between calls. The denoiser gets the state in it.

    Returns:
        State at sigmas[-1], [B, ...], of `dtype`.

    Raises:
        ValueError: Churn without a source of noise.
    """
    churn = churn or Churn()
    if churn.s_churn > 0 and noise is None:
        raise ValueError("heun: s_churn is above 0 but there is no source of noise; pass noise=")
    steps = len(sigmas) - 1
    levels = sigmas.to(device=x.device, dtype=dtype)
    x = x.to(dtype)
    for i in range(steps):
        sigma, sigma_next = levels[i], levels[i + 1]
        gamma = churn.gamma(float(sigma), steps)
        if gamma > 0 and noise is not None:
            sigma_hat = sigma * (1 + gamma)  # line 5
            x = x + (sigma_hat**2 - sigma**2).sqrt() * churn.s_noise * noise(i + 1).to(x)  # line 6
        else:
            sigma_hat = sigma
        slope = (x - denoise(x, sigma_hat).to(dtype)) / sigma_hat  # line 7
        euler = x + (sigma_next - sigma_hat) * slope  # line 8
        if sigma_next > 0:
            slope_next = (euler - denoise(euler, sigma_next).to(dtype)) / sigma_next  # line 10
            x = x + (sigma_next - sigma_hat) * (slope + slope_next) / 2  # line 11
        else:
            x = euler
    return x
