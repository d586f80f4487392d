"""The sampler that a configuration names."""

from __future__ import annotations

import torch
from stride_model.samplers.churn import Churn
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.dpmpp_2m_sde import dpmpp_2m_sde
from stride_model.samplers.euler import euler
from stride_model.samplers.heun import heun
from stride_model.samplers.protocol import Denoiser, Noise
from stride_model.samplers.scale_control import start_from
from stride_model.schedule import karras_schedule

from stride_train.config import SamplerConfig


def sample_members(
    config: SamplerConfig,
    denoise: Denoiser,
    noise: Noise,
    device: torch.device,
    start: tuple[torch.Tensor, float] | None = None,
) -> torch.Tensor:
    """Draws a batch of members.

    Args:
        config: Method and noise levels.
        denoise: D(x; sigma) of the batch.
        noise: Its noise by number; draw 0 is where sampling starts.
        device: Where the noise levels go.
        start: Scaled field [C, H, W] that all members start from, and the noise level to start at; None for noise.

    Returns:
        Clean fields [B, C, H, W] in scaled units.
    """
    if start is None:
        sigmas = karras_schedule(config.steps, config.sigma_min, config.sigma_max, config.rho).to(device)
        x = sigmas[0] * noise(0)
    else:
        field, sigma = start
        x, sigmas = start_from(
            field.to(device), noise, sigma=sigma, n=config.steps, sigma_min=config.sigma_min, rho=config.rho
        )
    churn = Churn(config.s_churn, config.s_min, config.s_max, config.s_noise)
    match config.method:
        case "heun":
            return heun(denoise, x, sigmas, churn=churn, noise=noise)
        case "euler":
            return euler(denoise, x, sigmas, churn=churn, noise=noise)
        case "dpmpp_2m":
            return dpmpp_2m(denoise, x, sigmas)
        case "dpmpp_2m_sde":
            return dpmpp_2m_sde(denoise, x, sigmas, noise=noise, eta=config.eta)
