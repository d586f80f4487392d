import pytest
import torch
from stride_model.unet.blocks import ResBlock, repeat_cells


@pytest.fixture
def block() -> ResBlock:
    torch.manual_seed(0)
    block = ResBlock(12, 8, 16).double()
    torch.nn.init.normal_(block.contract.weight, std=0.1)  # zero at the start of training
    return block


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    coarse, skip, embedding = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((2, 5, 3, 4), (2, 7, 6, 8), (2, 16))
    )
    return coarse, skip, embedding


def test_cells_are_repeated():
    got = repeat_cells(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    expected = [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0], [3.0, 3.0, 4.0, 4.0]]
    assert got[0, 0].tolist() == expected


def test_skip_is_joined_as_if_laid_side_by_side(block: ResBlock):
    coarse, skip, embedding = (x.requires_grad_() for x in inputs())
    side_by_side = torch.cat([coarse.repeat_interleave(2, -1).repeat_interleave(2, -2), skip], dim=1)
    wanted, got = block(side_by_side, embedding), block(coarse, embedding, skip)
    torch.testing.assert_close(got, wanted)
    leaves = [coarse, skip, embedding, *block.parameters()]
    gradients = (torch.autograd.grad(out.square().sum(), leaves) for out in (got, wanted))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_without_gradients_the_same_to_the_bit(block: ResBlock):
    coarse, skip, embedding = inputs()
    with torch.no_grad():
        got = block(coarse, embedding, skip)
    assert torch.equal(got, block(coarse, embedding, skip))


def test_autocast_does_not_turn_the_residual_stream_to_float32(block: ResBlock):
    coarse, skip, embedding = (x.bfloat16() for x in inputs())
    with torch.autocast("cpu", torch.bfloat16):
        assert repeat_cells(coarse).dtype == torch.bfloat16
        assert block.float()(coarse, embedding, skip).dtype == torch.bfloat16
