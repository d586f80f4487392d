"""What is minimised: network and loss as one module, so that the training engine wraps a single forward call."""

from __future__ import annotations

from typing import Any

import torch
from stride_model.loss import EDMLoss, LossParts
from stride_model.precondition import EDMDenoiser
from torch import nn


class Objective(nn.Module):
    """The EDM loss (and the RainGate's, behind its flag) of a contract batch."""

    def __init__(self, denoiser: EDMDenoiser, loss: EDMLoss):
        """Joins the two.

        Args:
            denoiser: The network.
            loss: Its loss.
        """
        super().__init__()
        self.denoiser = denoiser
        self.loss = loss

    def forward(self, batch: dict[str, Any], generator: torch.Generator) -> LossParts:
        """Loss of one batch.

        Args:
            batch: A contract batch.
            generator: Gives noise levels and noise.
        """
        return self.loss(
            self.denoiser,
            batch["target"],
            batch["cond_dynamic"],
            batch["cond_static"],
            mask=batch["mask"],
            generator=generator,
        )
