"""Weighting noise levels by how uncertain the denoiser still is at them: Karras et al. 2024 (arXiv 2312.02696), B.6."""

import math

import torch
from torch import Tensor, nn


class LevelUncertainty(nn.Module):
    """The logarithm u(sigma) of the expected loss at a noise level, learnt beside the denoiser (eq. 14 and 15).

    Dividing the loss by exp(u) gives every level the same share of the gradient, however much its error can still
    shrink; the summand u keeps it from growing without end. At the start u is 0 everywhere.

    Args:
        features: Number of sines and cosines of ln(sigma).
    """

    frequencies: Tensor

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 * math.pi * torch.logspace(-4, 1, features // 2, base=2.0))
        self.linear = nn.Linear(features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, sigma: Tensor) -> Tensor:
        """Map noise levels [B] to u, float32 [B]."""
        with torch.autocast(sigma.device.type, enabled=False):
            phase = (sigma.float().log() / 4)[:, None] * self.frequencies
            return self.linear(torch.cat([phase.cos(), phase.sin()], dim=1))[:, 0]
