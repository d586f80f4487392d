"""The gate that sees a denoised field beside the conditioning."""

import math

import pytest
import torch
from stride_model.errors import SpecError
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogUniform
from stride_model.parameters import summary
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec


@pytest.fixture
def seeing(gated: ModelSpec) -> ModelSpec:
    return gated.model_copy(update={"gate_input": "conditioning_and_denoised"})


def test_the_field_matters_to_this_gate_alone(gated, seeing, perturbed, case):
    for spec, matters in ((gated, False), (seeing, True)):
        denoiser = perturbed(spec)
        target, dynamic, static = case(spec)
        conditioning, noise = denoiser.encode(dynamic, static), torch.randn_like(target)
        logits = denoiser.gate_logits_of_field(conditioning, target, noise)
        other = denoiser.gate_logits_of_field(conditioning, target + 1, noise)
        assert logits is not None and logits.shape == (2, 1, 16, 16)
        assert (not torch.equal(logits, other)) == matters
        assert (conditioning.gate_logits is None) == matters
        assert ("field_gate " in summary(denoiser)) == matters


def test_the_noise_level_reaches_it(seeing, perturbed, case):
    denoiser = perturbed(seeing)
    target, dynamic, static = case(seeing)
    conditioning = denoiser.encode(dynamic, static)
    low, high = (denoiser.gate_logits(conditioning, target, torch.tensor(sigma)) for sigma in (0.1, 10.0))
    assert low is not None and not torch.allclose(low, high)


def test_it_looks_at_a_member_through_the_stated_noise(seeing, perturbed, case):
    spec = seeing.model_copy(update={"gate_sigma": 0.3, "sigma_data": 2.0})
    denoiser = perturbed(spec)
    target, dynamic, static = case(spec)
    conditioning, noise = denoiser.encode(dynamic, static), torch.randn_like(target)
    sigma = torch.tensor(0.6)
    by_hand = denoiser.gate_logits(conditioning, denoiser(target + 0.6 * noise, sigma, conditioning), sigma)
    assert by_hand is not None
    torch.testing.assert_close(denoiser.gate_logits_of_field(conditioning, target, noise), by_hand)


def test_members_and_cases_keep_their_features(seeing, perturbed, case):
    denoiser = perturbed(seeing)
    target, dynamic, static = case(seeing)
    conditioning, noise = denoiser.encode(dynamic, static), torch.randn_like(target)
    whole = denoiser.gate_logits_of_field(conditioning, target, noise)
    second = denoiser.gate_logits_of_field(
        conditioning[1:].expand_members(3), *(x[1:].expand(3, -1, -1, -1) for x in (target, noise))
    )
    assert whole is not None and second is not None
    torch.testing.assert_close(second, whole[1:].expand(3, -1, -1, -1))


def test_its_loss_trains_neither_the_denoiser_nor_the_noise(seeing, perturbed, case):
    """The gate reads a detached field: the UNet's gradient is the denoising error's alone."""
    target, dynamic, static = case(seeing)
    gradients = []
    for weight in (0.0, 3.0):
        denoiser = perturbed(seeing)
        generator = torch.Generator().manual_seed(1)
        EDMLoss(gate_weight=weight)(denoiser, target, dynamic, static, generator=generator).loss.backward()
        gradients.append({name: parameter.grad for name, parameter in denoiser.network.named_parameters()})
        moved = [p.grad is not None and bool(p.grad.abs().max() > 0) for p in denoiser.field_gate.parameters()]
        assert all(moved) == (weight > 0)
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=name)


@pytest.mark.parametrize("sigma", [0.002, 800.0])
def test_gradients_are_finite_at_both_ends_of_the_range(seeing, perturbed, case, sigma):
    denoiser = perturbed(seeing)
    target, dynamic, static = case(seeing)
    loss = EDMLoss()(denoiser, target, dynamic, static, generator=torch.Generator(), sigma=torch.full((2,), sigma))
    loss.loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in denoiser.parameters())


