"""Boxes never leave their grids, move together, and every place is as likely as any other."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from stride_data.config import RegionConfig
from stride_data.discovery.grids import Grid
from stride_data.errors import DataError
from stride_data.regions.geometry import Geometry, build_geometry

DEGREES = {"y_attrs": {"units": "degrees_north"}, "x_attrs": {"units": "degrees_east"}}


def source(y0: float, dy: float, rows: int, x0: float, dx: float, columns: int, **attrs) -> SimpleNamespace:
    """A source of which only the grid matters, by the edge of its first cell."""
    y, x = y0 + dy * (np.arange(rows) + 0.5), x0 + dx * (np.arange(columns) + 0.5)
    return SimpleNamespace(grid=Grid.from_centres(y, x, **attrs))


def geometry(region: dict, hr, lr, context=None) -> Geometry:
    sources = {"hr": hr, "lr": lr} | ({} if context is None else {"around": context})
    around = [] if context is None else ["around"]
    return build_geometry(RegionConfig.model_validate(region), sources, ["hr"], ["lr"], [], around)


def regional(ratio: Fraction, context: int, *, flip: bool) -> tuple:
    """HR 60 x 80 cells of 1; LR and context reach further; LR rows run backwards if asked for."""
    step, wide = float(ratio), float(context)
    rows, columns = int(140 / ratio), int(160 / ratio)
    lr_y0 = -20 * step if not flip else -20 * step + rows * step
    return (
        source(0, 1, 60, 0, 1, 80),
        source(lr_y0, -step if flip else step, rows, -20 * step, step, columns),
        source(-10 * wide, wide, 40, -10 * wide, wide, 40),
    )


@settings(max_examples=60, deadline=None)
@given(
    ratio=st.sampled_from([Fraction(1), Fraction(2), Fraction(4), Fraction(5, 2), Fraction(4, 3)]),
    context=st.sampled_from([2, 4, 6]),
    flip=st.booleans(),
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    margin=st.integers(0, 3),
    around=st.integers(0, 3),
    shuffle=st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(40, 60), st.integers(40, 80)),
    seed=st.integers(0, 2**31),
)
def test_boxes_keep_their_relation_and_stay_inside(ratio, context, flip, size, margin, around, shuffle, seed):
    hr, lr, wide = regional(ratio, context, flip=flip)
    period = int(np.lcm(ratio.numerator, context))
    height, width = size[0] * period, size[1] * period
    assume(height <= 60 and width <= 80)
    y, x, rows, columns = shuffle
    rows, columns = min(rows, 60 - y), min(columns, 80 - x)
    region = {
        "hr": {"y": 0, "x": 0, "height": height, "width": width},
        "shuffle": {"y": y, "x": x, "height": rows, "width": columns},
        "lr_margin": margin,
        "context": {"margin": around * context},
    }
    try:
        found = geometry(region, hr, lr, wide)
    except DataError as error:
        assert "no crop of" in str(error)
        return
    for index in range(5):
        box = found.crops.draw(seed, 0, index)
        assert y <= box.y
        assert box.y + box.height <= y + rows
        assert x <= box.x
        assert box.x + box.width <= x + columns
        assert found.domain.contains(box)
        for other, grid, beyond in (
            (found.lr_box(box), found.lr_grid, margin * ratio),
            (found.context_box(box), found.context_grid, around * context),
        ):
            assert other is not None
            assert grid is not None
            assert other.y + other.height <= grid.shape[0]
            assert other.x + other.width <= grid.shape[1]
            edges = (
                *grid.y_edges[[other.y, other.y + other.height]],
                *grid.x_edges[[other.x, other.x + other.width]],
            )
            beyond = float(beyond)
            wanted = (box.y - beyond, box.y + height + beyond, box.x - beyond, box.x + width + beyond)
            np.testing.assert_allclose(edges, wanted, atol=1e-6)
    assert found.training_box.height <= rows


@settings(max_examples=40, deadline=None)
@given(
    start=st.integers(-180, 180),
    lr_start=st.integers(-90, 90),
    west=st.integers(-180, 359),
    width=st.integers(2, 40),
    margin=st.integers(0, 5),
    descending=st.booleans(),
)
def test_boxes_around_the_globe_lie_where_they_were_asked_for(start, lr_start, west, width, margin, descending):
    """Wherever the seams of both grids are, and whichever turn of the globe the bounds are given in."""
    offset = 4 * lr_start
    hr = source(-40, 1, 80, start, 1, 360, **DEGREES)
    if descending:
        hr = source(-40, 1, 80, start + 360, -1, 360, **DEGREES)
    lr = source(-40, 4, 20, start % 4 + offset, 4, 90, **DEGREES)
    assume(width >= 8)
    found = geometry(
        {"hr": {"south": -20, "north": 20, "west": west, "east": west + width}, "lr_margin": margin}, hr, lr
    )
    box, grid = found.region.hr, found.hr_grid
    x = grid.x[box.x : box.x + box.width]
    inside = (x - west) % 360
    assert inside.max() <= width
    assert (np.diff(x) == (-1 if descending else 1)).all()
    assert width - 7 < box.width <= width
    lr_x = found.lr_grid.x_edges[[found.region.lr.x, found.region.lr.x + found.region.lr.width]]
    beyond = -4.0 * margin if descending else 4.0 * margin
    hr_x = grid.x_edges[[box.x, box.x + box.width]]
    np.testing.assert_allclose(lr_x, [hr_x[0] - beyond, hr_x[1] + beyond])


@pytest.mark.parametrize("across", [False, True])
def test_every_place_is_as_likely_as_any_other(across):
    """Chi-square test of the counts of anchors, with the shuffle region's first and last ones among them."""
    hr = source(0, 1, 60, 0, 1, 360, **DEGREES)
    region = {
        "hr": {"y": 0, "x": 348 if across else 24, "height": 12, "width": 12},
        "shuffle": {"y": 0, "x": 348 if across else 24, "height": 48, "width": 36},
        "context": {"margin": 12},
    }
    found = geometry(region, hr, source(0, 4, 15, 0, 4, 90, **DEGREES), source(-12, 6, 20, 0, 6, 60, **DEGREES))
    crops = found.crops
    assert crops.rows == (0, 12, 24, 36)
    assert np.diff(crops.columns).tolist() == [12, 12]
    counts = Counter((box.y, box.x) for box in (crops.draw(5, epoch, i) for epoch in range(6) for i in range(400)))
    assert len(counts) == crops.count == 12
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


