"""Exponential moving average of the weights, with its half-life in images (Karras et al. 2022, Appendix F.2)."""

from __future__ import annotations

import torch
from torch import nn

from stride_train.sharding import take_up


class WeightAverage:
    """Averaged copy of a network's parameters and buffers.

    After each step the average moves towards the weights by a factor 1 - beta, beta = 0.5^(batch / half-life). The
    half-life is at most `ramp` times the images seen so far, so that the first weights are soon forgotten.
    """

    def __init__(self, network: nn.Module, halflife_images: float, ramp: float):
        """Starts from the network's present weights.

        Args:
            network: The network to follow.
            halflife_images: Images after which a weight's share in the average has halved.
            ramp: Largest half-life as a share of the images seen.
        """
        self.halflife_images = halflife_images
        self.ramp = ramp
        # The network's own tensors, which every step changes in place: naming them anew in each would take longer.
        self._present = network.state_dict()
        self.state = {name: value.detach().clone() for name, value in self._present.items()}

    def beta(self, batch_size: int, images_seen: int) -> float:
        """Share of the old average that is kept in one step.

        Args:
            batch_size: Images of this step.
            images_seen: Images seen up to and including this step.
        """
        halflife = min(self.halflife_images, self.ramp * images_seen)
        return 0.5 ** (batch_size / max(halflife, 1e-8))

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Takes up the averages of a checkpoint, by the names of `state`."""
        for name, value in self.state.items():
            take_up(value, state[name])

    @torch.no_grad()
    def update(self, batch_size: int, images_seen: int) -> None:
        """Moves the average towards the network's weights.

        Args:
            batch_size: Images of this step.
            images_seen: Images seen up to and including this step.
        """
        beta = self.beta(batch_size, images_seen)
        averaged = [name for name, value in self.state.items() if value.is_floating_point()]
        # All at once: on a GPU one call a parameter would cost more than the arithmetic.
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [self.state[name] for name in averaged], [self._present[name] for name in averaged], 1.0 - beta
        )
        for name in self.state.keys() - averaged:
            self.state[name].copy_(self._present[name])
