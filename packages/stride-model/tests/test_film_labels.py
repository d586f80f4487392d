import pytest
import torch
import torch.nn.functional as F
from stride_model.conditioning.scale_shift import ScaleShift
from stride_model.errors import SpecError
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec

SIGMA = torch.tensor(1.0)


@pytest.fixture
def labelled(tiny):
    return tiny.model_copy(update={"use_film_vars": True, "film_labels": 3})


def labels(*values):
    return torch.tensor(values, dtype=torch.int64)


def test_scale_and_shift_by_hand():
    layer = ScaleShift(2, 1)
    x = torch.tensor([3.0, 5.0]).reshape(1, 2, 1, 1)
    assert torch.equal(layer(x, torch.ones(1, 1)), x)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [0.0], [0.0], [2.0]]))  # scales 1 and 0, shifts 0 and 2
    assert layer(x, torch.ones(1, 1)).flatten().tolist() == [6.0, 7.0]


def test_at_the_start_every_label_gives_the_same(labelled, case):
    torch.manual_seed(0)
    denoiser = EDMDenoiser(labelled)
    with torch.no_grad():
        torch.nn.init.normal_(denoiser.network.head.weight)  # else the whole network is zero
    x, dynamic, static = case(labelled)
    with torch.no_grad():
        for first, second in ((0, 1), (1, 2)):
            one, other = (denoiser(x, SIGMA, denoiser.encode(dynamic, static, labels=labels(k, k)))
                          for k in (first, second))  # fmt: skip
            assert torch.equal(one, other)


def test_each_case_goes_by_its_own_label(labelled, perturbed, case):
    denoiser = perturbed(labelled)
    x, dynamic, static = case(labelled, batch=3)
    with torch.no_grad():
        mixed = denoiser(x, SIGMA, denoiser.encode(dynamic, static, labels=labels(2, 0, 1)))
        for number, label in enumerate((2, 0, 1)):
            alone = denoiser(x, SIGMA, denoiser.encode(dynamic, static, labels=labels(label, label, label)))
            torch.testing.assert_close(mixed[number], alone[number], rtol=0, atol=1e-6)
            assert (mixed[(number + 1) % 3] - alone[(number + 1) % 3]).abs().max() > 1e-3


def test_a_label_changes_the_residual_blocks_and_what_is_taken_from_the_conditioning(labelled, perturbed, case):
    denoiser = perturbed(labelled)
    _, dynamic, static = case(labelled)
    with torch.no_grad():
        one, other = (denoiser.encode(dynamic, static, labels=labels(k, k)) for k in (0, 1))
    assert (one.embedding - other.embedding).abs().max() > 1e-3
    # Every level's map, and not by a constant per channel alone: the fields themselves are weighed differently.
    for level, (mine, theirs) in enumerate(zip(one.levels, other.levels, strict=True)):
        difference = mine - theirs
        assert (difference - difference.mean(dim=(-2, -1), keepdim=True)).abs().max() > 1e-4, level


def test_a_label_changes_what_is_taken_from_static_fields(labelled, perturbed, case):
    denoiser = perturbed(labelled)
    _, dynamic, static = case(labelled)
    with torch.no_grad():
        responses = [
            denoiser.encode(dynamic, static, labels=labels(k, k)).levels[0]
            - denoiser.encode(dynamic, static + 1.0, labels=labels(k, k)).levels[0]
            for k in (0, 1)
        ]
    assert (responses[0] - responses[1]).abs().max() > 1e-4


def test_a_label_changes_what_is_taken_from_the_larger_domain(labelled, perturbed, case):
    spec = ModelSpec(
        **{
            **labelled.model_dump(),
            "use_context_encoder": True,
            "in_context_dynamic_channels": 1,
            "context_shape": (12, 12),
            "context_cell": (0.5, 0.5),
            "context_offset": (2.0, 2.0),
        }
    )
    denoiser = perturbed(spec)
    _, dynamic, static = case(spec)
    around = torch.randn(2, 1, 12, 12)
    with torch.no_grad():
        responses = [
            denoiser.encode(dynamic, static, context_dynamic=around, labels=labels(k, k)).levels[1]
            - denoiser.encode(dynamic, static, context_dynamic=around.flip(-1), labels=labels(k, k)).levels[1]
            for k in (0, 1)
        ]
    assert (responses[0] - responses[1]).abs().max() > 1e-4


def test_it_is_embedded_once_for_all_members_and_steps(labelled, perturbed, case):
    denoiser = perturbed(labelled)
    _, dynamic, static = case(labelled)
    calls = []
    assert denoiser.label is not None
    denoiser.label.register_forward_hook(lambda *_: calls.append(1))
    denoiser.encoder.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        encoded = denoiser.encode(dynamic, static, labels=labels(0, 2))
    members = encoded.expand_members(4)
    torch.testing.assert_close(members.embedding[:4], encoded.embedding[:1].expand(4, -1))
    levels = karras_schedule(4)
    heun(denoiser.bind(members), levels[0] * member_noise(range(8), (1, 16, 16))(0), levels)
    assert len(calls) == 2


