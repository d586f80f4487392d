from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_model.conditioning.native_lr import NativeLREncoder
from stride_model.conditioning.resample import Resample, interpolation_matrix
from stride_model.grids import Grids
from stride_model.spec import ModelSpec


def test_hand_computed_weights():
    # Two cells to four: centres at 0.25, 0.75, 1.25, 1.75 of cells whose centres are 0.5 and 1.5.
    expected = torch.tensor([[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]])
    torch.testing.assert_close(interpolation_matrix(4, 2, cell=0.5), expected)


def test_one_input_cell():
    torch.testing.assert_close(interpolation_matrix(3, 1, cell=1 / 3), torch.ones(3, 1))


@pytest.mark.parametrize(("lr", "hr"), [((6, 5), (48, 40)), ((7, 4), (30, 18)), ((5, 5), (5, 5))])
def test_equals_torch_interpolate_without_margin(lr, hr):
    maps = torch.randn(2, 3, *lr)
    ours = Resample(lr, (lr[0] / hr[0], lr[1] / hr[1]), (0, 0), hr, 1)(maps)
    theirs = F.interpolate(maps, size=hr, mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    core=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    ratio=st.fractions(min_value=1, max_value=12, max_denominator=4),
    margins=st.tuples(*[st.integers(0, 3)] * 4),
    cell=st.sampled_from([1, 2, 4]),
)
def test_a_linear_ramp_lands_on_the_right_coordinates(core, ratio: Fraction, margins, cell):
    # LR cell centres in units of LR cells from the HR box's first edge; HR cell centres in the same units.
    hr = tuple(int(n * ratio) for n in core)
    top, bottom, left, right = margins
    lr = (core[0] + top + bottom, core[1] + left + right)
    lr_per_hr = (core[0] / hr[0], core[1] / hr[1])
    y, x = torch.arange(lr[0]) + 0.5 - top, torch.arange(lr[1]) + 0.5 - left
    ramp = (3 * y[:, None] - 2 * x[None, :])[None, None]
    out = tuple(-(-n // cell) for n in hr)
    up = Resample(lr, lr_per_hr, (top, left), out, cell)(ramp)[0, 0]
    y_hr, x_hr = ((torch.arange(n) + 0.5) * cell * size for n, size in zip(out, lr_per_hr, strict=True))
    # Beyond the outermost LR centres the edge value is kept.
    y_hr, x_hr = y_hr.clamp(y[0], y[-1]), x_hr.clamp(x[0], x[-1])
    torch.testing.assert_close(up, 3 * y_hr[:, None] - 2 * x_hr[None, :], atol=1e-3, rtol=1e-4)


def test_a_margin_of_one_cell_leaves_nothing_to_extrapolate():
    core, hr, margin = (4, 4), (32, 32), 1
    y = torch.arange(core[0] + 2) + 0.5 - margin
    up = Resample((6, 6), (1 / 8, 1 / 8), (margin, margin), hr, 1)(y[:, None].expand(6, 6)[None, None])[0, 0, :, 0]
    torch.testing.assert_close(up, (torch.arange(32) + 0.5) / 8, atol=1e-5, rtol=0)


@pytest.mark.parametrize("margins", [(0, 0, 0, 0), (2, 2, 2, 2), (3, 0, 1, 2)])
def test_the_encoder_places_lr_cells_where_they_are(margins):
    """A bump in one LR cell moves the encoder's maps around that cell's place on every level's grid."""
    torch.manual_seed(0)
    top, bottom, left, right = margins
    spec = ModelSpec(
        in_dynamic_channels=1,
        out_channels=1,
        cond_lr_shape=(8 + top + bottom, 8 + left + right),
        target_hr_shape=(64, 64),
        lr_margins=margins,
        channels=(16, 16, 16),
        lr_blocks=0,
    )
    encoder = NativeLREncoder(spec)
    flat = torch.zeros(1, 1, *spec.cond_lr_shape)
    bump = flat.clone()
    bump[0, 0, 2 + top, 5 + left] = 1.0  # its place in HR pixels: rows 16:24, columns 40:48
    with torch.no_grad():
        encoder.lift.weight.mul_(torch.eye(3)[1][:, None] * torch.eye(3)[1][None, :])  # a pointwise first layer
        changes = zip(encoder(flat, None)[1], encoder(bump, None)[1], Grids.of(spec).cells, strict=True)
        for before, after, cell in changes:
            change = (after - before).abs().sum((0, 1))
            centres = (torch.arange(change.shape[0]) + 0.5) * cell
            row, column = (change.sum(1) @ centres / change.sum(), change.sum(0) @ centres / change.sum())
            assert row == pytest.approx(20, abs=1.5)
            assert column == pytest.approx(44, abs=1.5)
