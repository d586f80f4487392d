"""Domains larger than a sample's box: where they may lie, and that their parts have all that samples have."""

from __future__ import annotations

import numpy as np
import pytest
from stride_data.config import BoxConfig
from stride_data.errors import DataError
from stride_vars.regions import Box

TIME = "2001-01-03T00:00:00"


def cells(y: int, x: int, height: int, width: int) -> BoxConfig:
    return BoxConfig(y=y, x=x, height=height, width=width)


def test_the_whole_domain_is_all_that_there_is(build, small_config):
    adapter = build(small_config)
    domain = adapter.domain("whole")
    assert domain.region.hr == Box(y=0, x=0, height=24, width=36)
    assert domain.region.lr == Box(y=0, x=0, height=6, width=9)
    assert (domain.tile, domain.step) == ((8, 12), (4, 4))
    assert domain.region.shuffle == adapter.region.shuffle and domain.region.name == adapter.region.name


def test_margins_make_the_whole_domain_smaller(build, small_config):
    small_config["region"] |= {"lr_margin": 1}
    domain = build(small_config).domain("whole")
    assert domain.region.hr == Box(y=4, x=4, height=16, width=28)
    assert domain.region.lr == Box(y=0, x=0, height=6, width=9)


@pytest.fixture
def with_context(small_config):
    """Context cells of 6 HR cells around LR cells of 4: edges coincide after 12."""
    small_config["sources"]["around"] = {
        **small_config["sources"]["fine"],
        "block_average": 6,
    }
    small_config["context"] = ["around.prcp"]
    small_config["region"] = {
        "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
        "context": {"y": 6, "x": 6, "height": 12, "width": 24},
    }
    return small_config


def test_every_part_of_the_whole_domain_has_its_context(build, with_context):
    adapter = build(with_context)
    domain = adapter.domain("whole")
    # Rows: a sample may begin at 8 alone (its context begins at 6, the next would begin at 18 and end at 30 of 24).
    # Columns: at 12 (context 6 to 30), not at 0 (context from -6) nor at 24.
    assert domain.region.hr == adapter.region.hr
    assert domain.step == (12, 12)


def test_context_must_fit_too(build, with_context):
    adapter = build(with_context)
    with pytest.raises(
        DataError, match=r"generate\.domain\.height: 12 cells are more than the 8 .* by no multiple of 12"
    ):
        adapter.domain(cells(8, 12, 12, 12), "generate.domain")
    with pytest.raises(DataError, match=r"generate\.domain: data\.region\.context: the context box of the HR box"):
        adapter.domain(cells(0, 12, 20, 12), "generate.domain")


def test_parts_of_a_domain_lie_where_their_coordinates_say(build, small_config, known_field):
    adapter = build(small_config)
    domain = adapter.domain(cells(4, 8, 16, 20))
    boxes = domain.boxes([(0, 0), (8, 8), (4, 4)])
    assert boxes[1] == Box(y=12, x=16, height=8, width=12)
    for box in boxes:
        sample, found = adapter.sample(TIME, hr_box=box), adapter.fields(TIME, box)
        coords = found.coords
        np.testing.assert_allclose(found.target[0], known_field(coords["y"][1], coords["x"][1], 2), rtol=1e-6)
        np.testing.assert_allclose(found.dynamic[0], known_field(coords["lr_y"][1], coords["lr_x"][1], 2), rtol=1e-6)
        np.testing.assert_allclose(sample["cond_dynamic"], adapter.forward_conditioning(found.dynamic), rtol=1e-6)
        assert sample["cond_static"].shape == (2, 8, 12)
    whole = adapter.fields(TIME, domain.region.hr)
    assert whole.target.shape == (1, 16, 20) and whole.lr_box == domain.region.lr


def test_a_domain_in_coordinates_is_cut_to_whole_cells(build, small_config):
    # Cells of 1 km with centres at 0, 1000, ...: rows 3 to 21 and columns 5 to 30 lie between the bounds.
    bounds = BoxConfig(south=2500, north=21400, west=4600, east=30000)
    assert build(small_config).domain(bounds).region.hr == Box(y=4, x=8, height=16, width=20)
    kilometres = BoxConfig(south=2.5, north=21.4, west=4.6, east=30, units="km")
    assert build(small_config).domain(kilometres).region.hr == Box(y=4, x=8, height=16, width=20)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (cells(8, 12, 4, 12), r"domain: 4 x 12 cells are fewer than those of a sample, 8 x 12 \(data\.region\.hr\)"),
        (cells(8, 12, 10, 12), r"domain\.height: 10 cells are no whole number of LR cells .*; use 8 or 12"),
        (cells(8, 13, 8, 12), r"domain\.x: cell 13 does not begin on the edge of an LR cell .*; use 12 or 16"),
        (cells(8, 12, 20, 12), r"domain: the box rows 8 to 27, columns 12 to 23 leaves the domain rows 0 to 23"),
        (cells(-4, 12, 20, 12), r"domain: y and x count from 0"),
        (BoxConfig(margin=4), r"domain: only a context box may be a margin"),
        (BoxConfig(south=0, north=6000, west=0, east=30000), r"no box of a sample's 8 x 12 cells .* widen them"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(build, small_config, asked, message):
    with pytest.raises(DataError, match=message) as raised:
        build(small_config).domain(asked)
    assert "\n" not in str(raised.value)


def test_a_margin_that_leaves_the_lr_grid_is_named(build, small_config):
    small_config["region"] |= {"lr_margin": 1, "shuffle": {"y": 4, "x": 4, "height": 16, "width": 24}}
    with pytest.raises(
        DataError, match=r"domain: data\.region\.lr_margin: the LR box of the HR box .* leaves the LR grid"
    ):
        build(small_config).domain(cells(0, 0, 24, 36))