def test_labels_and_features_add(labelled, perturbed, case):
    spec = labelled.model_copy(update={"film_features": 2})
    denoiser = perturbed(spec)
    _, dynamic, static = case(spec)
    features = torch.tensor([[0.3, -1.0], [0.3, -1.0]])
    with torch.no_grad():
        both = denoiser.encode(dynamic, static, features, labels=labels(1, 1)).embedding
        assert denoiser.film is not None and denoiser.label is not None
        torch.testing.assert_close(both, denoiser.film(features) + denoiser.label(labels(1, 1))[1])


def test_the_loss_hands_them_on(labelled, perturbed, case):
    denoiser = perturbed(labelled)
    target, dynamic, static = case(labelled)
    losses = [
        EDMLoss()(denoiser, target, dynamic, static, labels=labels(k, k), generator=torch.Generator().manual_seed(0))
        for k in (0, 1)
    ]
    assert losses[0].loss.item() != losses[1].loss.item()


def test_every_part_of_it_learns(labelled, case):
    torch.manual_seed(0)
    denoiser = EDMDenoiser(labelled)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
    target, dynamic, static = case(labelled, batch=3)
    for _ in range(4):
        optimizer.zero_grad()
        EDMLoss()(
            denoiser, target, dynamic, static, labels=labels(0, 1, 2), generator=torch.Generator().manual_seed(0)
        ).loss.backward()
        optimizer.step()
    learnt = {name: p.grad for name, p in denoiser.named_parameters() if "label" in name or "film" in name}
    assert len(learnt) == 7
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in learnt.values()), learnt


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, r"labels is missing; the model spec expects one of 3 labels for each case"),
        (labels(0), r"labels is int64 of shape \[1\] but the model spec expects int64 \[2\]"),
        (torch.zeros(2), r"labels is float32 of shape \[2\]"),
        (labels(0, 3), r"labels go from 0 to 3 but the model spec has 3, counted from 0"),
        (labels(-1, 0), r"labels go from -1 to 0"),
    ],
)
def test_missing_and_wrong_labels_are_refused(labelled, case, given, says):
    _, dynamic, static = case(labelled)
    with pytest.raises(SpecError, match=says):
        EDMDenoiser(labelled).encode(dynamic, static, labels=given)


def test_labels_that_no_one_asked_for_are_refused(tiny, case):
    _, dynamic, static = case(tiny)
    with pytest.raises(SpecError, match="set use_film_vars and film_labels"):
        EDMDenoiser(tiny).encode(dynamic, static, labels=labels(0, 0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"use_film_vars": True}, "use_film_vars needs film_labels"),
        ({"film_labels": 2}, "film_labels is 2 but use_film_vars is false"),
        (
            {"use_film_vars": True, "film_labels": 2, "use_rain_gate": True, "gated_channels": (0,),
             "gate_thresholds": (0.0,)},
            "use_rain_gate and use_film_vars do not go together",
        ),
    ],
)  # fmt: skip
def test_wrong_combinations_are_refused(tiny, change, says):
    with pytest.raises(SpecError, match=says):
        ModelSpec(**{**tiny.model_dump(), **change})


@pytest.mark.slow
def test_one_network_serves_two_targets_of_opposite_sign_and_other_spread():
    """Label 0: 0.8 times the LR field and noise of 0.3; label 1: -0.8 times it and noise of 0.6.

    Without the label the best mean is 0 and the best spread that of the mixture, 0.9.
    """
    torch.manual_seed(0)
    sign, spread = torch.tensor([0.8, -0.8]), torch.tensor([0.3, 0.6])
    size = (8, 8)

    def draw(n, generator, label=None):
        dynamic = torch.randn(n, 1, 2, 2, generator=generator)
        label = torch.randint(2, (n,), generator=generator) if label is None else torch.full((n,), label)
        mean = sign[label][:, None, None, None] * F.interpolate(dynamic, size=size, mode="nearest")
        noise = torch.randn(n, 1, *size, generator=generator)
        return mean + spread[label][:, None, None, None] * noise, dynamic, label, mean

    spec = ModelSpec(
        in_dynamic_channels=1,
        out_channels=1,
        cond_lr_shape=(2, 2),
        target_hr_shape=size,
        use_film_vars=True,
        film_labels=2,
        sigma_data=0.93,
        patch=1,
        channels=(24, 24),
        blocks=1,
        embedding_channels=32,
        lr_channels=16,
        lr_blocks=1,
    )
    denoiser, loss, steps = EDMDenoiser(spec), EDMLoss(LogNormal(-0.6, 1.4)), 500
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        target, dynamic, label, _ = draw(32, generator)
        optimizer.zero_grad()
        loss(denoiser, target, dynamic, labels=label, generator=generator).loss.backward()
        optimizer.step()
        schedule.step()
    denoiser.eval()
    levels = karras_schedule(24, 0.01, 40.0)
    for k in (0, 1):
        _, dynamic, label, mean = draw(4, torch.Generator().manual_seed(7), k)
        with torch.no_grad():
            conditioning = denoiser.encode(dynamic, labels=label).expand_members(32)
        noise = member_noise(range(128), (1, *size))
        members = heun(denoiser.bind(conditioning), levels[0] * noise(0), levels).reshape(4, 32, 1, *size).float()
        error = (members.mean(dim=1) - mean).square().mean().sqrt()
        assert error < 0.25, k  # sampling alone gives 0.05 and 0.1; a network that ignores the label about 0.8
        assert members.var(dim=1).mean().sqrt() == pytest.approx(float(spread[k]), rel=0.15)
