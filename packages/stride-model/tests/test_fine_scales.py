"""The finest scales of a noisy field: what they are, and what the model does with them."""

import pytest
import torch
from stride_model.errors import SpecError
from stride_model.fine_scales import FineScales, bands, noise_stds, white_equivalent
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rippled(n, size, generator):
    """Plane waves of 8 to 16 pixels: nothing at the finest scales."""
    axis = 2 * torch.pi * torch.arange(size) / size
    wave = torch.randint(-size // 8, size // 8 + 1, (2, n), generator=generator).float()
    phase = 2 * torch.pi * torch.rand(n, generator=generator)
    angle = wave[0, :, None, None] * axis[:, None] + wave[1, :, None, None] * axis + phase[:, None, None]
    return 2**0.5 * angle.cos()[:, None]


def test_the_first_scale_of_an_impulse_is_what_the_spline_takes_off():
    impulse = torch.zeros(1, 1, 9, 9)
    impulse[..., 4, 4] = 1
    (finest,) = bands(impulse, 1)
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    expected = impulse.clone()
    expected[0, 0, 2:7, 2:7] -= taps[:, None] * taps
    torch.testing.assert_close(finest, expected)
    assert noise_stds(1)[0] == pytest.approx(float(expected.square().sum().sqrt()))


def test_a_constant_and_a_slope_hold_no_fine_scale_away_from_the_edges():
    slope = torch.arange(40.0).expand(1, 1, 40, 40)
    for part in bands(slope + 7, 3):
        assert part[..., 14:-14, 14:-14].abs().max() < 1e-5


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_white_noise_is_its_own_equivalent_at_every_scale(scales):
    found = white_equivalent(0.3 * normal(4, 2, 200, 200), scales)
    assert found.shape == (2, scales)
    assert (found / 0.3 - 1).abs().max() < 0.03


def test_what_is_not_observed_does_not_count():
    field = normal(2, 1, 96, 96)
    observed = torch.ones_like(field, dtype=torch.bool)
    observed[..., 48:] = False
    field[..., 48:] = 0
    assert float(white_equivalent(field, 1, observed)) == pytest.approx(1, abs=0.05)
    assert float(white_equivalent(field, 1)) == pytest.approx(0.5**0.5, abs=0.05)


@pytest.mark.parametrize("sigma", [1e-3, 0.03, 1.0, 80.0])
def test_the_network_sees_unit_variance_at_every_noise_level(tiny, sigma):
    clean = 0.1 * normal(8, 1, 64, 64)  # white noise of 0.1: its equivalent at all scales
    spec = ModelSpec(**{**tiny.model_dump(), "fine_scale_std": ((0.1, 0.1),)})
    seen, passed = FineScales(spec)(
        clean + sigma * normal(8, 1, 64, 64, seed=1), torch.full((8,), sigma), torch.zeros(8)
    )
    assert seen.shape == (8, 2, 64, 64)
    assert (seen.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05
    assert not passed.any()  # nothing passes before training


def test_channels_keep_to_themselves(everything):
    module = FineScales(everything)
    torch.nn.init.ones_(module.gains.bias)
    x, sigma = normal(2, 2, 18, 15), torch.tensor([0.1, 5.0])
    seen, passed = module(x, sigma, sigma.log() / 4)
    other_seen, other_passed = module(torch.stack([x[:, 0], 9 * x[:, 1]], dim=1), sigma, sigma.log() / 4)
    torch.testing.assert_close(seen[:, [0, 2]], other_seen[:, [0, 2]])
    torch.testing.assert_close(passed[:, 0], other_passed[:, 0])
    torch.testing.assert_close(passed, seen[:, :2] + seen[:, 2:])


def test_a_wiener_filter_can_be_learnt_by_the_gains_alone():
    """White noise of 0.1 at sigma 1: D must shrink the finest scale by 0.01 / 1.01, where c_skip is a half."""
    spec = ModelSpec(
        in_dynamic_channels=1,
        out_channels=1,
        cond_lr_shape=(4, 4),
        target_hr_shape=(16, 16),
        channels=(8,),
        blocks=1,
        patch=1,
        fine_scale_std=((0.1,),),
    )
    denoiser = EDMDenoiser(spec)
    assert denoiser.fine_scales is not None
    # D = c_skip x + c_out g z with z the scale over noise_std sqrt(1.01): g = -(1/2 - 0.01/1.01) * ... / c_out
    gain = -(0.5 - 0.01 / 1.01) * noise_stds(1)[0] * 1.01**0.5 / 0.5**0.5
    torch.nn.init.constant_(denoiser.fine_scales.gains.bias, gain)
    x = normal(1, 1, 16, 16)
    with torch.no_grad():
        found = denoiser(x, torch.tensor(1.0), denoiser.encode(torch.zeros(1, 1, 4, 4)))
    (finest,) = bands(x, 1)
    torch.testing.assert_close(found, 0.01 / 1.01 * finest + 0.5 * (x - finest))


@pytest.mark.slow
def test_smooth_fields_are_denoised_with_less_grain():
    """Trained alike, the network with fine scales leaves less than two thirds of the other's error there."""
    base = {
        "in_dynamic_channels": 1,
        "out_channels": 1,
        "cond_lr_shape": (4, 4),
        "target_hr_shape": (32, 32),
        "channels": (16, 32),
        "lr_channels": 8,
        "lr_blocks": 0,
    }

    def grain(**change):
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(0)
        denoiser = EDMDenoiser(ModelSpec(**base, **change))
        loss = EDMLoss(LogNormal(0.0, 1.5))
        optimizer = torch.optim.Adam(denoiser.parameters(), lr=3e-3)
        dynamic = torch.zeros(8, 1, 4, 4)
        for _ in range(200):
            optimizer.zero_grad()
            loss(denoiser, rippled(8, 32, generator), dynamic, generator=generator).loss.backward()
            optimizer.step()
        target = rippled(16, 32, generator)
        with torch.no_grad():
            noisy = target + torch.randn(target.shape, generator=generator)
            found = denoiser(noisy, torch.tensor(1.0), denoiser.encode(torch.zeros(16, 1, 4, 4)))
        return float(white_equivalent(found - target, 1))

    std = white_equivalent(rippled(64, 32, torch.Generator().manual_seed(1)), 2).tolist()
    assert grain(fine_scale_std=std) < 2 / 3 * grain()


def test_wrong_scales_are_refused(tiny):
    with pytest.raises(SpecError, match="fine_scale_std speaks of 2 channels, but out_channels is 1"):
        ModelSpec(**{**tiny.model_dump(), "fine_scale_std": ((0.1,), (0.2,))})
    with pytest.raises(SpecError, match="different numbers of scales"):
        ModelSpec(**{**tiny.model_dump(), "out_channels": 2, "fine_scale_std": ((0.1,), (0.2, 0.3))})
    with pytest.raises(SpecError, match="fine_scale_std"):
        ModelSpec(**{**tiny.model_dump(), "fine_scale_std": ((0.0,),)})
