"""Any UNet as an EDM denoiser whose conditioning is concatenated to its input, upsampled."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from stride_model.conditioning.maps import Conditioning
from stride_model.precondition import coefficients
from stride_model.spec import ModelSpec
from torch import Tensor, nn


class ConcatDenoiser(nn.Module):
    """D(x; sigma, conditioning) with the interface of `EDMDenoiser`, so that our loss and samplers take it.

    Conditions as CorrDiff does (arXiv 2309.15214): the LR field, upsampled bilinearly, becomes input channels.

    Args:
        spec: Channels and shapes; widths and depths are the network's own.
        network: Maps [B, C_out + C_cond, H, W] and c_noise [B] to [B, C_out, H, W].
        channels_last: Memory format of the network and its input.
    """

    def __init__(self, spec: ModelSpec, network: nn.Module, *, channels_last: bool) -> None:
        super().__init__()
        self.spec, self.network = spec, network
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)

    def encode(self, cond_dynamic: Tensor, *_: None, **__: None) -> Conditioning:
        """The LR field on the HR grid: [B, C, h, w] to one map [B, C, H, W]."""
        size = list(self.spec.target_hr_shape)
        return Conditioning((F.interpolate(cond_dynamic, size=size, mode="bilinear", align_corners=False),))

    def forward(self, x: Tensor, sigma: Tensor, conditioning: Conditioning) -> Tensor:
        """Denoise [B, C_out, H, W]; the preconditioning is float32."""
        x = x.float()
        sigma = sigma.to(x).expand(len(x))
        c = coefficients(sigma[:, None, None, None], self.spec.sigma_data)
        given = torch.cat([c.c_in * x, conditioning.levels[0]], dim=1).contiguous(memory_format=self.memory_format)
        return c.c_skip * x + c.c_out * self.network(given, c.c_noise.flatten()).float()

    def bind(self, conditioning: Conditioning) -> Callable[[Tensor, Tensor], Tensor]:
        """The denoiser of these cases as the function (x, sigma) that samplers take."""
        return lambda x, sigma: self(x, sigma, conditioning)
