from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.alignment import align
from stride_data.regions.view import view_along
from stride_vars.regions import Box


def grid(y0: float, dy: float, rows: int, x0: float = 0.5, dx: float = 1.0, columns: int = 20) -> Grid:
    """A regular grid by the edge of its first cell."""
    return Grid.from_centres(y0 + dy * (np.arange(rows) + 0.5), x0 + dx * (np.arange(columns) + 0.5))


def test_edges_lie_between_centres():
    found = Grid.from_centres(np.array([0.0, 1.0, 3.0]), np.array([5.0]))
    assert found.y_edges.tolist() == [-0.5, 0.5, 2.0, 4.0]
    assert found.x_edges.tolist() == [4.5, 5.5]


def test_block_average_of_a_grid_drops_incomplete_blocks():
    found = grid(90.5, -1.0, 181, -0.5, 1.0, 360).block_averaged(4)
    assert found.shape == (45, 90)
    assert found.y[:2].tolist() == [88.5, 84.5]
    assert found.y_edges[[0, 1, -1]].tolist() == [90.5, 86.5, -89.5]


def test_a_grid_aligns_with_its_own_blocks_even_if_irregular():
    centres = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(48)[0]))[::-1]  # a Gaussian grid, north first
    fine = Grid.from_centres(centres, np.arange(24) * 3.75)
    found = align(fine, fine.block_averaged(4), "fine", "coarse")
    assert (found.y.ratio, found.y.offset, found.x.ratio, found.x.offset) == (4, 0, 4, 0)


@given(
    p=st.integers(1, 12),
    q=st.integers(1, 4),
    skip=st.integers(-6, 6),
    step=st.sampled_from([0.1, 0.25, 2500.0, 1 / 3]),
    descending=st.booleans(),
    single=st.booleans(),
)
def test_any_rational_ratio_and_offset_is_found(p, q, skip, step, descending, single):
    assume(p >= q)
    ratio = Fraction(p, q)
    sign = -1.0 if descending else 1.0
    fine = grid(10.0, sign * step, 60)
    coarse = grid(10.0 + sign * step * skip, sign * step * float(ratio), int(60 / ratio) + 2)
    if single:  # as files in float32 give them
        fine, coarse = (Grid.from_centres(g.y.astype(np.float32), g.x.astype(np.float32)) for g in (fine, coarse))
    found = align(fine, coarse, "fine", "coarse")
    assert (found.y.ratio, found.y.offset) == (ratio, skip)
    # An anchor is an edge of both grids, to the coordinate.
    for anchor in found.y.anchors(0, 59)[:3]:
        j = (anchor - found.y.offset) / found.y.ratio
        assert j.denominator == 1
        if 0 <= j < coarse.y_edges.size:
            assert coarse.y_edges[int(j)] == pytest.approx(fine.y_edges[anchor], abs=1e-3 * step)


def test_boxes_of_a_ratio_of_five_halves():
    found = align(grid(0.0, 1.0, 20), grid(-5.0, 2.5, 10, 0.5, 1.0, 20), "fine", "coarse")
    assert found.y.period == 5
    assert found.box(Box(y=5, x=3, height=10, width=4)) == Box(y=4, x=3, height=4, width=4)
    assert found.box(Box(y=4, x=3, height=10, width=4)) is None
    assert found.box(Box(y=5, x=3, height=8, width=4)) is None
    assert found.y.covered() == (0, 20)
    assert align(grid(0.0, 1.0, 40), grid(-5.0, 2.5, 10), "a", "b").y.covered() == (0, 20)


@pytest.mark.parametrize(
    ("coarse", "expected"),
    [
        (grid(0.5, 4.0, 5), r"not in a rational, co-located ratio.*block_average"),
        (grid(0.0, 3.07, 6), r"not in a rational, co-located ratio.*3\.07"),
        (grid(0.0, 0.5, 40), r"not in a rational, co-located ratio"),
        (grid(500.0, 4.0, 5), r"do not overlap.*check units and origin"),
    ],
)
def test_grids_that_do_not_fit(coarse, expected):
    with pytest.raises(DataError, match=expected):
        align(grid(0.0, 1.0, 20), coarse, "fine", "coarse")


def test_grids_that_run_the_other_way_are_turned_before_they_are_aligned():
    fine, coarse = grid(0.0, 1.0, 20), grid(20.0, -4.0, 5, 20.5, -2.0, 10)
    with pytest.raises(ValueError, match="opposite directions"):
        align(fine, coarse, "fine", "coarse")
    view = view_along(fine, coarse)
    assert (view.flip_y, view.flip_x, view.changes) == (True, True, {"flip_y": True, "flip_x": True})
    turned = view.grid(coarse)
    assert turned.y.tolist() == [2.0, 6.0, 10.0, 14.0, 18.0]
    found = align(fine, turned, "fine", "coarse")
    assert (found.y.ratio, found.y.offset, found.x.ratio, found.x.offset) == (4, 0, 2, 0)
