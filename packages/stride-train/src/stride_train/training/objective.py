"""What is minimised: network and loss as one module, so that the training engine wraps a single forward call."""

from __future__ import annotations

from typing import Any

import torch
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.uncertainty import LevelUncertainty
from torch import nn

from stride_train.training.one_target import draw_targets


class Objective(nn.Module):
    """The EDM loss (and the RainGate's, behind its flag) of a contract batch.

    A network with labels serves one target a sample, which is drawn.
    """

    def __init__(
        self,
        denoiser: EDMDenoiser,
        loss: EDMLoss,
        uncertainty: LevelUncertainty | None = None,
        target_weights: tuple[float, ...] | None = None,
    ):
        """Joins them.

        Args:
            denoiser: The network.
            loss: Its loss.
            uncertainty: Balances the noise levels; trained beside the network and not kept for generation.
            target_weights: One factor per target on its squared error, where the network serves one target at a time;
                where it serves all together, the loss has them.
        """
        super().__init__()
        self.denoiser = denoiser
        self.loss = loss
        self.uncertainty = uncertainty
        self.target_weights = target_weights

    def forward(self, batch: dict[str, Any], generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Loss of one batch.

        Args:
            batch: A contract batch.
            generator: Gives noise levels and noise, and the targets where one is drawn for each sample.

        Returns:
            Scalars: `loss` to minimise, its part `edm`, and `gate` where the network has a RainGate.
        """
        target, mask, labels = batch["target"], batch["mask"], None
        if self.denoiser.spec.use_film_vars:
            target, mask, labels = draw_targets(target, mask, generator)
        parts = self.loss(
            self.denoiser,
            target,
            batch["cond_dynamic"],
            batch["cond_static"],
            batch.get("cond_time"),
            context_dynamic=batch.get("cond_context_dynamic"),
            context_static=batch.get("cond_context_static"),
            labels=labels,
            mask=mask,
            weight=self._weights(labels),
            generator=generator,
            uncertainty=self.uncertainty,
        )
        # Plain tensors: the training engine maps over what a forward call returns.
        found = {"loss": parts.loss, "edm": parts.edm, "gate": parts.gate}
        return {name: value for name, value in found.items() if value is not None}

    def _weights(self, labels: torch.Tensor | None) -> torch.Tensor | None:
        if labels is None or self.target_weights is None:
            return None
        return torch.tensor(self.target_weights, device=labels.device)[labels][:, None, None, None]
