"""Euler's method with churn: Karras et al. 2022 (arXiv 2206.00364), algorithm 2, lines 4 to 8."""

import torch
from torch import Tensor

from stride_model.samplers.churn import Churn
from stride_model.samplers.protocol import Denoiser, Noise


@torch.no_grad()
def euler(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    churn: Churn | None = None,
    noise: Noise | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Follow dx/dsigma = (x - D(x; sigma)) / sigma from sigmas[0] down to sigmas[-1], one call of the denoiser a step.

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
    churn.require(noise, "euler")
    levels = sigmas.to(device=x.device, dtype=dtype)
    x = x.to(dtype)
    for i in range(len(levels) - 1):
        x, sigma_hat = churn.stir(x, levels[i], i, len(levels) - 1, noise)
        slope = (x - denoise(x, sigma_hat).to(dtype)) / sigma_hat
        x = x + (levels[i + 1] - sigma_hat) * slope
    return x
