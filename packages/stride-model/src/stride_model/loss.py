"""The training loss of Karras et al. 2022 (arXiv 2206.00364), section 5 and table 1, row "training"."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stride_model.batch_share import BatchShare
from stride_model.noise_levels import LogNormal, NoiseLevels
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.entropy import rain_gate_loss
from stride_model.rain_gate.reweighting import gate_weights


@dataclass(frozen=True)
class LossParts:
    """A loss and what it is made of.

    Attributes:
        loss: Scalar to minimise: edm (under `uncertainty`, its balanced form) + gate_weight * gate.
        edm: Scalar, the weighted denoising error (eq. 2 with the weight of table 1).
        gate: Scalar, cross-entropy of the gate; None without it.
        sigma: [B], the noise levels that were drawn.
        per_sample: [B], the weighted denoising error of each sample, detached: its mean over observed pixels.
    """

    loss: Tensor
    edm: Tensor
    gate: Tensor | None
    sigma: Tensor
    per_sample: Tensor


def loss_weight(sigma: Tensor, sigma_data: float) -> Tensor:
    """Weight lambda(sigma) = (sigma² + sigma_data²) / (sigma sigma_data)² = 1 / c_out² (table 1)."""
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2


@dataclass(frozen=True)
class EDMLoss:
    """Denoising error at noise levels that are drawn for every sample.

    Attributes:
        levels: Distribution of the noise levels.
        gate_weight: Weight of the gate's cross-entropy beside the denoising error.
        gate_reweighting: How much more a pixel that certainly exceeds the gate's threshold weighs in the denoising
            error than one that certainly does not, see `gate_weights`; 0 weighs all the same.
        channel_weights: One factor per output channel on its squared error; None weighs all the same.
    """

    levels: NoiseLevels = field(default_factory=LogNormal)
    gate_weight: float = 0.1
    gate_reweighting: float = 0.0
    channel_weights: tuple[float, ...] | None = None

    def __call__(
        self,
        denoiser: EDMDenoiser,
        target: Tensor,
        cond_dynamic: Tensor,
        cond_static: Tensor | None = None,
        cond_features: Tensor | None = None,
        *,
        context_dynamic: Tensor | None = None,
        context_static: Tensor | None = None,
        labels: Tensor | None = None,
        generator: torch.Generator | None = None,
        mask: Tensor | None = None,
        weight: Tensor | None = None,
        sigma: Tensor | None = None,
        noise: Tensor | None = None,
        uncertainty: Callable[[Tensor], Tensor] | None = None,
        share: BatchShare | None = None,
    ) -> LossParts:
        """Loss of a batch.

        Args:
            denoiser: The model.
            target: [B, C_out, H, W], scaled. Where the mask is False anything may stand, NaN too.
            cond_dynamic: See `EDMDenoiser.encode`.
            cond_static: See `EDMDenoiser.encode`.
            cond_features: See `EDMDenoiser.encode`.
            context_dynamic: See `EDMDenoiser.encode`.
            context_static: See `EDMDenoiser.encode`.
            labels: See `EDMDenoiser.encode`.
            generator: Source of the noise levels and the noise, where they are not given.
            mask: bool, as the target or broadcasting to it, True where observed; None where all is.
            weight: Factor on the squared error, broadcasting to the target. The sum is divided by the number of
                observed pixels, not by the sum of weights.
            sigma: [B], noise levels to use instead of drawing them.
            noise: As the target, standard normal, to use instead of drawing it.
            uncertainty: u(sigma), see `LevelUncertainty`; None weighs all noise levels as table 1 does.
            share: Where these samples are a share of a batch: the parts are then what they contribute to the batch's,
                and sum to them over the shares.

        Returns:
            The parts, float32 also under autocast.

        Raises:
            ValueError: Not one channel weight per output channel, `gate_reweighting` without a gate, or neither a
                generator nor noise.
        """
        spec = denoiser.spec
        conditioning = denoiser.encode(
            cond_dynamic,
            cond_static,
            cond_features,
            context_dynamic=context_dynamic,
            context_static=context_static,
            labels=labels,
        )
        target = target.float()
        if mask is not None:
            mask = mask.expand_as(target)
            target = target.where(mask, 0.0)  # before noising: NaN would spread through the network
        if sigma is None:
            sigma = self.levels.draw(target.shape[0], _given(generator))
        sigma = sigma.to(target)
        if noise is None:
            source = _given(generator)
            noise = torch.randn(target.shape, generator=source, device=source.device)
        noisy = target + sigma[:, None, None, None] * noise.to(target)
        denoised = denoiser(noisy, sigma, conditioning)
        gate_logits = denoiser.gate_logits(conditioning, denoised, sigma) if spec.use_rain_gate else None
        with torch.autocast(target.device.type, enabled=False):
            error = (denoised.float() - target) ** 2
            if self.channel_weights is not None:
                error = error * self._channel_factors(error)
            if weight is not None:
                error = error * weight
            if self.gate_reweighting:
                if gate_logits is None:
                    raise ValueError("loss: gate_reweighting needs a denoiser with a gate; set use_rain_gate")
                error = error * gate_weights(
                    gate_logits,
                    spec.gated_channels,
                    spec.out_channels,
                    self.gate_reweighting,
                    mask,
                    None if share is None else share.total,
                )
            if mask is not None:
                error = error.where(mask, 0.0)
            factor = loss_weight(sigma, spec.sigma_data)
            sums = factor * error.sum(dim=(1, 2, 3))
            counts = torch.full_like(sums, target[0].numel()) if mask is None else mask.sum(dim=(1, 2, 3)).to(sums)
            observed = counts.sum().clamp(min=1) if share is None else max(share.observed, 1)
            edm = sums.sum() / observed
            per_sample = (sums / counts.clamp(min=1)).detach()
            loss = edm
            if uncertainty is not None:
                log_variance = uncertainty(sigma)
                balanced = (sums / counts.clamp(min=1) * (-log_variance).exp() + log_variance) * counts
                loss = balanced.sum() / observed
            if gate_logits is None:
                return LossParts(loss, edm, None, sigma, per_sample)
            gate = rain_gate_loss(
                gate_logits,
                target,
                spec.gated_channels,
                spec.gate_thresholds,
                mask,
                None if share is None else share.observed_gated,
            )
            return LossParts(loss + self.gate_weight * gate, edm, gate, sigma, per_sample)

    def _channel_factors(self, error: Tensor) -> Tensor:
        assert self.channel_weights is not None
        if len(self.channel_weights) != error.shape[1]:
            raise ValueError(f"loss: {len(self.channel_weights)} channel weights for {error.shape[1]} output channels")
        return error.new_tensor(self.channel_weights)[:, None, None]


def _given(generator: torch.Generator | None) -> torch.Generator:
    if generator is None:
        raise ValueError("loss: sigma or noise is not given, so a generator is needed")
    return generator
