"""Scale and shift of encoded conditioning by what is known of a case."""

from torch import Tensor, nn

from stride_model.unet.blocks import zero


class ScaleShift(nn.Module):
    """(1 + scale) * x + shift, one of each per channel, linear in a vector (FiLM, arXiv 1709.07871, eq. 2).

    The linear layers that follow then weigh the channels differently for every vector. Changes nothing at the start of
    training.

    Args:
        channels: Of the maps.
        vector_channels: Width of the vector.
    """

    def __init__(self, channels: int, vector_channels: int) -> None:
        super().__init__()
        self.linear = zero(nn.Linear(vector_channels, 2 * channels))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """Map [B, channels, h, w] and [B, vector_channels] to [B, channels, h, w]."""
        scale, shift = self.linear(vector).to(x.dtype)[:, :, None, None].chunk(2, dim=1)
        return (1 + scale) * x + shift