BOX = {"y": 8, "x": 16, "height": 8, "width": 16}


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ({"hr": {**BOX, "x": 72}}, r"data\.region\.hr: the box rows 8 to 15, columns 72 to 87 leaves the domain"),
        ({"hr": BOX, "shuffle": {**BOX, "y": 56}}, r"data\.region\.shuffle: the box rows 56 to 63.* leaves the domain"),
        (
            {"hr": BOX, "lr_margin": 30},
            r"data\.region\.lr_margin: the LR box .*leaves the LR grid of 40 x 45 cells; use a",
        ),
        (
            {"hr": BOX, "lr": {"y": 38, "x": 24, "height": 4, "width": 8}},
            r"data\.region\.lr: the box rows 38 to 41, columns 24 to 31 leaves the grid of source lr, 40 x 45 cells",
        ),
        (
            {"hr": BOX, "lr": {"y": 22, "x": 25, "height": 2, "width": 3}},
            r"data\.region\.lr: the LR box does not cover the HR box .* rows 22 to 23, columns 24 to 27 of the LR "
            r"grid: it ends too early at the left; enlarge or move it",
        ),
        (
            {"hr": BOX, "lr": {"south": 8, "north": 16, "west": 0, "east": 20}},
            r"does not cover .* at the right;",
        ),
        (
            {"hr": BOX, "context": {"margin": 120}},
            r"data\.region\.context: the context box .* leaves the context grid of 40",
        ),
        (
            {"hr": BOX, "context": {"margin": 3}},
            r"data\.region\.context: the context box of .*rows 5 to 19 .*is not made of whole context cells \(4 x 4 HR",
        ),
        (
            {"hr": BOX, "context": {"south": 300, "north": 400, "west": 0, "east": 9}},
            r"data\.region\.context: no cell lies between 300 and 400 along y",
        ),
        (
            {"hr": {"south": 1, "north": 2, "west": 1, "east": 2, "units": "K"}},
            r"data\.region\.hr\.units: units 'K' do not convert to 'm'; the grid's coordinates are in 'm'",
        ),
    ],
)
def test_boxes_that_do_not_fit(region, sentence):
    units = {"y_attrs": {"units": "m"}, "x_attrs": {"units": "m"}}
    hr = source(0, 1, 60, 0, 1, 80, **units)
    context = source(-40, 4, 40, -40, 4, 40, **units) if "context" in region else None
    with pytest.raises(DataError, match=sentence) as error:
        geometry(region, hr, source(-80, 4, 40, -80, 4, 45, **units), context)
    assert "\n" not in str(error.value)


