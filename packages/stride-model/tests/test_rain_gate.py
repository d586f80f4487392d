import math

import pytest
import torch
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.entropy import rain_gate_loss
from stride_model.rain_gate.gating import gate
from stride_model.spec import ModelSpec


def test_hand_computed_cross_entropy():
    # Probability 3/4 of exceeding; one pixel does, one does not, one is not observed.
    logits = torch.full((1, 1, 1, 3), math.log(3))
    target = torch.tensor([[[[9.0, 9.0, 9.0]], [[1.0, 0.0, 0.0]]]])
    mask = torch.tensor([[[[True, True, True]], [[True, True, False]]]])
    loss = rain_gate_loss(logits, target, channels=(1,), thresholds=(0.5,), mask=mask)
    assert loss.item() == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    whole = rain_gate_loss(logits[..., :2], target[..., :2], channels=(1,), thresholds=(0.5,))
    assert whole.item() == pytest.approx(loss.item())


def test_the_threshold_itself_does_not_exceed():
    logits = torch.full((1, 1, 1, 1), 20.0)
    assert rain_gate_loss(logits, torch.full((1, 1, 1, 1), 0.5), (0,), (0.5,)) > 10


def test_gate_lowers_only_where_exceeding_is_all_but_excluded():
    field = torch.tensor([[[[2.0, 2.0, -3.0, 2.0]], [[5.0, 5.0, 5.0, 5.0]]]])
    probability = torch.tensor([0.01, 0.3, 0.01, 0.05])
    logits = torch.logit(probability, eps=1e-6)[None, None, None]
    out = gate(field, logits, channels=(0,), floors=(-1.0,), probability=0.05 - 1e-6)
    assert out[0, 0, 0].tolist() == [-1.0, 2.0, -3.0, 2.0]
    assert torch.equal(out[0, 1], field[0, 1])
    assert field[0, 0, 0, 0] == 2.0  # the input is as it was


def test_gate_broadcasts_one_case_over_members():
    field = torch.ones(5, 2, 4, 4)
    out = gate(field, torch.full((1, 2, 4, 4), -9.0), channels=(0, 1), floors=(0.0, 0.5), probability=0.05)
    assert out[:, 0].eq(0).all()
    assert out[:, 1].eq(0.5).all()


def test_gate_at_zero_probability_changes_nothing():
    field = torch.randn(2, 1, 4, 4)
    assert torch.equal(gate(field, torch.full((2, 1, 4, 4), -50.0), (0,), (-9.0,), probability=0.0), field)


def test_gate_refuses_a_probability_outside_its_range():
    with pytest.raises(ValueError, match="probability 5"):
        gate(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), (0,), (0.0,), probability=5)


def test_predicted_probabilities_are_reliable():
    """LR field z, target z + N(0, 1) per pixel: the probability of exceeding 0 is Phi(z)."""
    torch.manual_seed(0)
    spec = ModelSpec(
        in_dynamic_channels=1,
        out_channels=1,
        cond_lr_shape=(4, 4),
        target_hr_shape=(16, 16),
        channels=(8,),
        blocks=1,
        embedding_channels=8,
        lr_channels=8,
        lr_blocks=1,
        use_rain_gate=True,
        gated_channels=(0,),
        gate_thresholds=(0.0,),
    )
    denoiser = EDMDenoiser(spec)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)

    def draw(n):
        z = 1.5 * torch.randn(n, 1, 1, 1, generator=generator)
        target = z + torch.randn(n, 1, 16, 16, generator=generator)
        return target, z.expand(n, 1, 4, 4)

    loss = EDMLoss(gate_weight=1.0)
    for step in range(150):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / 150)
        target, dynamic = draw(32)
        optimizer.zero_grad()
        loss(denoiser, target, dynamic, generator=generator).loss.backward()
        optimizer.step()
    target, dynamic = draw(2000)
    with torch.no_grad():
        logits = denoiser.encode(dynamic).gate_logits
    assert logits is not None
    probability, exceeds = torch.sigmoid(logits).flatten(), (target > 0).float().flatten()
    bins = (probability * 10).long().clamp(max=9)
    for b in range(10):
        inside = bins == b
        assert inside.sum() > 2000
        assert abs(exceeds[inside].mean() - probability[inside].mean()) < 0.04
    truth = torch.special.ndtr(dynamic[:, :, :1, :1])
    assert (torch.sigmoid(logits) - truth).abs().mean() < 0.03
