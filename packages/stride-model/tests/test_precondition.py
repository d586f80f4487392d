import math

import pytest
import torch
from stride_model.errors import SpecError
from stride_model.precondition import coefficients
from stride_model.unet.unet import UNet


def test_hand_computed_coefficients():
    # sigma = 3, sigma_data = 4: the root of the summed squares is 5.
    c = coefficients(torch.tensor([3.0]), 4.0)
    assert c.c_skip.item() == pytest.approx(16 / 25)
    assert c.c_out.item() == pytest.approx(12 / 5)
    assert c.c_in.item() == pytest.approx(1 / 5)
    assert c.c_noise.item() == pytest.approx(math.log(3) / 4)


def test_input_and_training_target_have_unit_variance():
    sigma, data = torch.tensor([0.002, 0.5, 80.0], dtype=torch.float64), 0.5
    c = coefficients(sigma, data)
    torch.testing.assert_close(c.c_in**2 * (data**2 + sigma**2), torch.ones(3, dtype=torch.float64))
    # Effective target (y - c_skip (y + n)) / c_out, appendix B.6
    variance = ((1 - c.c_skip) ** 2 * data**2 + c.c_skip**2 * sigma**2) / c.c_out**2
    torch.testing.assert_close(variance, torch.ones(3, dtype=torch.float64))


def test_the_denoiser_is_near_the_identity_at_low_noise_and_near_the_mean_at_high(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    conditioning = denoiser.encode(dynamic, static)
    with torch.no_grad():
        assert (denoiser(x, torch.tensor(1e-4), conditioning) - x).abs().max() < 1e-3
        high = denoiser(1e4 * x, torch.tensor(1e4), conditioning)
    assert high.abs().max() < 10  # c_skip x vanishes, c_out is sigma_data


def test_an_untrained_network_is_c_skip_x(tiny, case):
    from stride_model.precondition import EDMDenoiser

    denoiser = EDMDenoiser(tiny)
    x, dynamic, static = case(tiny)
    sigma = torch.tensor([0.5, 2.0])
    out = denoiser(x, sigma, denoiser.encode(dynamic, static))
    torch.testing.assert_close(out, x / (1 + sigma**2)[:, None, None, None])


def test_preconditioning_is_float32_under_autocast(tiny, perturbed, case, monkeypatch):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    sigma = torch.tensor([0.01, 1.0])
    seen = {}
    original = UNet.forward

    def spy(self, x, c_noise, conditioning, case):
        out = original(self, x, c_noise, conditioning, case)
        seen.update(x=x.dtype, c_noise=c_noise.dtype, out=out.dtype)
        return out

    monkeypatch.setattr(UNet, "forward", spy)
    with torch.no_grad():
        full = denoiser(x, sigma, denoiser.encode(dynamic, static))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = denoiser(x, sigma, denoiser.encode(dynamic, static))
    assert seen == {"x": torch.float32, "c_noise": torch.float32, "out": torch.bfloat16}
    assert mixed.dtype == torch.float32
    # The network's bf16 error is scaled by c_out, about sigma; a bf16 preconditioning would err by 2^-9 of x itself.
    assert (mixed - full)[0].abs().max() < 0.01 * 0.05
    assert (mixed - full)[1].abs().max() < 0.05


def test_conditioning_is_not_scaled_by_c_in(tiny, perturbed, case, monkeypatch):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    conditioning = denoiser.encode(dynamic, static)
    seen = []
    monkeypatch.setattr(UNet, "forward", lambda self, x, c_noise, levels, case: seen.append((x, levels)) or x)
    denoiser(x, torch.tensor(80.0), conditioning)
    scaled, levels = seen[0]
    torch.testing.assert_close(scaled, x / math.sqrt(1 + 80**2))
    assert all(a is b for a, b in zip(levels, conditioning.levels, strict=True))


def test_sigma_may_be_scalar_or_one_per_sample(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    conditioning = denoiser.encode(dynamic, static)
    with torch.no_grad():
        scalar = denoiser(x.double(), torch.tensor(0.7, dtype=torch.float64), conditioning)
        each = denoiser(x, torch.tensor([0.7, 0.7]), conditioning)
    assert scalar.dtype == torch.float32
    torch.testing.assert_close(scalar, each)


def test_wrong_shapes_are_refused(tiny, perturbed, case):
    denoiser = perturbed(tiny)
    x, dynamic, static = case(tiny)
    with pytest.raises(SpecError, match=r"cond_dynamic has shape \[2, 1, 4, 4\] but .* expects \[batch, 2, 4, 4\]"):
        denoiser.encode(dynamic[:, :1], static)
    with pytest.raises(SpecError, match="cond_static is missing"):
        denoiser.encode(dynamic)
    conditioning = denoiser.encode(dynamic, static)
    with pytest.raises(SpecError, match="x has shape"):
        denoiser(x[..., :8], torch.tensor(1.0), conditioning)
    with pytest.raises(SpecError, match="expand_members"):
        denoiser(x[:1], torch.tensor(1.0), conditioning)


def test_statics_that_the_specification_lacks_are_refused(tiny, perturbed, case):
    denoiser = perturbed(tiny.model_copy(update={"in_static_channels": 0}))
    _, dynamic, _ = case(tiny)
    with pytest.raises(SpecError, match="cond_static is given"):
        denoiser.encode(dynamic, torch.zeros(2, 1, 16, 16))
