"""Noise levels of a sampler."""

import math

import torch
from torch import Tensor


def karras_schedule(n: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> Tensor:
    """Noise levels of Karras et al. 2022 (arXiv 2206.00364), eq. 5.

    sigma_i = (sigma_max^(1/rho) + i / (n - 1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho, then 0.

    Args:
        n: Number of steps, at least 1. With 1 the only level is sigma_max.
        sigma_min: Lowest level above 0.
        sigma_max: Highest level.
        rho: How much steps are shortened near sigma_min; 1 spaces them evenly, infinity by a constant ratio. A field
            whose variance falls over decades from large to small scales is denoised scale by scale: a high rho treats
            all of them alike, a low one leaves too much variance in the small ones.

    Returns:
        float64 [n + 1], falling, the last exactly 0.

    Raises:
        ValueError: n below 1, or not 0 < sigma_min < sigma_max, or rho not above 0.
    """
    if n < 1:
        raise ValueError(f"schedule: {n} steps; give at least 1")
    if not 0 < sigma_min < sigma_max:
        raise ValueError(f"schedule: sigma_min {sigma_min} must be above 0 and below sigma_max {sigma_max}")
    if rho <= 0:
        raise ValueError(f"schedule: rho {rho} must be above 0")
    ramp = torch.arange(n, dtype=torch.float64) / max(n - 1, 1)
    if math.isinf(rho):
        levels = sigma_max * (sigma_min / sigma_max) ** ramp
    else:
        low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
        levels = (high + ramp * (low - high)) ** rho
    return torch.cat([levels, levels.new_zeros(1)])
