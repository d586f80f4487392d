"""DPM-Solver++(2M): Lu et al. 2022 (arXiv 2211.01095), algorithm 2, for the noise levels of an EDM."""

import torch
from torch import Tensor

from stride_model.samplers.protocol import Denoiser


@torch.no_grad()
def dpmpp_2m(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Follow the probability-flow ODE from sigmas[0] down to sigmas[-1], one call of the denoiser a step.

    The ODE is linear in x but for the denoiser, so that only the denoiser is approximated: between two levels it is
    extrapolated in lambda = -ln sigma from this level and the one before. The first step, which has none before it, and
    a last step to 0, where lambda has no end, are of first order; to 0 that is the denoiser itself.

    Args:
        denoise: D(x; sigma).
        x: State at sigmas[0]; to start from noise, sigmas[0] times standard normal noise. [B, ...].
        sigmas: Falling noise levels [N + 1], see `karras_schedule`.
        dtype: Of the state between calls. The denoiser gets the state in it.

    Returns:
        State at sigmas[-1], [B, ...], of `dtype`.
    """
    levels = sigmas.to(device=x.device, dtype=dtype)
    x = x.to(dtype)
    before: Tensor | None = None
    for i in range(len(levels) - 1):
        sigma, sigma_next = levels[i], levels[i + 1]
        denoised = denoise(x, sigma).to(dtype)
        direction = denoised
        if before is not None and sigma_next > 0:
            # r = h_(i-1) / h_i with h = lambda_(i+1) - lambda_i (line 8)
            ratio = (levels[i - 1] / sigma).log() / (sigma / sigma_next).log()
            direction = denoised + (denoised - before) / (2 * ratio)
        # exp(-h) = sigma_next / sigma (line 9)
        x = sigma_next / sigma * x + (1 - sigma_next / sigma) * direction
        before = denoised
    return x
