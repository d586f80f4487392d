import math
from dataclasses import replace

import pytest
import torch
from stride_model.conditioning.maps import Conditioning
from stride_model.loss import EDMLoss, loss_weight
from stride_model.noise_levels import LogUniform
from stride_model.precondition import EDMDenoiser
from stride_model.uncertainty import LevelUncertainty


class Stub:
    """Stands in for a denoiser: returns a constant, and keeps what it was given."""

    def __init__(self, spec, value=0.0):
        self.spec, self.value = spec, value

    def encode(self, dynamic, static, features, **context):
        return Conditioning((dynamic,))

    def __call__(self, x, sigma, conditioning):
        self.x, self.sigma = x, sigma
        return torch.full_like(x, self.value)


def generator():
    return torch.Generator().manual_seed(0)


def test_hand_computed_weight():
    assert loss_weight(torch.tensor(3.0), 4.0).item() == pytest.approx(25 / 144)


def test_hand_computed_loss(tiny, case):
    spec = tiny.model_copy(update={"sigma_data": 4.0})
    _, dynamic, static = case(spec)
    target = torch.full((2, 1, 16, 16), 2.0)
    sigma = torch.tensor([3.0, 3.0])
    parts = EDMLoss()(Stub(spec, 0.5), target, dynamic, static, generator=generator(), sigma=sigma)
    assert parts.edm.item() == pytest.approx(25 / 144 * 1.5**2)
    assert parts.loss is parts.edm
    assert parts.gate is None


def test_channel_weights_by_hand(tiny, case):
    spec = tiny.model_copy(update={"out_channels": 2, "sigma_data": 4.0})
    _, dynamic, static = case(spec)
    target = torch.stack([torch.full((2, 16, 16), 1.0), torch.full((2, 16, 16), 2.0)], dim=1)
    sigma = torch.tensor([3.0, 3.0])
    weighted = EDMLoss(channel_weights=(1.0, 0.5))
    parts = weighted(Stub(spec), target, dynamic, static, generator=generator(), sigma=sigma)
    assert parts.edm.item() == pytest.approx(25 / 144 * (1.0 * 1 + 0.5 * 4) / 2)
    with pytest.raises(ValueError, match="1 channel weights for 2 output channels"):
        EDMLoss(channel_weights=(1.0,))(Stub(spec), target, dynamic, static, generator=generator(), sigma=sigma)


def test_uncertainty_balances_levels_by_hand(tiny, case):
    """Per sample e / exp(u) + u, at u = ln 2 half the error and ln 2."""
    _, dynamic, static = case(tiny)
    target = torch.full((2, 1, 16, 16), 2.0)
    sigma = torch.tensor([1.0, 1.0])  # sigma_data 1: weight 2, error 4
    parts = EDMLoss()(
        Stub(tiny), target, dynamic, static, generator=generator(), sigma=sigma,
        uncertainty=lambda s: torch.full_like(s, math.log(2)),
    )  # fmt: skip
    assert parts.edm.item() == pytest.approx(8.0)
    assert parts.loss.item() == pytest.approx(4.0 + math.log(2))


def test_learnt_uncertainty_finds_the_logarithm_of_the_error(tiny, case):
    """Its optimum is u(sigma) = ln E[error at sigma] (Karras et al. 2024, appendix B.6)."""
    target, dynamic, static = case(tiny, batch=64)
    torch.manual_seed(0)
    uncertainty = LevelUncertainty()
    optimizer = torch.optim.Adam(uncertainty.parameters(), lr=0.03)
    draws = torch.Generator().manual_seed(3)
    loss = EDMLoss(LogUniform(0.1, 10.0))
    assert uncertainty(torch.tensor([0.1, 10.0])).abs().max().item() == 0.0
    for _ in range(300):
        optimizer.zero_grad()
        loss(Stub(tiny), target, dynamic, static, generator=draws, uncertainty=uncertainty).loss.backward()
        optimizer.step()
    # The stub says 0, so the weighted error is lambda(sigma) times the data's variance of about 1.
    levels = torch.tensor([0.2, 1.0, 5.0])
    torch.testing.assert_close(uncertainty(levels), loss_weight(levels, 1.0).log(), atol=0.15, rtol=0)


def test_the_generator_decides_everything(tiny, case):
    target, dynamic, static = case(tiny)
    a, b = Stub(tiny), Stub(tiny)
    torch.manual_seed(0)
    EDMLoss()(a, target, dynamic, static, generator=generator())
    torch.manual_seed(1)
    EDMLoss()(b, target, dynamic, static, generator=generator())
    assert torch.equal(a.x, b.x)
    assert torch.equal(a.sigma, b.sigma)


