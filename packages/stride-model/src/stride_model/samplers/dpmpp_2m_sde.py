"""SDE-DPM-Solver++(2M): Lu et al. 2022 (arXiv 2211.01095), section 5 (eq. 18), for the noise levels of an EDM."""

import torch
from torch import Tensor

from stride_model.samplers.protocol import Denoiser, Noise


@torch.no_grad()
def dpmpp_2m_sde(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: Noise,
    eta: float = 1.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Follow the reverse-time SDE from sigmas[0] down to sigmas[-1], one call of the denoiser a step.

    With eta 1 this is the diffusion SDE, whose fresh noise forgets earlier errors; with eta 0 the probability-flow ODE
    and so `dpmpp_2m`. The first step and a last step to 0 are of first order.

    Args:
        denoise: D(x; sigma).
        x: State at sigmas[0]; to start from noise, sigmas[0] times standard normal noise. [B, ...].
        sigmas: Falling noise levels [N + 1], see `karras_schedule`.
        noise: Source of the fresh noise, called with 1..N at the steps. Draw 0 is left for x.
        eta: Share of the SDE's noise, 0 to 1.
        dtype: Of the state between calls. The denoiser gets the state in it.

    Returns:
        State at sigmas[-1], [B, ...], of `dtype`.

    Raises:
        ValueError: eta outside 0 to 1.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"dpmpp_2m_sde: eta {eta} must lie between 0, no fresh noise, and 1, all of the SDE's")
    levels = sigmas.to(device=x.device, dtype=dtype)
    x = x.to(dtype)
    before: Tensor | None = None
    for i in range(len(levels) - 1):
        sigma, sigma_next = levels[i], levels[i + 1]
        denoised = denoise(x, sigma).to(dtype)
        if sigma_next == 0:
            x = denoised
            break
        shrink = sigma_next / sigma  # exp(-h)
        kept = shrink * shrink**eta  # exp(-h (1 + eta))
        direction = denoised
        if before is not None:
            ratio = (levels[i - 1] / sigma).log() / (sigma / sigma_next).log()
            direction = denoised + (denoised - before) / (2 * ratio)
        x = kept * x + (1 - kept) * direction
        if eta > 0:
            x = x + sigma_next * (1 - shrink ** (2 * eta)).sqrt() * noise(i + 1).to(x)
        before = denoised
    return x
