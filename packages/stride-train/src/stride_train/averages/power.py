"""Power-function averages of a network's parameters, followed while it trains (Karras et al. 2024, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stride_train.averages.profiles import exponent_of, new_share
from stride_train.sharding import take_up


class PowerAverages:
    """Averaged copies of a network's parameters, one for each length.

    Attributes:
        tensors: Averages in float32, by length and the parameter's name.
    """

    def __init__(self, network: nn.Module, lengths: Sequence[float]):
        """Takes the network's present parameters, which the first update replaces.

        Args:
            network: The network to follow.
            lengths: Relative widths sigma_rel.
        """
        self._exponents = {length: exponent_of(length) for length in lengths}
        # The network's own tensors, which every step changes in place: asking for them in each would take longer.
        self._present = {name: value.detach() for name, value in network.named_parameters()}
        self.tensors = {length: {name: value.clone() for name, value in self._present.items()} for length in lengths}

    @torch.no_grad()
    def update(self, batch_size: int, images_seen: int) -> None:
        """Moves every average on by one step of the network.

        Args:
            batch_size: Images of this step.
            images_seen: Images seen up to and including this step.
        """
        parameters = list(self._present.values())
        for length, averages in self.tensors.items():
            share = new_share(self._exponents[length], batch_size, images_seen)
            torch._foreach_lerp_(list(averages.values()), parameters, share)  # pyright: ignore[reportPrivateImportUsage]

    def flat(self) -> dict[str, torch.Tensor]:
        """All averages under the names that `flat_name` gives."""
        return {
            flat_name(length, name): value for length, found in self.tensors.items() for name, value in found.items()
        }

    @torch.no_grad()
    def load(self, flat: dict[str, torch.Tensor]) -> None:
        """Takes up what `flat` gave.

        Raises:
            KeyError: If an average is missing.
        """
        for name, value in self.flat().items():
            take_up(value, flat[name])


def flat_name(length: float, name: str) -> str:
    """Name of a parameter's average in a file: `0.05/<parameter>`."""
    return f"{length!r}/{name}"


def lengths_in(flat: Sequence[str]) -> tuple[float, ...]:
    """The lengths that stand in names of `flat_name`, ascending."""
    return tuple(sorted({float(name.partition("/")[0]) for name in flat}))
