from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stride_model.errors import SpecError
from stride_model.tiles.tiling import Tiling
from stride_model.tiles.weights import axis_weights, tile_weights


def test_the_fewest_tiles_that_overlap_enough_spread_evenly():
    # 384 x 780 pixels, LR cells of 12: 20 and 53 steps to go, at most 9 at once.
    tiling = Tiling.over((384, 780), (144, 144), overlap=36, step=(12, 12))
    assert tiling.rows == (0, 72, 156, 240)
    assert tiling.columns == (0, 96, 204, 312, 420, 528, 636)
    assert len(tiling) == 28
    assert tiling.corners[:2] == [(0, 0), (0, 96)] and tiling.corners[7] == (72, 0)


def test_a_domain_of_one_tile_has_one_tile_of_weight_one():
    tiling = Tiling.over((20, 30), (20, 30), overlap=4)
    assert tiling.corners == [(0, 0)]
    assert all((weights == 1).all() for weights in tile_weights(tiling))


def test_an_axis_of_one_tile_takes_any_overlap():
    assert Tiling.over((8, 40), (8, 16), overlap=8, step=(8, 8)).columns == (0, 8, 16, 24)


def test_weights_by_hand():
    # Tiles of 6 at 0 and 4 without a rim: two shared pixels, whose centres lie at 1/4 and 3/4 of the ramp.
    low, high = torch.sin(torch.tensor([0.125, 0.375]) * torch.pi) ** 2
    one = torch.ones(4)
    expected = torch.stack([torch.cat([one, torch.stack([high, low])]), torch.cat([torch.stack([low, high]), one])])
    torch.testing.assert_close(axis_weights((0, 4), 6, 0), expected)
    # An overlap of 4 with a rim of 1 leaves the same ramp of two pixels.
    rimmed = axis_weights((0, 2), 6, 1)
    torch.testing.assert_close(rimmed[0], torch.tensor([1, 1, 1, float(high), float(low), 0]))
    # A rim of half the overlap leaves no ramp: each pixel belongs to one tile.
    torch.testing.assert_close(axis_weights((0, 2), 6, 2)[0], torch.tensor([1.0, 1, 1, 1, 0, 0]))


@st.composite
def tilings(draw):
    steps = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    tile = tuple(step * draw(st.integers(2, 9)) for step in steps)
    domain = tuple(size + step * draw(st.integers(0, 40)) for size, step in zip(tile, steps, strict=True))
    overlap = draw(st.integers(0, min(size - step for size, step in zip(tile, steps, strict=True))))
    rim = draw(st.integers(0, overlap // 2))
    return Tiling.over(domain, tile, overlap=overlap, step=steps, rim=rim), steps, overlap


@given(tilings())
def test_every_pixel_is_covered_and_weights_sum_to_one(made):
    tiling, steps, overlap = made
    total = torch.zeros(tiling.domain)
    rows, columns = tile_weights(tiling)
    weights = [row[:, None] * column for row in rows for column in columns]
    assert min(float(weight.min()) for weight in weights) >= 0
    for place, weight in zip(tiling.slices, weights, strict=True):
        total[place] += weight
    torch.testing.assert_close(total, torch.ones(tiling.domain), rtol=1e-5, atol=1e-5)
    for starts, step, size in zip((tiling.rows, tiling.columns), steps, tiling.tile, strict=True):
        assert all(start % step == 0 for start in starts)
        assert all(before + size - after >= overlap for before, after in pairwise(starts))


@given(tilings())
def test_the_rim_inside_the_domain_does_not_count(made):
    tiling, _, _ = made
    for starts, size, weights in zip((tiling.rows, tiling.columns), tiling.tile, tile_weights(tiling), strict=True):
        for number in range(len(starts)):
            if number:
                assert not weights[number][: tiling.rim].any()
            if number < len(starts) - 1:
                assert not weights[number][size - tiling.rim :].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": (16, 64)}, r"a domain of 16 rows is smaller than a tile of 32; use a larger domain"),
        ({"domain": (64, 66)}, r"larger than a tile of 32 by no multiple of the step 4; use 64 or 68"),
        ({"overlap": 29}, r"an overlap of 29 leaves tiles of 32 rows no step of 4 .*; use 0 to 28"),
        ({"overlap": -4}, r"an overlap of -4"),
        ({"overlap": 4, "rim": 3}, r"a rim of 3 is more than half of the smallest overlap, 5"),
    ],
)
def test_what_is_no_tiling_is_refused(change, message):
    asked = {"domain": (64, 64), "tile": (32, 32), "overlap": 8, "step": (4, 4), **change}
    if "rim" in change:
        asked["domain"], asked["step"] = (59, 59), (1, 1)
    with pytest.raises(SpecError, match=message):
        Tiling.over(**asked)


def test_gaps_are_refused():
    with pytest.raises(SpecError, match="do not cover 0 to 20 without gaps"):
        Tiling((20, 8), (8, 8), (0, 12), (0,))
