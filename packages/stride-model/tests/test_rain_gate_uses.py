"""Uses of the gate: weights on the denoising error, gating by channel, and the probability that dries nothing out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.gating import gate
from stride_model.rain_gate.reliability import Reliability
from stride_model.rain_gate.removed_amount import RemovedAmount
from stride_model.rain_gate.reweighting import gate_weights
from stride_model.spec import ModelSpec


def test_hand_computed_weights():
    # Probabilities 3/4 and 1/4 with strength 2: 2.5 and 1.5, mean 2. The pixel that is not observed does not count.
    logits = torch.tensor([math.log(3), -math.log(3), 50.0])[None, None, None]
    mask = torch.tensor([True, True, False])[None, None, None].expand(1, 2, 1, 3)
    weights = gate_weights(logits, (1,), 2, 2.0, mask)
    torch.testing.assert_close(weights[0, 1, 0, :2], torch.tensor([1.25, 0.75]))
    assert weights[0, 0].eq(1).all()
    assert gate_weights(logits, (1,), 2, 2.0, torch.zeros_like(mask)).isfinite().all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 50))
def test_weights_are_positive_and_have_mean_one(seed, strength):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(3, 2, 5, 4, generator=generator)
    mask = torch.rand(3, 3, 5, 4, generator=generator) < 0.7
    weights = gate_weights(logits, (2, 0), 3, strength, mask)
    assert (weights > 0).all()
    for channel in range(3):
        assert float(weights[:, channel][mask[:, channel]].mean()) == pytest.approx(1.0, abs=1e-4)


def test_weights_that_see_the_conditioning_alone_bias_nothing_and_weights_of_the_target_do():
    """Each pixel predicts one number; the clean value is 0 with probability 1 - p and exponential otherwise.

    The minimiser of a weighted squared error is sum(w y) / sum(w), pixel by pixel.
    """
    generator = torch.Generator().manual_seed(0)
    p = torch.tensor([0.05, 0.5, 0.9])
    wet = torch.rand(20_000, 1, 1, 3, generator=generator) < p
    amount = torch.where(wet, -torch.rand(wet.shape, generator=generator).clamp(min=1e-9).log(), 0.0)
    weights = gate_weights(torch.logit(p).expand_as(amount), (0,), 1, 10.0)
    minimiser = (weights * amount).sum(dim=0) / weights.sum(dim=0)
    torch.testing.assert_close(minimiser, amount.mean(dim=0), rtol=1e-4, atol=1e-5)
    assert weights[0, 0, 0, 2] > 5 * weights[0, 0, 0, 0]
    of_target = gate_weights(torch.where(amount > 0, 9.0, -9.0), (0,), 1, 10.0)
    assert ((of_target * amount).sum(dim=0) / of_target.sum(dim=0) > 1.3 * amount.mean(dim=0))[..., :2].all()


@pytest.mark.parametrize("gate_input", ["conditioning", "conditioning_and_denoised"])
def test_reweighting_multiplies_the_error_and_leaves_the_gate_out(gated, perturbed, case, gate_input):
    spec = gated.model_copy(update={"gate_input": gate_input})
    denoiser = perturbed(spec)
    target, dynamic, static = case(spec)
    sigma = torch.tensor([0.5, 2.0])

    def parts(**options):
        generator = torch.Generator().manual_seed(3)
        return EDMLoss(gate_weight=0.0, **options)(denoiser, target, dynamic, static, generator=generator, sigma=sigma)

    weighted = parts(gate_reweighting=4.0)
    normal = torch.randn(target.shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        conditioning = denoiser.encode(dynamic, static)
        denoised = denoiser(target + sigma[:, None, None, None] * normal, sigma, conditioning)
        weights = gate_weights(denoiser.gate_logits(conditioning, denoised, sigma), (0,), 1, 4.0)
        factor = (sigma**2 + 1) / sigma**2
        by_hand = (factor[:, None, None, None] * weights * (denoised - target) ** 2).mean()
    torch.testing.assert_close(weighted.edm, by_hand)
    assert not torch.isclose(weighted.edm, parts().edm)
    weighted.loss.backward()
    head = denoiser.gate or denoiser.field_gate
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in head.parameters())


def test_reweighting_without_a_gate_is_refused(tiny, perturbed, case):
    target, dynamic, static = case(tiny)
    with pytest.raises(ValueError, match="gate_reweighting needs a denoiser with a gate"):
        EDMLoss(gate_reweighting=1.0)(perturbed(tiny), target, dynamic, static, generator=torch.Generator())


def test_some_of_several_channels_each_with_its_own_threshold_and_floor(perturbed, case, tiny):
    spec = ModelSpec(
        **{
            **tiny.model_dump(),
            "out_channels": 3,
            "use_rain_gate": True,
            "gated_channels": (2, 0),
            "gate_thresholds": (0.5, -1.0),
        }
    )
    for gate_input in ("conditioning", "conditioning_and_denoised"):
        denoiser = perturbed(spec.model_copy(update={"gate_input": gate_input}))
        target, dynamic, static = case(spec)
        logits = denoiser.gate_logits_of_field(denoiser.encode(dynamic, static), target, torch.zeros_like(target))
        assert logits is not None and logits.shape == (2, 2, 16, 16)
    field = torch.full((1, 3, 1, 2), 4.0)
    logits = torch.logit(torch.tensor([[0.1, 0.3], [0.3, 0.1]]))[None, :, None]
    out = gate(field, logits, (2, 0), floors=(-2.0, 1.0), probability=(0.2, 0.4))
    assert out[0, 2, 0].tolist() == [-2.0, 4.0]
    assert out[0, 1, 0].tolist() == [4.0, 4.0]
    assert out[0, 0, 0].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="3 probabilities for 2 gated channels"):
        gate(field, logits, (2, 0), (0.0, 0.0), (0.1, 0.1, 0.1))


def test_each_channel_of_the_gate_learns_its_own_threshold(tiny):
    """Two channels of white noise, thresholds -1 and 1: probabilities 0.84 and 0.16 at every pixel."""
    torch.manual_seed(0)
    changes = {"out_channels": 2, "use_rain_gate": True, "gated_channels": (1, 0), "gate_thresholds": (-1.0, 1.0)}
    denoiser = EDMDenoiser(ModelSpec(**{**tiny.model_dump(), **changes, "in_static_channels": 0}))
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        target = torch.randn(16, 2, 16, 16, generator=generator)
        dynamic = torch.randn(16, 2, 4, 4, generator=generator)
        optimizer.zero_grad()
        EDMLoss(gate_weight=1.0)(denoiser, target, dynamic, generator=generator).loss.backward()
        optimizer.step()
    logits = denoiser.encode(dynamic).gate_logits
    assert logits is not None
    assert torch.sigmoid(logits).mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.841, 0.159], abs=0.04)


def test_hand_computed_removal():
    removed = RemovedAmount()
    probability = torch.tensor([0.01, 0.1, 0.2, 0.4, 0.9])
    amount = torch.tensor([1.0, 2.0, 3.0, 4.0, 90.0])
    removed.add(torch.logit(probability), amount)
    for share, below in ((0.0, 0.01), (0.015, 0.1), (0.031, 0.2), (0.061, 0.4)):
        chosen = removed.probability(share)
        assert below / 1.03 <= chosen <= below  # the last edge below the first pixel that must stay
        assert removed.share_below(chosen) <= share
    assert removed.probability(0.99) == 0.5
    assert removed.share_below(0.5) == pytest.approx(0.1)
    masked = RemovedAmount()
    masked.add(torch.logit(probability), amount, mask=amount != 1.0)
    assert masked.probability(0.0) == pytest.approx(0.1, rel=0.03)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 0.3))
def test_gating_at_the_chosen_probability_removes_no_more_than_is_allowed(seed, share):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 1, 8, 8, generator=generator)
    field = torch.randn(2, 1, 8, 8, generator=generator).clamp(min=0)
    removed = RemovedAmount()
    for i in range(2):
        removed.add(logits[i], field[i])
    chosen = removed.probability(share)
    kept = gate(field, logits, (0,), (0.0,), chosen)
    lost = 1 - float(kept.double().sum() / field.double().sum())
    assert lost <= share + 1e-6
    assert lost == pytest.approx(removed.share_below(chosen), abs=1e-5)


def test_the_chosen_probability_leaves_room_for_the_scatter_between_cases():
    # Two cases of 100 each, of which 2 and 4 stand below 0.1: 3 % with a standard error of 1 %.
    removed = RemovedAmount()
    for low in (2.0, 4.0):
        removed.add(torch.logit(torch.tensor([0.05, 0.4])), torch.tensor([low, 100.0 - low]))
    assert removed.share_below(0.1) == pytest.approx(0.03)
    assert removed.probability(0.0399) == pytest.approx(0.05, rel=0.03)
    assert removed.probability(0.0401) == pytest.approx(0.4, rel=0.03)


def test_a_gate_without_skill_and_a_total_of_nothing_remove_nothing():
    field = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for level in (-5.0, -0.1, 3.0):
        logits, removed = torch.full_like(field, level), RemovedAmount()
        removed.add(logits, field)
        assert torch.equal(gate(field, logits, (0,), (0.0,), removed.probability(0.005)), field)
    removed = RemovedAmount()
    assert removed.probability(0.5) == removed.share_below(0.5) == 0.0
    removed.add(logits, torch.zeros_like(field))
    assert removed.probability(0.5) == 0.0


def test_hand_computed_reliability():
    table = Reliability(bins=4)
    # Two cases. In the bin from 0 to 1/4: 0.2 twice in the first (one exceeds), 0.1 once in the second (none).
    table.add(torch.logit(torch.tensor([0.2, 0.2, 0.9])), torch.tensor([True, False, True]))
    table.add(torch.logit(torch.tensor([0.1, 0.5])), torch.tensor([False, True]), torch.tensor([True, False]))
    low, high = table.table()
    assert (low.low, low.high, low.count, high.count) == (0.0, 0.25, 3, 1)
    assert low.predicted == pytest.approx(0.5 / 3)
    assert low.observed == pytest.approx(1 / 3)
    assert low.standard_error == pytest.approx(math.hypot(1 - 0.4, 0.1) / 3)
    assert table.brier == pytest.approx((0.8**2 + 0.2**2 + 0.1**2 + 0.1**2) / 4)
    assert table.error == pytest.approx((0.5 + 0.1) / 4)
    assert math.isnan(Reliability().brier)


def test_the_standard_error_holds_for_cases_whose_pixels_go_together():
    """Whole cases are wet or dry: of 400 cases of 64 pixels only 400 are independent."""
    generator = torch.Generator().manual_seed(0)
    distances = []
    for _ in range(60):
        table = Reliability(bins=1)
        wet = torch.rand(400, generator=generator) < 0.3
        for case in wet:
            table.add(torch.full((64,), math.log(0.3 / 0.7)), case.expand(64))
        row = table.table()[0]
        distances.append((row.observed - row.predicted) / row.standard_error)
    assert torch.tensor(distances).std() == pytest.approx(1.0, abs=0.25)
