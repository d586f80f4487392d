import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from stride_data.cli import app
from stride_data.errors import DataError
from stride_data.report.figures import grows_southward
from stride_data.report.plot_boxes import COLOURS, draw_boxes, plot_boxes
from typer.testing import CliRunner


@pytest.fixture
def with_context(small_config):
    small_config["sources"]["wide"] = {**small_config["sources"]["coarse"], "block_average": 2}
    small_config["context"] = ["wide.prcp"]
    small_config["region"]["context"] = {"margin": 4}
    return small_config


def rectangles(figure) -> dict[str, list[tuple[float, float, float, float]]]:
    """Outlines by colour: left, bottom, width, height."""
    from matplotlib.colors import to_hex

    found: dict[str, list] = {}
    for patch in figure.axes[0].patches:
        found.setdefault(to_hex(patch.get_edgecolor()), []).append(
            (*patch.get_xy(), patch.get_width(), patch.get_height())
        )
    return found


def test_boxes_are_drawn_where_they_are(build, with_context):
    from matplotlib.colors import to_hex

    figure = draw_boxes(build(with_context))
    drawn = {name: rectangles(figure)[to_hex(colour)] for name, colour in COLOURS.items()}
    # In kilometres, by the edges of cells; HR cells are centred at whole kilometres.
    assert drawn["domain"] == [(-0.5, -0.5, 36, 24)]
    assert drawn["shuffle"] == [(-0.5, -0.5, 36, 24)]
    assert drawn["lr"] == [(11.5, 7.5, 12, 8)]
    assert drawn["context"] == [(7.5, 3.5, 20, 16)]
    *crops, hr = drawn["hr"]
    assert hr == (11.5, 7.5, 12, 8)
    assert crops
    for left, low, *size in crops:
        assert size == [12, 8]
        assert 3.5 <= left <= 19.5  # the context box stays on the grid
        assert 3.5 <= low <= 11.5
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "LR box, 2 × 3 cells of 4 km" in texts
    assert "Context box, 8 × 10 cells of 2 km" in texts
    assert "HR box, 8 × 12 cells of 1 km" in texts
    assert figure.axes[0].get_xlabel() == "x [km]"
    plt.close(figure)


def test_the_picture_is_whole(build, with_context, tmp_path):
    """Nothing touches the border: neither title, labels nor legend are cut."""
    path = plot_boxes(build(with_context, scaled=False), tmp_path / "boxes.png")
    image = plt.imread(path)[..., :3]
    assert min(image.shape[:2]) > 500
    border = np.concatenate([image[:8].reshape(-1, 3), image[-8:].reshape(-1, 3), image[:, :8].reshape(-1, 3)])
    assert (border == 1).all()
    assert np.ptp(image) > 0.5


def test_longitudes_around_the_globe_and_no_static(build, tmp_path):
    import xarray as xr

    y, x = np.arange(-30.0, 30, 2), np.arange(0.0, 360, 2)
    time = np.array(["2001-01-01"], "M8[ns]")
    coords = {
        "time": time,
        "lat": ("lat", y, {"units": "degrees_north"}),
        "lon": ("lon", x, {"units": "degrees_east"}),
    }
    field = {"t2m": (("time", "lat", "lon"), 280 + np.random.default_rng(0).normal(size=(1, 30, 180)), {"units": "K"})}
    xr.Dataset(field, coords).to_netcdf(tmp_path / "a.nc")
    fine = {"files": "a.nc", "variables": {"t2m": {}}}
    adapter = build(
        {
            "root": str(tmp_path),
            "sources": {"fine": fine, "coarse": {**fine, "block_average": 2}},
            "target": ["fine.t2m"],
            "dynamic": ["coarse.t2m"],
            "region": {"hr": {"south": -10, "north": 10, "west": -12, "east": 13}},
            "splits": {"train": {"start": "2001"}},
        },
        scaled=False,
    )
    figure = draw_boxes(adapter)
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    assert low < -11 < 11 < high
    figure.canvas.draw()
    labels = {label.get_text() for label in axes.get_xticklabels()}
    assert {"0°", "60°E", "60°W"} <= labels
    assert "t2m" in axes.get_title("right").lower() or "temperature" in axes.get_title("right").lower()
    plt.close(figure)


def test_a_coordinate_that_grows_southwards_is_drawn_downwards(build, small_config, small_root, tmp_path):
    import xarray as xr

    for path in (small_root / "hr").glob("*.nc"):
        with xr.open_dataset(path) as data:
            data["y"].attrs["long_name"] = "distance south of the northern edge"
            data.to_netcdf(tmp_path / path.name)
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    figure = draw_boxes(build(small_config, scaled=False))
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top
    assert figure.axes[0].get_ylabel() == "distance south of the northern edge [km]"
    plt.close(figure)
    assert not grows_southward({"long_name": "distance from the southern edge"})


def test_the_command_draws(small_config, write_yaml, tmp_path):
    result = CliRunner().invoke(app, ["check", str(write_yaml(small_config)), "--plot", str(tmp_path / "boxes.pdf")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "boxes.pdf").read_bytes().startswith(b"%PDF")
    assert "boxes.pdf" in result.output
    result = CliRunner().invoke(app, ["check", str(write_yaml(small_config)), "--plot", str(tmp_path / "boxes.xyz")])
    assert result.exit_code != 0
    assert "is no kind of picture" in str(result.exception)


def test_without_matplotlib_the_sentence_says_what_to_install(build, small_config, monkeypatch, tmp_path):
    adapter = build(small_config, scaled=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        DataError, match=r"--plot needs matplotlib; install it with `pip install 'stride-data\[plot\]'`"
    ):
        plot_boxes(adapter, tmp_path / "boxes.png")
