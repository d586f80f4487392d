from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stride_vars.errors import StrideError
from stride_vars.regions import Box, Region

boxes = st.builds(Box, y=st.integers(0, 50), x=st.integers(0, 50), height=st.integers(1, 50), width=st.integers(1, 50))


def test_slices_cut_the_last_two_axes():
    field = np.arange(2 * 5 * 6).reshape(2, 5, 6)
    cut = field[..., *Box(y=1, x=2, height=3, width=4).slices]
    np.testing.assert_array_equal(cut, field[:, 1:4, 2:6])
    assert Box(y=1, x=2, height=3, width=4).shape == (3, 4)


@pytest.mark.parametrize(
    ("inner", "inside"),
    [((0, 0, 4, 6), True), ((1, 2, 3, 4), True), ((1, 2, 4, 4), False), ((1, 2, 3, 5), False)],
)
def test_contains(inner, inside):
    y, x, height, width = inner
    assert Box(y=0, x=0, height=4, width=6).contains(Box(y=y, x=x, height=height, width=width)) is inside


def test_scaled_by_hand():
    box = Box(y=240, x=360, height=144, width=120)
    assert box.scaled(Fraction(1, 12)) == Box(y=20, x=30, height=12, width=10)
    assert box.scaled(Fraction(1, 12), Fraction(1, 4)) == Box(y=20, x=90, height=12, width=30)
    assert Box(y=2, x=4, height=6, width=8).scaled(Fraction(3, 2)) == Box(y=3, x=6, height=9, width=12)


def test_an_edge_between_cells_is_refused():
    with pytest.raises(StrideError) as caught:
        Box(y=240, x=360, height=142, width=144).scaled(Fraction(1, 12))
    assert str(caught.value) == (
        "box (y=240, x=360, height=142, width=144): height=142 times 1/12 is no whole number of cells on the other "
        "grid; make height a multiple of 12."
    )


@given(boxes, st.integers(1, 12), st.integers(1, 12))
def test_scaling_up_and_back_is_exact(box, rows, columns):
    up = box.scaled(Fraction(rows), Fraction(columns))
    assert up.scaled(Fraction(1, rows), Fraction(1, columns)) == box


@given(boxes, boxes, st.integers(1, 12))
def test_scaling_keeps_containment(outer, inner, factor):
    assert outer.contains(inner) == outer.scaled(Fraction(factor)).contains(inner.scaled(Fraction(factor)))


@given(boxes, boxes)
def test_containment_is_that_of_cells(outer, inner):
    marked = np.zeros((100, 100), dtype=bool)
    marked[outer.slices] = True
    assert outer.contains(inner) == bool(marked[inner.slices].all())


@given(boxes, st.integers(0, 9), st.integers(0, 9))
def test_shifting_there_and_back(box, rows, columns):
    assert box.shifted(rows, columns).shifted(-rows, -columns) == box


@given(boxes, st.integers(0, 9))
def test_a_wider_box_holds_the_box(box, margin):
    shifted = box.shifted(margin, margin)
    assert shifted.expanded(margin).contains(shifted)
    assert shifted.expanded(margin).expanded(-margin) == shifted


def test_leaving_the_grid_is_refused():
    box = Box(y=1, x=5, height=2, width=2)
    with pytest.raises(StrideError, match=r"moved by \(-2, 0\) starts at row -1, column 5"):
        box.shifted(-2, 0)
    with pytest.raises(StrideError, match="widened by 3 cells on every side"):
        box.expanded(3)
    with pytest.raises(StrideError, match="with 0 x 0 cells"):
        box.expanded(-1)


@pytest.mark.parametrize("wrong", [{"y": -1}, {"height": 0}, {"depth": 1}, {"x": 1.5}])
def test_refused(wrong):
    with pytest.raises(ValidationError):
        Box.model_validate({"y": 0, "x": 0, "height": 1, "width": 1, **wrong})


@given(boxes, boxes, st.none() | boxes, st.none() | boxes)
def test_region_round_trip(hr, lr, shuffle, context):
    region = Region(name="denmark", hr=hr, lr=lr, shuffle=shuffle, context=context)
    assert Region.from_attrs(region.to_attrs()) == region


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({}, "attribute 'region' is missing: write it with Region.to_attrs"),
        ({"region": "{"}, "attribute 'region' is no JSON text"),
        ({"region": 3}, "attribute 'region' is no JSON text"),
        ({"region": '{"name": "a", "hr": {"y": 0}}'}, r"attribute 'region': key 'hr.x' is missing; add it."),
    ],
)
def test_a_region_that_does_not_read(attrs, words):
    with pytest.raises(StrideError, match=words):
        Region.from_attrs(attrs)
