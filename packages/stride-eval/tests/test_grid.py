"""North up: rows are drawn by what their coordinates say, and distances are kilometres."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from stride_eval.grid import axes, spacing
from stride_eval.plots.colour_maps import ColourScale, colour_map
from stride_eval.plots.maps import MapFrame, draw_field, keep_to, label_place

FIELD = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def grid(y, attrs, **coords):
    return xr.Dataset(
        {"f": (("y", "x"), FIELD)}, {"y": ("y", y, attrs), "x": ("x", [10.0, 20.0, 30.0], {"units": "m"}), **coords}
    )


@pytest.mark.parametrize(
    ("y", "attrs", "first_row_north"),
    [
        ([60.0, 59.0], {"units": "degrees_north"}, True),
        ([59.0, 60.0], {"units": "degrees_north"}, False),
        ([0.0, 1000.0], {"units": "m", "standard_name": "projection_y_coordinate"}, False),
        ([1250.0, 3750.0], {"units": "m", "positive_direction": "south"}, True),
        ([3750.0, 1250.0], {"units": "m", "positive_direction": "south"}, False),
        ([1250.0, 3750.0], {"units": "m", "positive_direction": "north"}, False),
        ([1250.0, 3750.0], {"units": "m", "long_name": "distance south of the northern edge"}, True),
        ([1250.0, 3750.0], {"units": "m", "long_name": "distance north of the southern edge"}, False),
    ],
)
def test_north_is_up(y, attrs, first_row_north):
    frame = MapFrame.of(*axes(grid(y, attrs)))
    drawn = draw_field(Figure().subplots(), FIELD, frame, ColourScale(colour_map("viridis"), None, "neither"))
    top_row = np.asarray(drawn.get_array())[0]
    np.testing.assert_array_equal(top_row, FIELD[0] if first_row_north else FIELD[1])
    left, right, bottom, top = frame.extent
    assert left < right
    # The edge drawn on top is the coordinate of the northernmost row, half a cell out.
    north = y[0] if first_row_north else y[1]
    assert abs(top - north) == pytest.approx(abs(y[1] - y[0]) / 2)
    assert abs(bottom - north) > abs(top - north)


def test_without_axis_the_latitude_tells():
    latitude = (("y", "x"), np.array([[60.0] * 3, [59.0] * 3]))
    dataset = xr.Dataset({"f": (("y", "x"), FIELD)}, {"latitude": latitude})
    assert axes(dataset)[0].attrs["positive_direction"] == "south"
    assert axes(xr.Dataset({"f": (("y", "x"), FIELD)}))[0].attrs["positive_direction"] == "north"


def test_spacing():
    apart = spacing(*axes(grid([0.0, 2500.0], {"units": "m"})))
    assert (apart.y, apart.x, apart.unit) == (2.5, 0.01, "km")
    degrees = xr.Dataset(
        {"f": (("y", "x"), FIELD)},
        {
            "y": ("y", [59.0, 61.0], {"units": "degrees_north"}),
            "x": ("x", [0.0, 1.0, 2.0], {"units": "degrees_east"}),
        },
    )
    apart = spacing(*axes(degrees))
    assert apart.y == pytest.approx(2 * 111.19, rel=1e-3)
    assert apart.x == pytest.approx(111.19 / 2, rel=1e-3)  # cos 60 degrees
    assert spacing(*axes(xr.Dataset({"f": (("y", "x"), FIELD)}))).unit == "pixel"


def test_maps_are_not_distorted_and_say_where_they_are():
    rows, columns = np.linspace(59.0, 61.0, 5), np.linspace(-1.0, 1.0, 5)
    dataset = xr.Dataset(
        {"f": (("y", "x"), np.ones((5, 5)))}, {"y": ("y", rows, {"units": "degrees_north"}), "x": ("x", columns)}
    )
    frame = MapFrame.of(*axes(dataset))
    assert frame.aspect == pytest.approx(2.0)
    panel = Figure().subplots()
    draw_field(panel, np.ones((5, 5)), frame, ColourScale(colour_map("viridis"), None, "neither"))
    keep_to(panel, frame)
    label_place(panel, frame)
    assert {"59°N", "60°N", "61°N"} & {text.get_text() for text in panel.get_yticklabels()}
    assert "1°W" in {text.get_text() for text in panel.get_xticklabels()}
