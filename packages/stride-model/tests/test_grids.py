"""Grids of any size and shape: what is padded does not show, and the two axes are treated alike."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_model.grids import AFFORDABLE_CELLS
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_model.unet.patches import Patches


def denoised(denoiser, x, given_case, sigma=1.0):
    with torch.no_grad():
        return denoiser(x, torch.tensor(sigma), denoiser.encode(**given_case))


SMALL = {
    "in_dynamic_channels": 1,
    "in_static_channels": 1,
    "out_channels": 1,
    "blocks": 1,
    "embedding_channels": 8,
    "lr_channels": 4,
    "lr_blocks": 1,
}


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(1, 37), st.integers(1, 37), st.sampled_from([1, 2, 3]), st.booleans())
def test_any_size_and_any_ratio_keep_their_shape(data, rows, columns, patch, attention):
    lr = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns))
    margins = data.draw(st.tuples(*[st.integers(0, 2)] * 4))
    spec = ModelSpec(
        **SMALL,
        patch=patch,
        channels=(4, 8),
        attention_levels=(1,) if attention else (),
        cond_lr_shape=(lr[0] + margins[0] + margins[1], lr[1] + margins[2] + margins[3]),
        lr_margins=margins,
        target_hr_shape=(rows, columns),
    )
    torch.manual_seed(0)
    denoiser = EDMDenoiser(spec).eval()
    torch.nn.init.normal_(denoiser.network.head.weight)
    generator = torch.Generator().manual_seed(rows * columns)
    x = torch.randn(2, 1, rows, columns, generator=generator)
    static = torch.randn(2, 1, rows, columns, generator=generator)
    found = denoised(
        denoiser,
        x,
        {"cond_dynamic": torch.randn(2, 1, *spec.cond_lr_shape, generator=generator), "cond_static": static},
    )
    assert found.shape == x.shape
    assert found.isfinite().all()


@pytest.mark.parametrize("shape", [(61, 45), (64, 64)])
def test_how_the_padding_is_filled_does_not_reach_the_inside(tiny, perturbed, whole_case, shape):
    """61 x 45 pixels are padded to 64 x 48; another filling changes the last rows and columns alone."""
    spec = ModelSpec(**{**tiny.model_dump(), "target_hr_shape": shape, "cond_lr_shape": (7, 5)})
    denoiser = perturbed(spec)
    x, case = whole_case(spec)
    before = denoised(denoiser, x, case)
    for module in denoiser.modules():
        if isinstance(module, Patches):
            module.rows[shape[0] :] = 0
            module.columns[shape[1] :] = 0
    change = (denoised(denoiser, x, case) - before).abs().amax(dim=(0, 1))
    reach = 20  # pixels that the network of two levels sees to each side
    assert change[: shape[0] - reach, : shape[1] - reach].max() == 0
    if shape == (61, 45):
        assert change[-3:].max() > 1e-4 and change[:, -3:].max() > 1e-4


def test_a_crop_of_a_larger_domain_gives_the_same_inside(tiny, perturbed, whole_case):
    """The same weights on 64 x 96 and on its middle 64 x 64: the state dict holds no sizes."""
    lr = {"cond_lr_shape": (16, 24), "lr_blocks": 0}
    large = ModelSpec(**{**tiny.model_dump(), **lr, "target_hr_shape": (64, 96)})
    small = ModelSpec(**{**large.model_dump(), "cond_lr_shape": (16, 16), "target_hr_shape": (64, 64)})
    one = perturbed(large)
    other = EDMDenoiser(small).eval()
    other.load_state_dict(one.state_dict())
    x, case = whole_case(large)
    part = {name: value[..., 4:20] if name == "cond_dynamic" else value[..., 16:80] for name, value in case.items()}
    whole, crop = denoised(one, x, case), denoised(other, x[..., 16:80].contiguous(), part)
    torch.testing.assert_close(whole[..., 40:56], crop[..., 24:40], rtol=1e-4, atol=1e-5)


def transposed(spec):
    """The same network with the two axes exchanged."""
    swap = {
        name: tuple(reversed(getattr(spec, name)))
        for name in ("cond_lr_shape", "target_hr_shape", "context_shape", "context_cell", "context_offset")
    }
    top, bottom, left, right = spec.lr_margins
    return ModelSpec(**{**spec.model_dump(), **swap, "lr_margins": (left, right, top, bottom)})


def test_rows_and_columns_are_treated_alike(everything, perturbed, whole_case):
    """Exchanging the axes of every field, box and filter exchanges those of the result."""
    spec = ModelSpec(**{**everything.model_dump(), "patch": 1})
    one, other = perturbed(spec), EDMDenoiser(transposed(spec)).eval()
    other.load_state_dict({name: value.mT if value.ndim == 4 else value for name, value in one.state_dict().items()})
    x, case = whole_case(spec)
    turned = {name: value.mT if value.ndim > 3 else value for name, value in case.items()}
    torch.testing.assert_close(denoised(other, x.mT, turned), denoised(one, x, case).mT, rtol=1e-4, atol=1e-5)
    logits = one.encode(**case).gate_logits, other.encode(**turned).gate_logits
    assert logits[0] is not None and logits[1] is not None
    torch.testing.assert_close(logits[1], logits[0].mT, rtol=1e-4, atol=1e-5)


def test_attention_sees_the_whole_grid(tiny, perturbed, whole_case):
    spec = ModelSpec(**{**tiny.model_dump(), "target_hr_shape": (41, 60), "attention_levels": (1,)})
    plain = ModelSpec(**{**spec.model_dump(), "attention_levels": ()})

    def change_far_away(spec):
        denoiser = perturbed(spec)
        x, case = whole_case(spec)
        before = denoised(denoiser, x, case)
        x[:, :, 0, 0] += 10.0
        return (denoised(denoiser, x, case) - before)[:, :, -1, -1].abs().min()

    assert change_far_away(spec) > 1e-6
    assert change_far_away(plain) == 0


def test_attention_on_a_large_grid_gets_a_sentence():
    large = {**SMALL, "cond_lr_shape": (9, 9), "target_hr_shape": (144, 144), "channels": (4, 8)}
    with pytest.warns(UserWarning, match=r"level 0 attends over 72 x 72 cells, more than 4096; .* attention_levels"):
        EDMDenoiser(ModelSpec(**large, attention_levels=(0,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EDMDenoiser(ModelSpec(**large, attention_levels=(1,)))
        EDMDenoiser(ModelSpec(**large))
    assert AFFORDABLE_CELLS == 64 * 64
