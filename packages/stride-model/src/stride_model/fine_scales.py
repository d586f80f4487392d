"""The finest scales of a noisy field, brought to unit variance: what the network sees and what passes it by.

Fields whose power falls steeply with wavenumber hold next to nothing at their finest scales, where noise of any level
has most of its power. Preconditioning with one sigma_data leaves it to the network to cancel that noise to a hundredth
of its size, pixel by pixel; an undertrained one leaves grain in its samples. Two things help: its input is normalised
scale by scale, and a multiple of each normalised scale, learnt as a function of the noise level, is added to its
output. For a Gaussian field the best denoiser is linear, one gain a wavenumber (Wiener 1949), and this is that gain for
the finest ones.

Scales are differences of ever smoother fields: the a trous transform with the B3 spline (Starck and Murtagh 2006,
"Astronomical Image and Data Analysis", section 2.2).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.spec import ModelSpec
from stride_model.unet.blocks import zero
from stride_model.unet.embedding import NoiseEmbedding

_SPLINE = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_EMBEDDING_CHANNELS = 32


def bands(x: Tensor, scales: int) -> tuple[Tensor, ...]:
    """The finest scales of fields: of about 2, 4, 8 ... pixels. What they leave is the smooth rest.

    Args:
        x: [B, C, H, W]; beyond its edges the outermost values go on.
        scales: How many.

    Returns:
        As many tensors like x, finest first.
    """
    found = []
    for scale in range(scales):
        smooth = _smooth(x, 2**scale)
        found.append(x - smooth)
        x = smooth
    return tuple(found)


def white_equivalent(x: Tensor, scales: int, observed: Tensor | None = None) -> Tensor:
    """Standard deviation of white noise that has as much power as a field in each of its finest scales.

    Args:
        x: [B, C, H, W].
        scales: How many.
        observed: bool, as x: what counts; all where omitted.

    Returns:
        float64 [C, scales], finest first. With n in place of x being noise of level n in all scales.
    """
    count = (torch.ones_like(x, dtype=torch.bool) if observed is None else observed).double()
    power = [((part.double() ** 2) * count).sum(dim=(0, 2, 3)) for part in bands(x, scales)]
    shares = torch.tensor(noise_stds(scales), dtype=torch.float64)
    return (torch.stack(power, dim=1) / count.sum(dim=(0, 2, 3)).clamp(min=1)[:, None]).sqrt() / shares


def noise_stds(scales: int) -> tuple[float, ...]:
    """Standard deviation of each of the finest scales of white noise of unit variance."""
    impulse = torch.zeros(1, 1, *[2 ** (scales + 2) + 1] * 2, dtype=torch.float64)
    impulse[..., 2 ** (scales + 1), 2 ** (scales + 1)] = 1
    return tuple(float(part.square().sum().sqrt()) for part in bands(impulse, scales))


class FineScales(nn.Module):
    """The finest scales of a noisy field at unit variance, and the multiple of them that passes the network by.

    Args:
        spec: With `fine_scale_std`.
    """

    normal: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.noise_stds = noise_stds(len(spec.fine_scale_std[0]))
        # [scales, C]: of a field, in units of white noise.
        self.register_buffer("normal", torch.tensor(spec.fine_scale_std).T.contiguous(), persistent=False)
        self.embedding = NoiseEmbedding(_EMBEDDING_CHANNELS)
        self.gains = zero(nn.Linear(_EMBEDDING_CHANNELS, sum(map(len, spec.fine_scale_std))))

    def forward(self, x: Tensor, sigma: Tensor, c_noise: Tensor) -> tuple[Tensor, Tensor]:
        """Split a noisy field.

        Args:
            x: [B, C, H, W], float32.
            sigma: [B].
            c_noise: [B].

        Returns:
            [B, scales * C, H, W], one scale after the other; and [B, C, H, W], to be added to the network's output.
        """
        with torch.autocast(x.device.type, enabled=False):
            stds = torch.hypot(self.normal, sigma[:, None, None])  # [B, scales, C]
            parts = [
                part / (share * std[:, :, None, None])
                for part, share, std in zip(
                    bands(x, len(self.noise_stds)), self.noise_stds, stds.unbind(dim=1), strict=True
                )
            ]
            seen = torch.cat(parts, dim=1)
            gains = self.gains(self.embedding(c_noise))[:, :, None, None]
            passed = (gains * seen).unflatten(1, (len(parts), -1)).sum(dim=1)
        return seen, passed


def _smooth(x: Tensor, step: int) -> Tensor:
    """Convolve with the B3 spline, its taps `step` pixels apart, along rows and columns."""
    channels, taps = x.shape[1], x.new_tensor(_SPLINE)
    x = F.pad(x, [2 * step] * 4, mode="replicate")
    x = F.conv2d(x, taps.reshape(1, 1, 5, 1).expand(channels, -1, -1, -1), dilation=(step, 1), groups=channels)
    return F.conv2d(x, taps.reshape(1, 1, 1, 5).expand(channels, -1, -1, -1), dilation=(1, step), groups=channels)
