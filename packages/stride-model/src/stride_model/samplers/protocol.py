"""What samplers need from the outside: a denoiser and a source of noise."""

from typing import Protocol

from torch import Tensor


class Denoiser(Protocol):
    """D(x; sigma): the expectation of the clean field given the noisy one."""

    def __call__(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """Denoise [B, ...] at the noise level sigma, a 0-d tensor."""
        ...


class Noise(Protocol):
    """Standard normal noise by number."""

    def __call__(self, draw: int, /) -> Tensor:
        """The draw's noise, [B, ...]; the same number gives the same noise."""
        ...
