"""What figures are laid out like: legends beside the lines, words that fit, numbers under every column."""

import itertools

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from stride_eval.config import EvalConfig
from stride_eval.families import probabilistic
from stride_eval.families.pixel_pairs import pair_sums
from stride_eval.plots import reliability
from stride_eval.plots.colour_maps import ColourScale, colour_map
from stride_eval.plots.legends import legend_below, legend_under_panel, lines_under_panel
from stride_eval.plots.map_rows import MapRow, draw_map_rows
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.panel_grid import close_columns
from stride_eval.plots.style import colours, new_figure, squared_units
from stride_eval.provenance import Provenance

CONFIG = EvalConfig(resamples=100)

NAMES = ("edm", "interpolated", "analogues", "climatology", "quantile_mapping", "quantile_mapping_per_pixel")


@pytest.fixture
def panels():
    figure = new_figure(10.0, 4.0)
    axes = figure.subplots(1, 2)
    for name in NAMES:
        axes[0].plot([0, 1], [0, 1], label=name)
    axes[0].set_xlabel("Distance [km]")
    return figure, axes


def test_a_legend_below_meets_no_panel_and_stays_on_the_paper(panels):
    figure, axes = panels
    before = figure.get_figheight()
    legend_below(figure, axes[0])
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(NAMES)
    assert not any(legend.overlaps(one.get_tightbbox()) for one in axes)
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.x1
    assert figure.get_figheight() > before


def test_nothing_to_name_makes_no_legend():
    figure = new_figure(4.0, 3.0)
    axes = figure.subplots()
    legend_below(figure, axes)
    legend_under_panel(axes)
    assert not figure.legends
    assert axes.get_legend() is None


def test_a_legend_under_its_panel_leaves_the_axis_label_free():
    figure = new_figure(7.0, 3.5 + lines_under_panel(len(NAMES) + 1))
    for axes in figure.subplots(1, 2):
        for name in NAMES:
            axes.plot([0, 1], [0, 1], label=f"{name} 0.801 [0.791, 0.810]")
        axes.set_xlabel("False alarm rate")
        legend_under_panel(axes, title="Area under the curve")
    figure.draw_without_rendering()
    boxes = [axes.get_legend().get_window_extent() for axes in figure.axes]
    assert not boxes[0].overlaps(boxes[1])
    for axes, box in zip(figure.axes, boxes, strict=True):
        assert not box.overlaps(axes.xaxis.label.get_window_extent())
        assert box.y0 >= 0


@pytest.mark.parametrize(("used", "lowest"), [(6, [(1, 0), (1, 1), (0, 2), (0, 3)]), (4, None), (1, [(0, 0)])])
def test_the_lowest_panel_of_each_column_is_numbered(used, lowest):
    columns = min(used, 4)
    panels = new_figure(6.0, 4.0).subplots(-(-used // columns), columns, sharex=True, squeeze=False)
    feet = close_columns(panels, used)
    lowest = [(0, column) for column in range(4)] if lowest is None else lowest
    assert feet == [panels[place] for place in lowest]
    assert all(axes.xaxis.get_tick_params()["labelbottom"] for axes in feet)
    assert sum(axes.axison for axes in panels.flat) == used


def test_words_of_neighbouring_maps_do_not_meet():
    rng = np.random.default_rng(0)
    columns = ("observed", *NAMES)
    fields = {name: rng.normal(size=(12, 10)) for name in columns}
    frame = MapFrame((0.0, 25.0, 0.0, 30.0), False, False, 1.0, False, 1.0)
    scale = ColourScale(colour_map("RdBu"), Normalize(-1, 1), "both")
    numbers = dict.fromkeys(columns, "mean −0.066 mm day⁻¹")
    long = "CRPS less that of quantile_mapping_per_pixel [mm day⁻¹]"
    figure = draw_map_rows([MapRow(long, scale, fields, numbers)] * 2, columns, frame, None, colours(NAMES))
    figure.draw_without_rendering()
    maps = figure.axes[: 2 * len(columns)]
    assert maps[0].get_xlabel() == "mean −0.066\nmm day⁻¹"
    for line in (maps[: len(columns)], maps[len(columns) :]):
        for left, right in itertools.pairwise(line):
            assert not left.xaxis.label.get_window_extent().overlaps(right.xaxis.label.get_window_extent())
    upper, lower = (bar.yaxis.label.get_window_extent() for bar in figure.axes[2 * len(columns) :])
    assert not upper.overlaps(lower)


def test_squares_of_units():
    assert [squared_units(units) for units in ("K", "mm day-1", "m s-1")] == ["K²", "(mm day⁻¹)²", "(m s⁻¹)²"]


def test_distances_of_another_target_are_left_out():
    """Of the joined results of two targets, each has pairs at distances of its own."""
    sizes = {"time": 2, "distance": 3}
    results = xr.Dataset(
        {
            "pairs_n": (("time", "distance"), [[4.0, np.nan, 2.0], [np.nan, np.nan, 3.0]]),
            "product": (("time", "distance"), np.where([[1, 0, 1], [0, 0, 1]], 0.5, np.nan)),
            "observed_product": (("time", "distance"), np.where([[1, 0, 1], [0, 0, 1]], 0.25, np.nan)),
        },
        {"distance": [1.0, 2.0, 3.0], "time": range(sizes["time"])},
    )
    sums = pair_sums(["product"], results)
    assert sums["distance"].values.tolist() == [1.0, 3.0]
    np.testing.assert_allclose(sums["product"], [[2.0, 1.0], [0.0, 1.5]])
    np.testing.assert_allclose(sums["observed_product"], [[1.0, 0.5], [0.0, 0.75]])


def test_nothing_is_cut_at_the_edge_of_the_paper(tmp_path, saved, systems_of):
    """Of the diagrams of two ensembles, in two rows of panels under headings of two lines."""
    rng = np.random.default_rng(2)
    fields = np.maximum(rng.normal(size=(6, 5, 6, 6)), 0.0) * 5.0
    paths = {name: saved.write(tmp_path / f"{name}.nc", fields[:, 1:], fields[:, 0]) for name in ("first", "second")}
    results = probabilistic.compute(systems_of(paths), CONFIG)
    about = Provenance.of(results)
    drawn = reliability.figure(results.sel(target="prcp"), about.specs["prcp"], about, CONFIG).figure
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    ink = np.asarray(canvas.buffer_rgba())[..., :3].min(axis=-1) < 200
    assert ink.any()
    assert not any(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
