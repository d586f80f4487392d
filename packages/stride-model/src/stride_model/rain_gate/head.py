"""The head of the RainGate: logits of "above the threshold"."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stride_model.grids import Grids
from stride_model.spec import ModelSpec
from stride_model.unet.blocks import ChannelNorm
from stride_model.unet.embedding import NoiseEmbedding
from stride_model.unet.patches import Patches


class RainGate(nn.Module):
    """Head on the conditioning's features: the logit of "above the threshold" per pixel and gated channel.

    Args:
        spec: What to build.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        width = spec.channels[0]
        self.patches = Patches(Grids.of(spec))
        self.layers = nn.Sequential(
            ChannelNorm(),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, len(spec.gated_channels) * spec.patch**2, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, channels[0], rows, columns] of the finest grid to float32 logits [B, gated, H, W]."""
        return self.patches.unfold(self.layers(features)).float()


class FieldRainGate(nn.Module):
    """Head on the conditioning's features and a denoised field D(x; sigma).

    What it answers: of all true fields that look like this under noise of level sigma, in which share does the pixel
    exceed the threshold? Where sigma is large D holds no more than the conditioning does, where sigma is small D is
    nearly the field itself. The distance from the threshold therefore enters in units of c_out(sigma), which is the
    size of what D leaves open.

    Args:
        spec: What to build.
    """

    thresholds: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        width, gated = spec.channels[0], len(spec.gated_channels)
        self.channels, self.sigma_data = list(spec.gated_channels), spec.sigma_data
        self.register_buffer("thresholds", torch.tensor(spec.gate_thresholds)[:, None, None], persistent=False)
        self.patches = Patches(Grids.of(spec))
        self.embedding = NoiseEmbedding(spec.embedding_channels)
        self.scale_shift = nn.Linear(spec.embedding_channels, 2 * width)
        self.norm = ChannelNorm()
        self.from_features = nn.Conv2d(width, width, 3, padding=1)
        self.from_field = nn.Conv2d((spec.out_channels + gated) * spec.patch**2, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(width, gated * spec.patch**2, 3, padding=1)

    def forward(self, features: Tensor, denoised: Tensor, c_out: Tensor, c_noise: Tensor) -> Tensor:
        """Predict.

        Args:
            features: [B, channels[0], rows, columns] of the finest grid.
            denoised: D(x; sigma), [B, C_out, H, W]; detached here, so that the gate does not train the denoiser.
            c_out: [B], the preconditioning's factor of the network (Karras et al. 2022, table 1).
            c_noise: [B], what the network is told of sigma.

        Returns:
            float32 logits [B, gated, H, W].
        """
        denoised = denoised.detach().float()
        excess = (denoised[:, self.channels] - self.thresholds) / c_out[:, None, None, None]
        # Beyond a few times the scale the answer is settled; large values would drown all others.
        seen = torch.cat([denoised / self.sigma_data, 4 * torch.tanh(excess / 4)], dim=1)
        h = self.from_features(F.silu(self.norm(features))) + self.from_field(self.patches.fold(seen))
        scale, shift = self.scale_shift(self.embedding(c_noise)).to(h.dtype)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.middle(F.silu(torch.addcmul(shift, h, 1 + scale))))
        return self.patches.unfold(self.out(h)).float()
