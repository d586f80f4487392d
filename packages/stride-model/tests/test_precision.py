"""What must not depend on number format, memory format or compilation, and gradients where numbers get extreme."""

import copy

import pytest
import torch
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec


def outputs(denoiser, x, case, sigma):
    with torch.no_grad():
        return denoiser(x, sigma, denoiser.encode(**case))


@pytest.mark.parametrize("sigma", [1e-3, 0.002, 0.1, 10.0, 80.0, 1e3])
def test_with_every_switch_on_gradients_are_finite_at_both_ends(everything, perturbed, whole_case, sigma):
    denoiser = perturbed(everything)
    target, case = whole_case(everything)
    dynamic, static, features = (case.pop(name) for name in ("cond_dynamic", "cond_static", "cond_features"))
    mask = torch.rand(target.shape, generator=torch.Generator().manual_seed(1)) > 0.2
    generator = torch.Generator().manual_seed(0)
    level = torch.full((2,), sigma)
    loss = EDMLoss(channel_weights=(1.0, 2.0))
    parts = loss(denoiser, target, dynamic, static, features, **case, generator=generator, mask=mask, sigma=level)
    parts.loss.backward()
    assert parts.loss.isfinite() and parts.edm < 1e3
    for name, parameter in denoiser.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0 or name.endswith("bias"), name


def test_c_noise_changes_the_output_with_every_switch_on(everything, perturbed, whole_case):
    denoiser = perturbed(everything)
    x, case = whole_case(everything)
    with torch.no_grad():
        encoded = denoiser.encode(**case)
        x = torch.cat([x, x, x], dim=1)[:, : everything.field_channels]
        low, high = (
            denoiser.network(x, torch.full((2,), level), encoded.levels, encoded.embedding) for level in (-1.0, 1.0)
        )
    assert (low - high).abs().mean() > 1e-2 * low.std()


def test_what_passes_the_network_by_is_exact_to_float32_under_autocast(everything, perturbed, whole_case):
    """At sigma 1e-4 the network's share is c_out = 1e-4; in bf16 c_skip x alone would err by up to 2^-9 of x."""
    denoiser = perturbed(everything)
    x, case = whole_case(everything)
    x = 100.0 * x
    sigma = torch.tensor(1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = outputs(denoiser, x, case, sigma)
    assert mixed.dtype == torch.float32
    # c_skip x + c_out F with |F| of order 1 to 100
    assert (mixed - x).abs().max() < 0.02
    assert (x.bfloat16().float() - x).abs().max() > 0.3
    assert denoiser.fine_scales is not None
    with torch.no_grad():
        for layer in (denoiser.network.head, denoiser.fine_scales.gains):
            for parameter in layer.parameters():
                parameter.zero_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(outputs(denoiser, x, case, sigma), x, rtol=1.3e-7, atol=0)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 3.0, 80.0])
def test_bf16_is_close_to_float32(everything, perturbed, whole_case, sigma):
    """The error is the network's alone: relative to its share c_out F it is of the order of 2^-8 a layer."""
    denoiser = perturbed(everything)
    x, case = whole_case(everything)
    x, level = (1 + sigma**2) ** 0.5 * x, torch.tensor(sigma)
    full = outputs(denoiser, x, case, level)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = outputs(denoiser, x, case, level)
    share = full - x / (1 + sigma**2)
    assert (mixed - full).square().mean().sqrt() < 0.03 * share.square().mean().sqrt()
    assert (mixed - full).abs().max() > 0


def test_the_state_of_a_denoiser_with_every_switch_fits_another_domain(everything, perturbed, whole_case):
    denoiser = perturbed(everything)
    x, case = whole_case(everything)
    again = EDMDenoiser(everything).eval()
    again.load_state_dict(copy.deepcopy(denoiser.state_dict()))
    sigma = torch.tensor([0.3, 3.0])
    assert torch.equal(outputs(again, x, case, sigma), outputs(denoiser, x, case, sigma))
    larger = ModelSpec(
        **{
            **everything.model_dump(),
            "target_hr_shape": (27, 40),
            "cond_lr_shape": (10, 11),
            "context_shape": (14, 24),
        }
    )
    wide = EDMDenoiser(larger).eval()
    wide.load_state_dict(denoiser.state_dict())
    field, others = whole_case(larger)
    assert outputs(wide, field, others, sigma).isfinite().all()


def test_memory_format_of_the_input_does_not_matter(everything, perturbed, whole_case):
    denoiser = perturbed(everything)
    x, case = whole_case(everything)
    last = {
        name: value.to(memory_format=torch.channels_last) if value.ndim == 4 else value for name, value in case.items()
    }
    sigma = torch.tensor(0.7)
    torch.testing.assert_close(
        outputs(denoiser, x.to(memory_format=torch.channels_last), last, sigma), outputs(denoiser, x, case, sigma)
    )
    convolution = denoiser.network.stem.weight
    assert convolution.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_equals_eager(everything, perturbed, whole_case):
    """Outputs and gradients; needs a C++ compiler."""
    import shutil

    if shutil.which("c++") is None and shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    eager = perturbed(everything)
    x, case = whole_case(everything)
    sigma = torch.tensor([0.05, 5.0])
    compiled = torch.compile(eager)

    def results(model):
        eager.zero_grad()
        # Encoding is a method of its own and stays eager.
        out = model(x, sigma, eager.encode(**case))
        out.square().mean().backward()
        gradients = {
            name: parameter.grad.clone() for name, parameter in eager.named_parameters() if parameter.grad is not None
        }
        return out.detach(), gradients

    (found, gradients), (expected, theirs) = results(compiled), results(eager)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert gradients.keys() == theirs.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradient, theirs[name], rtol=1e-3, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
