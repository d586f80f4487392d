"""Stochastic sampler with Heun's 2nd order steps: Karras et al. 2022 (arXiv 2206.00364), algorithm 2."""

import torch
from torch import Tensor

from stride_model.samplers.churn import Churn
from stride_model.samplers.protocol import Denoiser, Noise


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
    churn.require(noise, "heun")
    steps = len(sigmas) - 1
    levels = sigmas.to(device=x.device, dtype=dtype)
    x = x.to(dtype)
    for i in range(steps):
        sigma_next = levels[i + 1]
        x, sigma_hat = churn.stir(x, levels[i], i, steps, noise)  # lines 4 to 6
        slope = (x - denoise(x, sigma_hat).to(dtype)) / sigma_hat  # line 7
        euler = x + (sigma_next - sigma_hat) * slope  # line 8
        if sigma_next > 0:
            slope_next = (euler - denoise(euler, sigma_next).to(dtype)) / sigma_next  # line 10
            x = x + (sigma_next - sigma_hat) * (slope + slope_next) / 2  # line 11
        else:
            x = euler
    return x
