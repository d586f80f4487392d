"""The noise level, and what is known of a case, as vectors that scale and shift what the network computes."""

import math

import torch
from torch import Tensor, nn

from stride_model.unet.blocks import zero


class NoiseEmbedding(nn.Module):
    """Sines and cosines of c_noise at geometric frequencies, then a two-layer perceptron.

    c_noise = ln(sigma) / 4 goes from about -1.6 to 1.7 for sigma from 0.002 to 800. Wavelengths from 8, longer than
    that range, down to 1/8, a factor of 1.65 in sigma, tell levels apart both roughly and finely.

    Args:
        channels: Width of the embedding.
    """

    frequencies: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        frequencies = 2 * math.pi * torch.logspace(-3, 3, channels // 2, base=2.0)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels), nn.SiLU())

    def forward(self, c_noise: Tensor) -> Tensor:
        """Embed [B] to [B, channels]."""
        phase = c_noise[:, None] * self.frequencies
        return self.layers(torch.cat([phase.cos(), phase.sin()], dim=1))


class FeatureEmbedding(nn.Sequential):
    """A few numbers per case as a vector that is added to the noise level's; zero at the start of training.

    Args:
        features: Numbers per case.
        channels: Width of the embedding.
    """

    def __init__(self, features: int, channels: int) -> None:
        super().__init__(nn.Linear(features, channels), nn.SiLU(), zero(nn.Linear(channels, channels)))


class LabelEmbedding(nn.Module):
    """A learnt vector per label, and what it adds to the noise level's, which is zero at the start of training.

    The vector itself is there for layers elsewhere that the label is to reach.

    Args:
        labels: Number of labels.
        channels: Width of the embedding.
    """

    def __init__(self, labels: int, channels: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(labels, channels)
        self.linear = zero(nn.Linear(channels, channels))

    def forward(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map labels [B] to their vectors and to what is added to the noise level's, both [B, channels]."""
        vectors = self.vectors(labels)
        return vectors, self.linear(vectors)