def test_a_box_in_coordinates_is_cut_to_whole_cells_of_its_context_too():
    hr, lr = source(0, 1, 60, 0, 1, 80), source(0, 4, 15, 0, 4, 20)
    region = {"hr": {"south": 3, "north": 42, "west": 10, "east": 59}, "context": {"margin": 8}}
    found = geometry(region, hr, lr, source(-20, 10, 20, -20, 10, 20))
    # LR cells begin at multiples of 4. Eight cells before, and after, context cells begin at multiples of 10.
    assert (found.region.hr.y, found.region.hr.height) == (8, 24)
    assert (found.region.hr.x, found.region.hr.width) == (28, 24)
    region["hr"] = {"south": 3, "north": 11, "west": 10, "east": 59}
    with pytest.raises(
        DataError, match=r"no whole LR cell .*, with a context margin of whole context cells \(10 HR cells"
    ):
        geometry(region, hr, lr, source(-20, 10, 20, -20, 10, 20))


def test_context_must_share_cell_edges():
    hr, lr = source(0, 1, 60, 0, 1, 80), source(0, 4, 15, 0, 4, 20)
    with pytest.raises(DataError, match=r"hr and around along y: cells are not in a rational, co-located ratio"):
        geometry({"hr": BOX, "context": {"margin": 4}}, hr, lr, source(0.37, 4, 15, 0, 4, 20))


def test_boxes_on_both_sides_of_the_globe():
    hr, lr = source(0, 1, 60, 0, 1, 360, **DEGREES), source(0, 4, 15, 0, 4, 90, **DEGREES)
    region = {
        "hr": {"y": 0, "x": 100, "height": 8, "width": 200},
        "shuffle": {"y": 0, "x": 290, "height": 8, "width": 200},
    }
    with pytest.raises(DataError, match="hr and shuffle overlap on both sides of the globe"):
        geometry(region, hr, lr)


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ({"hr": {"margin": 3}}, "only a context box may be a margin"),
        ({"hr": {**BOX, "y": -8}}, "only a context box may begin before the grid"),
        ({"context": {"margin": 3, "y": 1}}, "a margin says all"),
        ({"hr": {**BOX, "units": "km"}}, "units go with south, north, west, east"),
        ({"lr": BOX, "lr_margin": 2}, "lr and lr_margin both say"),
        ({"context": {"margin": 3}}, r"data\.context and data\.context_static name no variable"),
    ],
)
def test_keys_that_do_not_go_together(small_config, region, sentence):
    from stride_data.config import validate_data_config

    small_config["region"] = region
    with pytest.raises(DataError, match=sentence) as error:
        validate_data_config(small_config, "test.yaml")
    assert str(error.value).startswith("test.yaml")
    assert "data.region" in str(error.value)


def test_context_variables_without_a_box(build, small_config):
    small_config["context"] = ["coarse.prcp"]
    with pytest.raises(DataError, match=r"coarse\.prcp is context, but no context box is given; add one"):
        build(small_config)