def test_the_same_weights_serve_another_domain(seeing, perturbed, case):
    larger = ModelSpec(**{**seeing.model_dump(), "cond_lr_shape": (5, 6), "target_hr_shape": (20, 24)})
    denoiser = EDMDenoiser(larger)
    denoiser.load_state_dict(perturbed(seeing).state_dict())
    target, dynamic, static = case(larger)
    logits = denoiser.gate_logits_of_field(denoiser.encode(dynamic, static), target, torch.zeros_like(target))
    assert logits is not None and logits.shape == (2, 1, 20, 24)


def test_an_input_without_a_gate_is_refused(tiny):
    with pytest.raises(SpecError, match="gate_input conditioning_and_denoised is given but use_rain_gate is false"):
        ModelSpec(**{**tiny.model_dump(), "gate_input": "conditioning_and_denoised"})
    with pytest.raises(SpecError, match="gate_input"):
        ModelSpec(**{**tiny.model_dump(), "gate_input": "denoised"})


class ExactDenoiser(EDMDenoiser):
    """Target = z + N(0, 1) per pixel with z the LR field: D(x; sigma) = (x + sigma² z) / (1 + sigma²)."""

    def forward(self, x, sigma, conditioning):
        sigma = sigma.to(x).expand(x.shape[0])[:, None, None, None]
        return (x + sigma**2 * conditioning.levels[0][:, :1, :1, :1]) / (1 + sigma**2)

    def encode(self, cond_dynamic, *args, **options):
        conditioning = super().encode(cond_dynamic, *args, **options)
        levels = (cond_dynamic[:, :, :1, :1].expand(-1, 8, 16, 16),)
        return type(conditioning)(levels, None, None, conditioning.gate_features)


def test_it_is_calibrated_at_every_noise_level():
    """Given x = target + sigma n, the target is N(D, sigma² / (1 + sigma²)), so P(target > 0) is known."""
    torch.manual_seed(0)
    denoiser = ExactDenoiser(
        ModelSpec(
            in_dynamic_channels=1,
            out_channels=1,
            cond_lr_shape=(4, 4),
            target_hr_shape=(16, 16),
            channels=(8,),
            blocks=1,
            patch=1,
            embedding_channels=16,
            lr_channels=8,
            lr_blocks=1,
            use_rain_gate=True,
            gated_channels=(0,),
            gate_thresholds=(0.0,),
            gate_input="conditioning_and_denoised",
            gate_sigma=0.5,
        )
    )
    optimizer = torch.optim.Adam([*denoiser.field_gate.parameters(), *denoiser.encoder.parameters()], lr=5e-3)
    generator = torch.Generator().manual_seed(1)

    def draw(n):
        z = 1.5 * torch.randn(n, 1, 1, 1, generator=generator)
        return z + torch.randn(n, 1, 16, 16, generator=generator), z.expand(n, 1, 4, 4)

    loss = EDMLoss(LogUniform(0.05, 20.0), gate_weight=1.0)
    for step in range(150):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1 - step / 150)
        target, dynamic = draw(16)
        optimizer.zero_grad()
        gate = loss(denoiser, target, dynamic, generator=generator).gate
        assert gate is not None
        gate.backward()
        optimizer.step()
    target, dynamic = draw(400)
    noise = torch.randn(target.shape, generator=generator)
    with torch.no_grad():
        conditioning = denoiser.encode(dynamic)
        for sigma in (0.1, 0.5, 5.0):
            level = torch.tensor(sigma)
            denoised = denoiser(target + sigma * noise, level, conditioning)
            exact = torch.special.ndtr(denoised * math.sqrt(1 + sigma**2) / sigma)
            logits = denoiser.gate_logits(conditioning, denoised, level)
            assert logits is not None
            error = (torch.sigmoid(logits) - exact).abs().mean()
            # At 5 the field says almost nothing, at 0.1 almost all: a gate deaf to sigma would be off by 0.2.
            assert error < 0.04, sigma
        looked = denoiser.gate_logits_of_field(conditioning, target, noise)
        assert looked is not None
        exceeds, probability = (target > 0).float(), torch.sigmoid(looked)
        for low in (0.0, 0.2, 0.4, 0.6, 0.8):
            inside = (probability >= low) & (probability < low + 0.2)
            assert abs(float(exceeds[inside].mean() - probability[inside].mean())) < 0.04
