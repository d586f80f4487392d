import pytest
import torch
import torch.nn.functional as F
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec


def raw(denoiser, x, c_noise, conditioning):
    return denoiser.network(x, torch.full((x.shape[0],), c_noise), conditioning.levels)


def test_c_noise_changes_the_output_of_a_perturbed_network(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    conditioning = denoiser.encode(dynamic, static)
    with torch.no_grad():
        low, high = (raw(denoiser, x, c_noise, conditioning) for c_noise in (-1.0, 0.0))
    assert (low - high).abs().mean() > 1e-2 * low.std()


def test_c_noise_changes_the_output_after_training_steps(tiny, case):
    torch.manual_seed(0)
    denoiser = EDMDenoiser(tiny)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    target, dynamic, static = case(tiny, batch=4)
    for _ in range(3):
        optimizer.zero_grad()
        EDMLoss()(denoiser, target, dynamic, static, generator=generator).loss.backward()
        optimizer.step()
    conditioning = denoiser.encode(dynamic, static)
    with torch.no_grad():
        low, high = (raw(denoiser, target, c_noise, conditioning) for c_noise in (-1.0, 0.0))
    assert (low - high).abs().mean() > 1e-3 * low.std() > 0


@pytest.mark.parametrize(
    "change",
    [
        {"target_hr_shape": (19, 33), "cond_lr_shape": (4, 7)},
        {"target_hr_shape": (3, 5), "cond_lr_shape": (1, 2)},
        {"target_hr_shape": (20, 28), "cond_lr_shape": (9, 11), "lr_margins": (2, 2, 0, 4)},
        {"in_static_channels": 0, "patch": 1},
        {"patch": 3, "out_channels": 2},
        {"attention_levels": (1,), "dropout": 0.1},
        {"temporal_steps": 3},
        {"channels": (8,)},
        {"use_rain_gate": True, "gated_channels": (0,), "gate_thresholds": (0.0,), "target_hr_shape": (18, 17)},
    ],
)
def test_any_specification_trains_and_samples(tiny, case, change):
    spec = ModelSpec(**{**tiny.model_dump(), **change})
    denoiser = EDMDenoiser(spec)
    target, dynamic, static = case(spec)
    parts = EDMLoss()(denoiser, target, dynamic, static, generator=torch.Generator().manual_seed(0))
    parts.loss.backward()
    assert parts.loss.isfinite()
    denoiser.eval()
    conditioning = denoiser.encode(dynamic, static)
    noise = member_noise([0, 1], (spec.out_channels, *spec.target_hr_shape))
    levels = karras_schedule(2)
    assert heun(denoiser.bind(conditioning), levels[0] * noise(0), levels).shape == target.shape
    if spec.use_rain_gate:
        assert conditioning.gate_logits is not None
        assert conditioning.gate_logits.shape == (2, 1, *spec.target_hr_shape)


@pytest.mark.parametrize("sigma", [0.002, 0.05, 1.0, 80.0, 800.0])
def test_every_parameter_gets_a_finite_gradient_across_the_range_of_sigma(gated, perturbed, case, sigma):
    denoiser = perturbed(gated)
    target, dynamic, static = case(gated)
    generator = torch.Generator().manual_seed(0)
    parts = EDMLoss()(denoiser, target, dynamic, static, generator=generator, sigma=torch.full((2,), sigma))
    parts.loss.backward()
    for name, parameter in denoiser.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0 or name.endswith("bias"), name


def test_statics_and_every_dynamic_channel_matter(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    with torch.no_grad():
        before = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static))
        for channel in range(2):
            changed = dynamic.clone()
            changed[:, channel] += 1
            after = denoiser(x, torch.tensor(1.0), denoiser.encode(changed, static))
            assert (after - before).abs().max() > 1e-4
        after = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static + 1))
        assert (after - before).abs().max() > 1e-4


def test_members_of_a_batch_equal_members_alone(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    _, dynamic, static = case(tiny)
    levels = karras_schedule(3)
    shape = (1, *tiny.target_hr_shape)

    def members(seeds, cases):
        noise = member_noise(seeds, shape)
        with torch.no_grad():
            conditioning = denoiser.encode(dynamic[cases], static[cases]).expand_members(len(seeds) // len(cases))
        return heun(denoiser.bind(conditioning), levels[0] * noise(0), levels)

    together = members([10, 11, 12, 20, 21, 22], [0, 1])
    torch.testing.assert_close(together[1:2], members([11], [0]), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together[4:6], members([21, 22], [1]), atol=1e-4, rtol=1e-4)


def test_the_conditioning_is_encoded_once_per_case(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    _, dynamic, static = case(tiny, batch=1)
    calls = {"encoder": 0, "network": 0}
    for name in calls:
        hook = lambda *_, name=name: calls.__setitem__(name, calls[name] + 1)  # noqa: E731
        getattr(denoiser, name).register_forward_hook(hook)
    noise = member_noise([0, 1, 2], (1, *tiny.target_hr_shape))
    levels = karras_schedule(5)
    heun(denoiser.bind(denoiser.encode(dynamic, static).expand_members(3)), levels[0] * noise(0), levels)
    assert calls == {"encoder": 1, "network": 9}


def test_state_dict_round_trip_also_to_another_domain_size(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    again = EDMDenoiser(tiny).eval()
    again.load_state_dict(denoiser.state_dict())
    with torch.no_grad():
        a, b = (d(x, torch.tensor(0.3), d.encode(dynamic, static)) for d in (denoiser, again))
    assert torch.equal(a, b)
    larger = ModelSpec(**{**tiny.model_dump(), "target_hr_shape": (32, 48), "cond_lr_shape": (8, 12)})
    EDMDenoiser(larger).load_state_dict(denoiser.state_dict())


def test_the_same_seed_builds_and_trains_the_same_model(tiny, case):
    def train():
        torch.manual_seed(3)
        denoiser = EDMDenoiser(tiny)
        optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
        generator = torch.Generator().manual_seed(4)
        target, dynamic, static = case(tiny)
        for _ in range(2):
            optimizer.zero_grad()
            EDMLoss()(denoiser, target, dynamic, static, generator=generator).loss.backward()
            optimizer.step()
        return denoiser.state_dict()

    for a, b in zip(train().values(), train().values(), strict=True):
        assert torch.equal(a, b)


def test_padding_does_not_leak_into_what_the_network_sees_first(tiny):
    """Folding pads by reflection; unfolding cuts the padding off again."""
    from stride_model.grids import Grids
    from stride_model.unet.patches import Patches

    spec = ModelSpec(**{**tiny.model_dump(), "target_hr_shape": (13, 18), "cond_lr_shape": (3, 3)})
    grids = Grids.of(spec)
    assert grids.padded_shape == (16, 20)
    patches = Patches(grids)
    x = torch.randn(2, 3, 13, 18)
    folded = patches.fold(x)
    assert folded.shape == (2, 12, 8, 10)
    assert torch.equal(patches.unfold(folded), x)
    assert torch.equal(folded, F.pixel_unshuffle(F.pad(x, (0, 2, 0, 3), mode="reflect"), 2))
