"""Preconditioning of Karras et al. 2022 (arXiv 2206.00364), section 5 and table 1, and the denoiser D(x; sigma)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stride_model.conditioning.context import ContextEncoder, context_fields
from stride_model.conditioning.maps import Conditioning
from stride_model.conditioning.native_lr import NativeLREncoder
from stride_model.errors import SpecError
from stride_model.fine_scales import FineScales
from stride_model.grids import Grids
from stride_model.rain_gate.head import FieldRainGate, RainGate
from stride_model.spec import ModelSpec
from stride_model.unet.embedding import FeatureEmbedding, LabelEmbedding
from stride_model.unet.unet import UNet


@dataclass(frozen=True)
class Coefficients:
    """The four functions of sigma in D(x; sigma) = c_skip x + c_out F(c_in x; c_noise) (eq. 7)."""

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor


def coefficients(sigma: Tensor, sigma_data: float) -> Coefficients:
    """Table 1, row "network and preconditioning", column "ours".

    They keep the network's input and training target at unit variance for every sigma, and make the network's errors
    matter as little as possible (appendix B.6).

    Args:
        sigma: Noise level, any shape, above 0.
        sigma_data: Standard deviation of the data.
    """
    variance = sigma**2 + sigma_data**2
    return Coefficients(
        c_skip=sigma_data**2 / variance,
        c_out=sigma * sigma_data / variance.sqrt(),
        c_in=1 / variance.sqrt(),
        c_noise=sigma.log() / 4,
    )


class EDMDenoiser(nn.Module):
    """D(x; sigma, conditioning): the expectation of the clean field given the noisy one.

    `encode` runs once per case; `forward` runs at every step of a sampler and reuses what `encode` returned.

    Args:
        spec: What to build. Attention over very large grids gets a warning.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        Grids.of(spec).warn_of_attention(spec.attention_levels)
        self.encoder = NativeLREncoder(spec)
        self.context = ContextEncoder(spec) if spec.use_context_encoder else None
        self.gate = RainGate(spec) if spec.use_rain_gate and not spec.gate_sees_field else None
        self.field_gate = FieldRainGate(spec) if spec.gate_sees_field else None
        self.fine_scales = FineScales(spec) if spec.fine_scale_std else None
        self.network = UNet(spec)
        self.film = FeatureEmbedding(spec.film_features, spec.embedding_channels) if spec.film_features else None
        self.label = LabelEmbedding(spec.film_labels, spec.embedding_channels) if spec.use_film_vars else None
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def hr_shape(self) -> tuple[int, int]:
        """Rows and columns of the fields that are denoised."""
        return self.spec.target_hr_shape

    def encode(
        self,
        cond_dynamic: Tensor,
        cond_static: Tensor | None = None,
        cond_features: Tensor | None = None,
        *,
        context_dynamic: Tensor | None = None,
        context_static: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Conditioning:
        """Encode the conditioning of B cases.

        Args:
            cond_dynamic: [B, C_dyn, h_lr, w_lr], or [B, T, C_dyn, h_lr, w_lr] with temporal_steps above 1; scaled.
            cond_static: [B, C_static, H, W], scaled; None where the specification has no static channels.
            cond_features: [B, film_features]; None where the specification has none.
            context_dynamic: [B, C, h, w] of the larger domain, or [B, T, C, h, w] with temporal_steps above 1; None
                where the specification has none.
            context_static: [B, C, h, w] of the larger domain; None where the specification has none.
            labels: int64 [B], the label of each case, from 0 to film_labels - 1; None where the specification has none.

        Raises:
            SpecError: A shape that is not the specification's, or a label that it does not have.
        """
        spec = self.spec
        steps = () if spec.temporal_steps == 1 else (spec.temporal_steps,)
        context = spec.context_shape or (0, 0)
        around, around_static = spec.in_context_dynamic_channels, spec.in_context_static_channels
        _expect("cond_dynamic", cond_dynamic, (*steps, spec.in_dynamic_channels, *spec.cond_lr_shape))
        for name, tensor, key, channels, shape in (
            ("cond_static", cond_static, "in_static_channels", spec.in_static_channels, spec.target_hr_shape),
            ("cond_features", cond_features, "film_features", spec.film_features, ()),
            ("context_dynamic", context_dynamic, "in_context_dynamic_channels", around, context),
            ("context_static", context_static, "in_context_static_channels", around_static, context),
        ):
            if channels:
                _expect(name, tensor, (*(steps if name == "context_dynamic" else ()), channels, *shape))
            elif tensor is not None:
                raise SpecError(f"{name} is given but the model spec has none; set {key}")
        maps = label = None
        parts: list[Tensor] = []  # of the embedding
        if self.label is not None:
            label, part = self.label(_checked(labels, cond_dynamic.shape[0], spec.film_labels))
            parts.append(part)
        elif labels is not None:
            raise SpecError("labels is given but the model spec has none; set use_film_vars and film_labels")
        if self.context is not None:
            maps, part = self.context(context_fields(context_dynamic, context_static), label)
            parts.append(part)
        if self.film is not None:
            parts.append(self.film(cond_features))
        finest, levels = self.encoder(cond_dynamic.flatten(1, -3), cond_static, maps, label)
        embedding = sum(parts[1:], parts[0]) if parts else None
        logits = None if self.gate is None else self.gate(finest)
        return Conditioning(levels, logits, embedding, None if self.field_gate is None else finest)

    def forward(self, x: Tensor, sigma: Tensor, conditioning: Conditioning) -> Tensor:
        """Denoise.

        The preconditioning is float32 whatever autocast or the dtype of x say; only the network follows autocast.

        Args:
            x: Noisy field [B, C_out, H, W].
            sigma: Noise level, [B] or a scalar.
            conditioning: Of B cases, from `encode`.

        Returns:
            [B, C_out, H, W], float32.

        Raises:
            SpecError: A shape that is not the specification's.
        """
        _expect("x", x, (self.spec.out_channels, *self.spec.target_hr_shape))
        if conditioning.batch != x.shape[0]:
            raise SpecError(
                f"x has {x.shape[0]} fields but conditioning {conditioning.batch} cases; use expand_members"
            )
        x = x.float()
        sigma = sigma.to(x).expand(x.shape[0])
        c = coefficients(sigma, self.spec.sigma_data)
        seen, passed = _column(c.c_in) * x, None
        if self.fine_scales is not None:
            fine, passed = self.fine_scales(x, sigma, c.c_noise)
            seen = torch.cat([seen, fine], dim=1)
        raw = self.network(seen, c.c_noise, conditioning.levels, conditioning.embedding).float()
        if passed is not None:
            raw = raw + passed
        return _column(c.c_skip) * x + _column(c.c_out) * raw

    def gate_logits(self, conditioning: Conditioning, denoised: Tensor, sigma: Tensor) -> Tensor | None:
        """Logits of the gate beside a denoised field: what training uses.

        Args:
            conditioning: Of B cases, from `encode`.
            denoised: D(x; sigma), [B, C_out, H, W]. A gate on the conditioning alone does not look at it.
            sigma: Its noise level, [B] or a scalar.

        Returns:
            float32 [B, gated channels, H, W]; None without a gate.
        """
        if self.field_gate is None:
            return conditioning.gate_logits
        assert conditioning.gate_features is not None
        c = coefficients(sigma.to(denoised).expand(denoised.shape[0]), self.spec.sigma_data)
        return self.field_gate(conditioning.gate_features, denoised, c.c_out, c.c_noise)

    def gate_logits_of_field(self, conditioning: Conditioning, field: Tensor, noise: Tensor) -> Tensor | None:
        """Logits of the gate for finished fields, generated or true.

        A gate on the conditioning alone gives all fields of a case the same logits. The other kind must not read the
        answer off the field (every generated drizzle exceeds a small threshold): it sees the field under fresh noise of
        level gate_sigma * sigma_data, denoised once, and so says how often a *true* field that looks like this through
        the noise exceeds the threshold there. That is well defined and can be checked on true fields; what the
        generator draws fainter than the noise, and true fields do not hold, it finds improbable.

        Args:
            conditioning: Of B cases, from `encode`.
            field: [B, C_out, H, W], scaled.
            noise: Standard normal, of the same shape.

        Returns:
            float32 [B, gated channels, H, W]; None without a gate.
        """
        if self.field_gate is None:
            return conditioning.gate_logits
        sigma = self.gate_level
        return self.gate_logits(conditioning, self(field.float() + sigma * noise, sigma, conditioning), sigma)

    @property
    def gate_level(self) -> Tensor:
        """Noise level through which a gate that sees fields looks at finished ones."""
        return torch.tensor(self.spec.gate_sigma * self.spec.sigma_data, device=self.device)

    def bind(self, conditioning: Conditioning) -> Callable[[Tensor, Tensor], Tensor]:
        """The denoiser of these cases as the function (x, sigma) that samplers take."""
        return lambda x, sigma: self(x, sigma, conditioning)


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _expect(name: str, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    if tensor is None:
        raise SpecError(f"{name} is missing; the model spec expects [batch, {', '.join(map(str, shape))}]")
    if tensor.ndim != len(shape) + 1 or tuple(tensor.shape[1:]) != shape:
        raise SpecError(
            f"{name} has shape {list(tensor.shape)} but the model spec expects [batch, {', '.join(map(str, shape))}]"
        )


def _checked(labels: Tensor | None, batch: int, known: int) -> Tensor:
    if labels is None:
        raise SpecError(f"labels is missing; the model spec expects one of {known} labels for each case, int64 [batch]")
    if labels.dtype != torch.int64 or tuple(labels.shape) != (batch,):
        dtype = str(labels.dtype).removeprefix("torch.")
        raise SpecError(
            f"labels is {dtype} of shape {list(labels.shape)} but the model spec expects int64 [{batch}], one for each "
            "case"
        )
    first, last = (int(value) for value in labels.aminmax())
    if first < 0 or last >= known:
        raise SpecError(f"labels go from {first} to {last} but the model spec has {known}, counted from 0")
    return labels
