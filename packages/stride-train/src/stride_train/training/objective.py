"""What is minimised: network and loss as one module, so that the training engine wraps a single forward call."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from stride_model.batch_share import BatchShare
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.uncertainty import LevelUncertainty
from stride_model.unet.dropout import dropping_rows
from torch import Tensor, nn

from stride_train.training.one_target import choose_targets
from stride_train.training.step_draws import StepDraws, draw_step


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

    def draw(self, shape: tuple[int, int, int, int], generator: torch.Generator) -> StepDraws:
        """Draws noise levels and noise, and the targets where one is drawn for each sample.

        Args:
            shape: Of the whole batch's target, all targets: [B, C, H, W].
            generator: Of the step, on the CPU.
        """
        return draw_step(self.loss.levels, shape, generator, one_target=self.denoiser.spec.use_film_vars)

    def observed(self, batch: dict[str, Any], draws: StepDraws) -> tuple[Tensor, Tensor | None]:
        """The target of a contract batch that the loss is about, and its mask."""
        if draws.labels is None:
            return batch["target"], batch["mask"]
        return choose_targets(batch["target"], batch["mask"], draws.labels.to(batch["target"].device))

    def forward(
        self, batch: dict[str, Any], draws: StepDraws, share: BatchShare | None = None
    ) -> dict[str, torch.Tensor]:
        """Loss of one batch, or of a share of it.

        Args:
            batch: A contract batch.
            draws: Of its samples.
            share: Which share it is; None for all of the batch.

        Returns:
            Scalars: `loss` to minimise, its part `edm`, and `gate` where the network has a RainGate; and `per_sample`
            [B], each sample's part of `edm`, which trains nothing.
        """
        target, mask = self.observed(batch, draws)
        labels = None if draws.labels is None else draws.labels.to(target.device)
        with nullcontext() if share is None else dropping_rows(self.denoiser, share.first, share.size):
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
                sigma=draws.sigma,
                noise=draws.noise,
                uncertainty=self.uncertainty,
                share=share,
            )
        # Plain tensors: the training engine maps over what a forward call returns.
        found = {"loss": parts.loss, "edm": parts.edm, "gate": parts.gate, "per_sample": parts.per_sample}
        return {name: value for name, value in found.items() if value is not None}

    def _weights(self, labels: torch.Tensor | None) -> torch.Tensor | None:
        if labels is None or self.target_weights is None:
            return None
        return torch.tensor(self.target_weights, device=labels.device)[labels][:, None, None, None]
