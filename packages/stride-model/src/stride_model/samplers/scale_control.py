"""Scale control: sampling that starts from a noised field (SDEdit, Meng et al. 2022, arXiv 2108.01073).

A scale of the field survives where its power exceeds that of the noise. In a basis in which the data's covariance is
diagonal, with variance v of the data in one mode and w of the field, the exact denoiser turns that mode of field +
sigma n into sqrt(v / (v + sigma²)) (field + sigma n). Its squared correlation with the field is w / (w + sigma²): close
to one where w is far above sigma², close to zero where it is far below, and there the mode has the data's variance v
whatever the field had. (For modes as in an orthonormal transform of the pixels, where white noise of standard deviation
sigma has sigma² in each.)
"""

import torch
from torch import Tensor

from stride_model.samplers.protocol import Noise
from stride_model.schedule import karras_schedule


def start_from(
    field: Tensor, noise: Noise, *, sigma: float, n: int, sigma_min: float = 0.002, rho: float = 7.0
) -> tuple[Tensor, Tensor]:
    """State and noise levels with which any sampler goes on from a noised field.

    Where the field lacks power that the data have, it should lack it only at scales whose power in the data is well
    below sigma²: between, the result keeps what the field has, and so misses some.

    Args:
        field: What to start from, such as an upsampled LR field, in the scaled units of the target. [C, H, W], the same
            for all members, or [B, C, H, W].
        noise: Noise of the members; draw 0 is added, as it is the start of sampling from noise.
        sigma: Noise level at which sampling starts.
        n: Number of steps from there.
        sigma_min: Lowest level above 0.
        rho: Spacing, see `karras_schedule`.

    Returns:
        State field + sigma * noise, [B, C, H, W], and falling noise levels [n + 1] that begin with sigma.

    Raises:
        ValueError: sigma not above sigma_min, or another wrong argument of `karras_schedule`.
    """
    if not sigma > sigma_min:
        raise ValueError(f"scale control: sigma {sigma} must be above sigma_min {sigma_min}")
    sigmas = karras_schedule(n, sigma_min, sigma, rho).to(field.device)
    normal = noise(0)
    return field.to(normal) + torch.as_tensor(sigma).to(normal) * normal, sigmas
