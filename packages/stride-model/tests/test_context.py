"""The context encoder: what it sees, where it puts it, and that it runs once per case."""

import pytest
import torch
from stride_model.conditioning.context import ContextEncoder
from stride_model.errors import SpecError
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec


@pytest.fixture
def wide(tiny):
    """An HR box of 16 x 16 pixels in the middle of 11 x 12 context cells of 4 x 4 pixels, off the centre."""
    return ModelSpec(
        **{
            **tiny.model_dump(),
            "use_context_encoder": True,
            "in_context_dynamic_channels": 2,
            "in_context_static_channels": 1,
            "context_shape": (11, 12),
            "context_cell": (0.25, 0.25),
            "context_offset": (3.0, 5.0),
            "context_channels": 8,
        }
    )


def around(spec, batch=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    dynamic = torch.randn(batch, spec.in_context_dynamic_channels, *spec.context_shape, generator=generator)
    return {
        "context_dynamic": dynamic,
        "context_static": torch.randn(batch, 1, *spec.context_shape, generator=generator),
    }


def test_the_whole_domain_matters_also_far_from_the_box(wide, perturbed, case):
    denoiser = perturbed(wide)
    x, dynamic, static = case(wide)
    fields = around(wide)
    with torch.no_grad():
        one = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static, **fields))
        fields["context_dynamic"][:, :, 0, -1] += 5.0  # the corner farthest from the box
        other = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static, **fields))
        fields["context_static"][:, :, -1, 0] += 5.0
        third = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static, **fields))
    assert (one - other).abs().amax(dim=(1, 2, 3)).min() > 1e-4
    assert (third - other).abs().amax(dim=(1, 2, 3)).min() > 1e-4


def test_at_the_start_it_changes_nothing(wide, case):
    denoiser = EDMDenoiser(wide)
    _, dynamic, static = case(wide)
    one, other = (denoiser.encode(dynamic, static, **around(wide, seed=seed)) for seed in (1, 2))
    for a, b in zip(one.levels, other.levels, strict=True):
        torch.testing.assert_close(a, b)


def test_maps_lie_where_the_box_lies(wide):
    """With every convolution the identity, a linear field of the context arrives at the pixels' own coordinates."""
    spec = wide.model_copy(
        update={"patch": 1, "channels": (1, 1), "context_channels": 1, "in_context_dynamic_channels": 1}
    )
    spec = spec.model_copy(update={"in_context_static_channels": 0, "context_shape": (12, 12)})
    encoder = ContextEncoder(spec)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.zero_()
        encoder.lift.weight[0, 0, 1, 1] = 1.0
        for project in encoder.project:
            project.weight.fill_(1.0)
    rows, columns = torch.meshgrid(torch.arange(12.0) + 0.5, torch.arange(12.0) + 0.5, indexing="ij")
    (finest, coarser), _ = encoder((10 * rows + columns)[None, None])
    pixels = torch.arange(16) + 0.5
    expected = 10 * (3.0 + pixels[:, None] / 4) + (5.0 + pixels / 4)
    torch.testing.assert_close(finest[0, 0], expected)
    torch.testing.assert_close(coarser[0, 0], expected.reshape(8, 2, 8, 2).mean(dim=(1, 3)))


def test_it_runs_once_per_case_whatever_the_members_and_steps(wide, perturbed, case, monkeypatch):
    denoiser = perturbed(wide)
    calls = []
    original = ContextEncoder.forward
    monkeypatch.setattr(
        ContextEncoder, "forward", lambda self, x, *label: calls.append(len(x)) or original(self, x, *label)
    )
    x, dynamic, static = case(wide)
    conditioning = denoiser.encode(dynamic, static, **around(wide)).expand_members(3)
    noise, levels = member_noise(range(6), x.shape[1:]), karras_schedule(3)
    heun(denoiser.bind(conditioning), levels[0] * noise(0), levels)
    assert calls == [2]


def test_a_stack_of_times_and_gradients(wide, perturbed, case):
    spec = wide.model_copy(update={"temporal_steps": 3, "in_context_static_channels": 0})
    denoiser = perturbed(spec)
    target, dynamic, static = case(spec)
    context = torch.randn(2, 3, 2, 11, 12)
    generator = torch.Generator().manual_seed(0)
    EDMLoss()(denoiser, target, dynamic, static, context_dynamic=context, generator=generator).loss.backward()
    assert denoiser.context is not None
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in denoiser.context.parameters())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"use_context_encoder": False}, "use_context_encoder is false; set it true"),
        ({"context_shape": None}, "needs context_shape and at least one context channel"),
        ({"context_offset": (3.0, 9.0)}, "the HR box lies outside the context"),
        ({"context_offset": (-1.0, 5.0)}, "the HR box lies outside the context"),
    ],
)
def test_wrong_combinations_are_refused(wide, change, sentence):
    with pytest.raises(SpecError, match=sentence):
        ModelSpec(**{**wide.model_dump(), **change})


def test_missing_and_unasked_for_fields_are_refused(wide, tiny, perturbed, case):
    _, dynamic, static = case(wide)
    with pytest.raises(SpecError, match="context_dynamic is missing"):
        perturbed(wide).encode(dynamic, static)
    with pytest.raises(SpecError, match=r"context_dynamic is given but .* set in_context_dynamic_channels"):
        perturbed(tiny).encode(dynamic, static, **around(wide))
