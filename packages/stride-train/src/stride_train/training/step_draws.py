"""What chance decides in one training step: drawn for the whole batch, whoever computes it."""

from __future__ import annotations

import torch
from stride_model.noise_levels import NoiseLevels
from torch import Tensor


class StepDraws:
    """The draws of a batch, or of some of its samples.

    A plain class: the training engine rounds what it finds in tuples and dataclasses to the precision of the network.

    Attributes:
        labels: int64 [B], which target each sample is about, where a network serves them one at a time; else None.
        sigma: [B], noise levels, stratified over the whole batch.
        noise: [B, C_out, H, W], standard normal.
    """

    def __init__(self, labels: Tensor | None, sigma: Tensor, noise: Tensor):
        """Holds them."""
        self.labels, self.sigma, self.noise = labels, sigma, noise

    def rows(self, rows: slice) -> StepDraws:
        """The draws of the samples that a slice names."""
        return StepDraws(None if self.labels is None else self.labels[rows], self.sigma[rows], self.noise[rows])


def draw_step(
    levels: NoiseLevels, shape: tuple[int, int, int, int], generator: torch.Generator, *, one_target: bool
) -> StepDraws:
    """Draws for a whole batch.

    Args:
        levels: The distribution of the noise levels.
        shape: Of the whole batch's target, all targets: [B, C, H, W].
        generator: Of the step, on the CPU.
        one_target: Draw one target for every sample, each as likely as any other; the noise then has one channel.
    """
    samples, targets, *pixels = shape
    labels = torch.randint(targets, (samples,), generator=generator) if one_target else None
    sigma = levels.draw(samples, generator)
    noise = torch.randn((samples, 1 if one_target else targets, *pixels), generator=generator)
    return StepDraws(labels, sigma, noise)