def test_noise_has_the_drawn_level(tiny, case):
    target, dynamic, static = case(tiny)
    stub = Stub(tiny)
    EDMLoss()(stub, target, dynamic, static, generator=generator(), sigma=torch.tensor([0.1, 10.0]))
    levels = (stub.x - target).std(dim=(1, 2, 3))
    assert levels[0] == pytest.approx(0.1, rel=0.15)
    assert levels[1] == pytest.approx(10.0, rel=0.15)


def test_an_untrained_denoiser_has_loss_one_at_every_sigma(tiny):
    """With F = 0 the loss is the variance of the effective training target, 1 (appendix B.6)."""
    spec = tiny.model_copy(update={"sigma_data": 0.5, "target_hr_shape": (64, 64), "cond_lr_shape": (16, 16)})
    denoiser = EDMDenoiser(spec)
    target = 0.5 * torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(9))
    sigma = torch.logspace(-2.7, 1.9, 8)
    parts = EDMLoss()(
        denoiser, target, torch.zeros(8, 2, 16, 16), torch.zeros(8, 1, 64, 64), generator=generator(), sigma=sigma
    )
    torch.testing.assert_close(parts.per_sample, torch.ones(8), atol=0.12, rtol=0)


def test_masked_pixels_contribute_nothing_even_as_nan(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    target, dynamic, static = case(tiny)
    mask = torch.rand(target.shape, generator=generator()) > 0.4
    holes = target.where(mask, float("nan"))
    other = target.where(mask, 1e6)
    losses = []
    for field in (holes, other):
        denoiser.zero_grad()
        parts = EDMLoss()(denoiser, field, dynamic, static, generator=generator(), mask=mask)
        parts.loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in denoiser.parameters())
        losses.append(parts.loss.item())
    assert math.isfinite(losses[0])
    assert losses[0] == losses[1]


def test_mean_over_observed_pixels(tiny, case):
    _, dynamic, static = case(tiny)
    target = torch.ones(2, 1, 16, 16)
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    mask[0, 0, :4] = True
    target[~mask] = 50.0
    sigma = torch.ones(2)
    parts = EDMLoss()(Stub(tiny), target, dynamic, static, generator=generator(), mask=mask, sigma=sigma)
    assert parts.edm.item() == pytest.approx(2.0)  # weight (1 + 1) / 1, error 1
    assert parts.per_sample.tolist() == pytest.approx([2.0, 0.0])


def test_a_mask_for_all_channels_and_an_all_missing_batch(tiny, case):
    target, dynamic, static = case(tiny)
    nothing = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    parts = EDMLoss()(Stub(tiny), target * float("nan"), dynamic, static, generator=generator(), mask=nothing)
    assert parts.loss.item() == 0


def test_weight_multiplies_the_squared_error(tiny, case):
    target, dynamic, static = case(tiny)
    weight = torch.zeros(16, 16)
    weight[:8] = 3.0
    one = EDMLoss()(Stub(tiny), target[:, :, :8].repeat(1, 1, 2, 1), dynamic, static, generator=generator())
    weighted = EDMLoss()(
        Stub(tiny), target[:, :, :8].repeat(1, 1, 2, 1), dynamic, static, generator=generator(), weight=weight
    )
    torch.testing.assert_close(weighted.edm, 1.5 * one.edm)


def test_the_loss_is_float32_under_autocast(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    target, dynamic, static = case(tiny)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = EDMLoss()(denoiser, target, dynamic, static, generator=generator())
    full = EDMLoss()(denoiser, target, dynamic, static, generator=generator())
    assert mixed.loss.dtype == mixed.per_sample.dtype == torch.float32
    torch.testing.assert_close(mixed.loss, full.loss, rtol=0.02, atol=0.02)


def test_gate_is_added_with_its_weight(gated, perturbed, case):
    denoiser = perturbed(gated)
    target, dynamic, static = case(gated)
    parts = EDMLoss(gate_weight=0.25)(denoiser, target, dynamic, static, generator=generator())
    assert parts.gate is not None
    torch.testing.assert_close(parts.loss, parts.edm + 0.25 * parts.gate)
    alone = replace(EDMLoss(), gate_weight=0.0)(denoiser, target, dynamic, static, generator=generator())
    torch.testing.assert_close(alone.loss, parts.edm)
