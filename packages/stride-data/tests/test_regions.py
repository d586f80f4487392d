from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_data.errors import DataError
from stride_data.regions.crops import CropAnchors
from stride_vars.regions import Box


def test_boxes_and_domain(build, small_config):
    adapter = build(small_config, scaled=False)
    assert adapter.geometry.domain == Box(y=0, x=0, height=24, width=36)
    assert adapter.region.hr == Box(y=8, x=12, height=8, width=12)
    assert adapter.region.lr == Box(y=2, x=3, height=2, width=3)
    assert (adapter.hr_shape, adapter.lr_shape) == ((8, 12), (2, 3))


def test_an_odd_edge_is_cut_from_the_domain(build, small_config):
    small_config["sources"]["coarse"]["block_average"] = 5
    small_config["region"] = {}
    adapter = build(small_config, scaled=False)
    assert adapter.geometry.domain == Box(y=0, x=0, height=20, width=35)
    assert adapter.region.hr == adapter.geometry.domain
    assert adapter.lr_shape == (4, 7)


def test_a_box_in_coordinates_is_cut_to_whole_lr_cells(build, small_config):
    # Row centres 7 000 to 16 000 m are inside; whole LR cells of 4 rows begin at rows 0, 4, 8, ...
    small_config["region"]["hr"] = {"south": 16400, "north": 6900, "west": 11000, "east": 24000}
    assert build(small_config, scaled=False).region.hr == Box(y=8, x=12, height=8, width=12)


def test_a_margin_widens_only_the_lr_box(build, small_config):
    small_config["region"]["lr_margin"] = 1
    adapter = build(small_config, scaled=False)
    assert adapter.region.lr == Box(y=1, x=2, height=4, width=5)
    assert adapter.geometry.lr_box(Box(y=4, x=4, height=8, width=12)) == Box(y=0, x=0, height=4, width=5)
    rows, columns = adapter.geometry.crops.rows, adapter.geometry.crops.columns
    assert (rows, columns) == ((4, 8, 12), (4, 8, 12, 16, 20))
    with pytest.raises(DataError, match=r"lr_margin: the LR box of the HR box .* leaves the LR grid of 6 x 9 cells"):
        adapter.geometry.lr_box(Box(y=0, x=4, height=8, width=12))


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ({"hr": {"y": 20, "x": 12, "height": 8, "width": 12}}, "leaves the domain rows 0 to 23, columns 0 to 35"),
        ({"hr": {"y": 8, "x": 12, "height": 10, "width": 12}}, "data.region.hr.height: 10 cells .* use 8 or 12"),
        ({"hr": {"y": 8, "x": 13, "height": 8, "width": 12}}, "data.region.hr.x: cell 13 .* use 12 or 16"),
        (
            {"hr": {"south": 100, "north": 200, "west": 0, "east": 9}},
            "data.region.hr: no cell lies between 100 and 200 along y, whose coordinates run from 0 to 23000",
        ),
        (
            {"hr": {"south": 900, "north": 5000, "west": 0, "east": 9000}},
            r"data.region.hr: no whole LR cell \(4 HR cells per LR cell\) lies between the bounds along y",
        ),
        ({"hr": {"south": 70000, "north": 90000, "west": 0, "east": 9}}, "coordinates run from 0 to 23000"),
        (
            {
                "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
                "shuffle": {"y": 1, "x": 1, "height": 8, "width": 30},
            },
            "no crop of 8 x 12 cells",
        ),
        (
            {
                "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
                "shuffle": {"y": 0, "x": 0, "height": 30, "width": 30},
            },
            "data.region.shuffle: the box rows 0 to 29",
        ),
        ({"lr_margin": 1}, "data.region.lr_margin: the LR box of .* leaves the LR grid"),
    ],
)
def test_wrong_regions(build, small_config, region, expected):
    small_config["region"] = region
    with pytest.raises(DataError, match=expected):
        build(small_config, scaled=False)


def test_crops_are_uniform_and_reproducible():
    anchors = CropAnchors((4, 4), (0, 4, 8), (0, 4))
    drawn = [anchors.draw(7, epoch, index) for epoch in range(40) for index in range(60)]
    counts = Counter((box.y, box.x) for box in drawn)
    assert len(counts) == anchors.count == 6
    # chi-squared with 5 degrees of freedom: 20.5 is its 99.9 % quantile
    expected = len(drawn) / 6
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 20.5
    assert drawn == [anchors.draw(7, epoch, index) for epoch in range(40) for index in range(60)]
    assert drawn != [anchors.draw(8, epoch, index) for epoch in range(40) for index in range(60)]


@given(seed=st.integers(0, 2**31), epoch=st.integers(0, 1000), index=st.integers(0, 10**6))
def test_crops_stay_inside(seed, epoch, index):
    box = Box(y=3, x=5, height=17, width=23)
    anchors = CropAnchors.inside(box, (8, 8), rows=range(0, 40, 4), columns=range(0, 40, 4))
    assert anchors.rows == (4, 8, 12)
    assert anchors.columns == (8, 12, 16, 20)
    assert box.contains(anchors.draw(seed, epoch, index))
