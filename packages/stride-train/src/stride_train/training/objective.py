"""What is minimised: network and loss as one module, so that the training engine wraps a single forward call."""

from __future__ import annotations

from typing import Any

import torch
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.uncertainty import LevelUncertainty
from torch import nn


class Objective(nn.Module):
    """The EDM loss (and the RainGate's, behind its flag) of a contract batch."""

    def __init__(self, denoiser: EDMDenoiser, loss: EDMLoss, uncertainty: LevelUncertainty | None = None):
        """Joins them.

        Args:
            denoiser: The network.
            loss: Its loss.
            uncertainty: Balances the noise levels; trained beside the network and not kept for generation.
        """
        super().__init__()
        self.denoiser = denoiser
        self.loss = loss
        self.uncertainty = uncertainty

    def forward(self, batch: dict[str, Any], generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Loss of one batch.

        Args:
            batch: A contract batch.
            generator: Gives noise levels and noise.

        Returns:
            Scalars: `loss` to minimise, its part `edm`, and `gate` where the network has a RainGate.
        """
        parts = self.loss(
            self.denoiser,
            batch["target"],
            batch["cond_dynamic"],
            batch["cond_static"],
            batch.get("cond_time"),
            context_dynamic=batch.get("cond_context_dynamic"),
            context_static=batch.get("cond_context_static"),
            mask=batch["mask"],
            generator=generator,
            uncertainty=self.uncertainty,
        )
        # Plain tensors: the training engine maps over what a forward call returns.
        found = {"loss": parts.loss, "edm": parts.edm, "gate": parts.gate}
        return {name: value for name, value in found.items() if value is not None}
