"""Fields brought to a declared LR grid."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_data.config import LrGridConfig
from stride_data.discovery.grids import Grid
from stride_data.discovery.projection import geographic
from stride_data.errors import DataError
from stride_data.regridding.lr_grid import declared_grid
from stride_data.regridding.regridding import plan_regridding
from stride_vars.regions import Box

DEGREES = {"y_attrs": {"units": "degrees_north"}, "x_attrs": {"units": "degrees_east"}}
METRES = {"y_attrs": {"units": "m"}, "x_attrs": {"units": "m"}}
LAMBERT = "+proj=lcc +lat_0=56.7 +lat_1=56.7 +lat_2=56.7 +lon_0=25 +R=6367470"


def plan(source: Grid, target: Grid, method: str):
    return plan_regridding(source, target, method, "data.sources.x", "fine")


def brought(source: Grid, target: Grid, method: str, values: np.ndarray) -> np.ndarray:
    return plan(source, target, method).apply(values[None])[0]


def linear(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (2.0 + 0.3 * y[:, None] - 0.05 * x[None, :]).astype(np.float32)


SOURCE = Grid.from_centres(np.arange(0.0, 24.0, 2.0), np.arange(0.0, 40.0, 2.5), **METRES)
TARGET = Grid.from_centres(np.arange(3.0, 19.0, 4.0), np.arange(4.0, 34.0, 6.0), **METRES)


def test_bilinear_by_hand():
    source = Grid.from_centres(np.array([0.0, 1.0]), np.array([0.0, 1.0]), **METRES)
    target = Grid.from_centres(np.array([0.25]), np.array([0.5]), **METRES)
    values = np.array([[0.0, 4.0], [8.0, 20.0]], np.float32)
    assert brought(source, target, "bilinear", values).tolist() == [[2.0 * 0.75 + 14.0 * 0.25]]


def test_conservative_by_hand():
    # Target cells of 3 x 2 cells, begun half a cell in: the edges cut source cells in halves.
    source = Grid.from_centres(np.arange(8.0), np.arange(8.0), **METRES)
    target = Grid.from_centres(np.array([2.0, 5.0]), np.array([2.0, 4.0]), **METRES)
    values = np.arange(64, dtype=np.float32).reshape(8, 8)
    found = brought(source, target, "conservative", values)
    # Rows 1, 2, 3 whole; columns 1 (half), 2, 3 (half).
    assert found[0, 0] == pytest.approx((values[1:4, 1:4].mean(axis=0) * [0.5, 1.0, 0.5]).sum() / 2)
    assert found[1, 1] == pytest.approx((values[4:7, 3:6].mean(axis=0) * [0.5, 1.0, 0.5]).sum() / 2)


def test_nearest_by_hand():
    target = Grid.from_centres(np.array([2.9, 7.1]), np.array([6.0, 12.5]), **METRES)
    values = np.arange(12 * 16, dtype=np.float32).reshape(12, 16)
    assert brought(SOURCE, target, "nearest", values).tolist() == values[[1, 4]][:, [2, 5]].tolist()


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
@pytest.mark.parametrize("flip", [(False, False), (True, False), (True, True)])
def test_constant_fields_stay_constant_whatever_way_rows_run(method, flip):
    y, x = (SOURCE.y[::-1] if flip[0] else SOURCE.y), (TARGET.y[::-1] if flip[1] else TARGET.y)
    source, target = Grid.from_centres(y, SOURCE.x, **METRES), Grid.from_centres(x, TARGET.x, **METRES)
    found = brought(source, target, method, np.full((12, 16), 7.25, np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 7.25, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    first=st.floats(4.0, 6.0),
    step=st.floats(2.1, 6.0),
    down=st.booleans(),
    method=st.sampled_from(["bilinear", "conservative"]),
)
def test_linear_fields_are_exact(first, step, down, method):
    """Bilinear: at every centre. Conservative: where target cells are made of whole source cells or halves of them."""
    if method == "conservative":
        first, step = round(first / 2.0) * 2.0, round(step / 2.0) * 2.0
    y = first + step * np.arange(2)
    target = Grid.from_centres(y[::-1] if down else y, first + step * np.arange(3), **METRES)
    source = Grid.from_centres(np.arange(0.0, 30.0, 2.0), np.arange(0.0, 40.0, 2.0), **METRES)
    found = brought(source, target, method, linear(source.y, source.x))
    np.testing.assert_allclose(found, linear(target.y, target.x), rtol=1e-5)


def test_conservative_keeps_the_mean():
    values = np.random.default_rng(0).gamma(0.5, 3.0, (12, 12)).astype(np.float32)
    source = Grid.from_centres(np.arange(12.0), np.arange(12.0), **METRES)
    # Target edges at -0.5, 2.5, 5.5, ...: the same domain.
    target = Grid.from_centres(np.arange(1.0, 12.0, 3.0), np.arange(1.0, 12.0, 3.0), **METRES)
    found = brought(source, target, "conservative", values)
    assert found.mean(dtype=np.float64) == pytest.approx(values.mean(dtype=np.float64), rel=1e-6)
    np.testing.assert_allclose(found, values.reshape(4, 3, 4, 3).mean(axis=(1, 3)), rtol=1e-5)


def test_conservative_keeps_the_area_mean_on_the_sphere():
    values = np.random.default_rng(1).gamma(0.5, 3.0, (40, 40)).astype(np.float32)
    source = Grid.from_centres(40.125 + 0.25 * np.arange(40), 0.125 + 0.25 * np.arange(40), **DEGREES)
    target = Grid.from_centres(41.0 + 2.0 * np.arange(5), 1.0 + 2.0 * np.arange(5), **DEGREES)
    found = brought(source, target, "conservative", values)
    area = [
        np.diff(np.sin(np.radians(grid.y_edges)))[:, None] * np.diff(grid.x_edges)[None] for grid in (source, target)
    ]
    assert np.average(found, weights=area[1]) == pytest.approx(np.average(values, weights=area[0]), rel=1e-5)


def test_a_global_source_goes_around_the_globe():
    source = Grid.from_centres(np.arange(90.0, -91.0, -1.0), np.arange(0.0, 360.0), **DEGREES)
    target = Grid.from_centres(np.array([57.0, 55.5]), np.arange(-3.5, 4.0, 0.5), **DEGREES)
    values = (np.cos(np.radians(source.x))[None] + 0.0 * source.y[:, None]).astype(np.float32)
    found = brought(source, target, "bilinear", values)
    np.testing.assert_allclose(found[0], np.cos(np.radians(target.x)), atol=1e-4)
    values = (np.minimum(source.x, 360 - source.x)[None] + 0.0 * source.y[:, None]).astype(np.float32)
    np.testing.assert_allclose(brought(source, target, "bilinear", values)[1], np.abs(target.x), atol=1e-5)
    coarse = Grid.from_centres(np.array([56.0, 52.0]), np.array([-4.0, 0.0, 4.0]), **DEGREES)
    # Cells from 2 west to 2 east: of |x| at 0, 1 (twice) and 2 (twice, half each) the mean is 1.
    np.testing.assert_allclose(brought(source, coarse, "conservative", values)[0], [4.0, 1.0, 4.0], atol=1e-5)
    # As many turns further, or counted from -180.
    for shift in (-360.0, 360.0):
        moved = Grid.from_centres(target.y, target.x + shift, **DEGREES)
        np.testing.assert_allclose(brought(source, moved, "bilinear", values)[1], np.abs(target.x), atol=1e-5)


def test_a_repeated_last_meridian_is_one():
    source = Grid.from_centres(np.arange(50.0, 60.0), np.arange(0.0, 361.0), **DEGREES)
    values = (np.minimum(source.x, 360 - source.x)[None] + 0.0 * source.y[:, None]).astype(np.float32)
    target = Grid.from_centres(np.array([55.0, 56.0]), np.array([-1.5, -0.5, 0.5]), **DEGREES)
    np.testing.assert_allclose(brought(source, target, "bilinear", values)[0], [1.5, 0.5, 0.5], atol=1e-5)


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_latitudes_and_longitudes_to_a_projection(method):
    target = Grid.from_centres(np.arange(2e5, -3e5, -1e5), np.arange(-8e5, -3e5, 1e5), **METRES, crs=LAMBERT)
    source = Grid.from_centres(np.arange(65.0, 45.0, -0.25), np.arange(0.0, 40.0, 0.25), **DEGREES)
    latitude, longitude = geographic(target)
    found = brought(source, target, method, linear(source.y, source.x))
    expected = 2.0 + 0.3 * latitude - 0.05 * longitude
    np.testing.assert_allclose(found, expected, atol=1e-5 if method == "bilinear" else 0.125 * 0.35)


def test_a_projection_across_the_seam_of_a_global_source():
    target = Grid.from_centres(np.arange(2e5, -3e5, -1e5), np.arange(-20e5, -10e5, 1e5), **METRES, crs=LAMBERT)
    source = Grid.from_centres(np.arange(90.0, -91.0, -1.0), np.arange(0.0, 360.0), **DEGREES)
    _, longitude = geographic(target)
    assert longitude.min() < -1 and longitude.max() > 1
    values = (np.minimum(source.x, 360 - source.x)[None] + 0.0 * source.y[:, None]).astype(np.float32)
    planned = plan(source, target, "bilinear")
    np.testing.assert_allclose(planned.apply(values[None])[0], np.abs(longitude), atol=0.26)
    away = np.abs(longitude) > 1  # where no cell's neighbours lie on both sides of the kink
    np.testing.assert_allclose(planned.apply(values[None])[0][away], np.abs(longitude)[away], atol=1e-5)
    assert planned.window.columns.size < 40


def test_a_projection_to_latitudes_and_longitudes():
    source = Grid.from_centres(np.arange(-5e5, 5e5, 1e4), np.arange(-9e5, 3e5, 1e4), **METRES, crs=LAMBERT)
    target = Grid.from_centres(np.array([55.0, 56.0, 57.0]), np.array([15.0, 18.0]), **DEGREES)
    latitude, longitude = geographic(source)
    values = (2.0 + 0.3 * latitude - 0.05 * longitude).astype(np.float32)
    np.testing.assert_allclose(brought(source, target, "bilinear", values), linear(target.y, target.x), atol=2e-4)


def test_one_projection_written_in_two_ways_and_units():
    source = Grid.from_centres(SOURCE.y * 1e4, SOURCE.x * 1e4, **METRES, crs=LAMBERT)
    kilometres = {"y_attrs": {"units": "km"}, "x_attrs": {"units": "km"}}
    target = Grid.from_centres(TARGET.y * 10, TARGET.x * 10, **kilometres, crs=f"{LAMBERT} +type=crs")
    planned = plan(source, target, "conservative")
    assert planned.window.places.along_axes
    np.testing.assert_allclose(planned.window.places.y, TARGET.y * 1e4, atol=1.0)
    unnamed = Grid.from_centres(TARGET.y / 1e3, TARGET.x / 1e3, **kilometres)
    np.testing.assert_allclose(
        brought(SOURCE, unnamed, "bilinear", linear(SOURCE.y, SOURCE.x)), linear(TARGET.y, TARGET.x), rtol=1e-5
    )


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
def test_missing_cells_make_missing_results(method):
    values = linear(SOURCE.y, SOURCE.x)
    values[5, 6] = np.nan  # at y = 10, x = 15
    found = brought(SOURCE, TARGET, method, values)
    missing = np.isnan(found)
    assert missing.any() and not missing.all()
    # Target columns are centred at 4, 10, 16, 22, 28 and rows at 3, 7, 11, 15.
    assert missing[2, 2] and not missing[:, 0].any() and not missing[0].any()
    np.testing.assert_allclose(found[~missing], linear(TARGET.y, TARGET.x)[~missing], rtol=1e-1)


@pytest.mark.parametrize(
    ("target", "method", "expected"),
    [
        (Grid.from_centres(np.array([0.0, 5.0]), np.array([1.0, 50.0]), **METRES), "bilinear", "2 of 4 cells"),
        (
            Grid.from_centres(np.array([0.0, 5.0]), np.array([1.0, 5.0]), **METRES),
            "conservative",
            "cells of data.lr_grid",
        ),
        (Grid.from_centres(np.array([50.0, 55.0]), np.array([1.0, 5.0]), **DEGREES), "bilinear", r"x\.crs"),
        (Grid.from_centres(np.array([0.0, 1.0]), np.array([1.0, 5.0]), **METRES, crs=LAMBERT), "bilinear", r"x\.crs"),
    ],
)
def test_targets_that_cannot_be_reached(target, method, expected):
    with pytest.raises(DataError, match=expected) as error:
        plan(SOURCE, target, method)
    assert "data.sources.x" in str(error.value)


def test_a_projection_has_no_conservative_method():
    target = Grid.from_centres(np.arange(-2e5, 3e5, 1e5), np.arange(-8e5, -3e5, 1e5), **METRES, crs=LAMBERT)
    source = Grid.from_centres(np.arange(65.0, 45.0, -0.25), np.arange(0.0, 40.0, 0.25), **DEGREES)
    with pytest.raises(DataError, match=r"data\.sources\.x\.regrid: conservative needs .*use bilinear"):
        plan(source, target, "conservative")
    nowhere = Grid.from_centres(target.y, target.x, **METRES)
    with pytest.raises(DataError, match=r"the grid of fine does not say where it lies .*set data\.sources\.fine\.crs"):
        plan(source, nowhere, "bilinear")


def test_blocks_with_a_margin():
    fine = Grid.from_centres(np.arange(11.0, -1.0, -1.0), np.arange(18.0) * 2.5, **METRES, crs=LAMBERT)
    grid = declared_grid(LrGridConfig(blocks_of="fine", size=4, margin=2), fine)
    assert grid.y.tolist() == [17.5, 13.5, 9.5, 5.5, 1.5, -2.5, -6.5]
    assert grid.y_edges.tolist() == [19.5, 15.5, 11.5, 7.5, 3.5, -0.5, -4.5, -8.5]
    assert grid.x.tolist() == [-16.25, -6.25, 3.75, 13.75, 23.75, 33.75, 43.75, 53.75]
    assert grid.crs == LAMBERT
    assert declared_grid(LrGridConfig(like="fine"), fine) is fine
    with pytest.raises(DataError, match=r"data\.lr_grid\.size: blocks of 20 cells do not fit into the 12 x 18 cells"):
        declared_grid(LrGridConfig(blocks_of="fine", size=20), fine)


def test_blocks_of_two_dimensional_coordinates_go_over_the_seam():
    latitude, longitude = np.full((2, 2), 60.0), np.array([[359.0, 1.0]] * 2)
    grid = Grid.from_centres(np.arange(2.0), np.arange(2.0), latitude=latitude, longitude=longitude).block_averaged(2)
    assert grid.longitude[0, 0] % 360 == pytest.approx(0.0, abs=1e-9)
    assert grid.latitude[0, 0] == pytest.approx(60.0, abs=0.01)


# The whole way, through files


DAYS = np.arange("2001-01-01", "2001-01-07", dtype="M8[D]").astype("M8[ns]")


def field(latitude: np.ndarray, longitude: np.ndarray, day: int) -> np.ndarray:
    return 10.0 + 0.2 * latitude - 0.1 * longitude + day


@pytest.fixture
def archive(tmp_path: Path) -> dict[str, Any]:
    """An HR field on Lambert's projection and two LR sources on latitudes and longitudes of other spacing."""
    y, x = np.arange(24) * -5000.0, -600000.0 + np.arange(36) * 5000.0
    attrs = {"units": "m"}
    fine = Grid.from_centres(y, x, y_attrs=attrs, x_attrs=attrs, crs=LAMBERT)
    here = geographic(fine)
    coords = {"time": DAYS, "y": ("y", y, attrs), "x": ("x", x, attrs)}
    values = np.stack([field(*here, day) for day in range(6)]).astype("float32")
    data = xr.Dataset({"t2m": (("time", "y", "x"), values, {"units": "K", "grid_mapping": "crs"})}, coords)
    mapping = {
        "grid_mapping_name": "lambert_conformal_conic",
        "standard_parallel": 56.7,
        "latitude_of_projection_origin": 56.7,
        "longitude_of_central_meridian": 25.0,
        "earth_radius": 6367470.0,
    }
    data["crs"] = ((), 0, mapping)
    data.to_netcdf(tmp_path / "fine.nc")
    for name, step, first in (("a", 0.25, 5.0), ("b", 1.0, -180.0)):
        latitude, longitude = np.arange(62.0, 50.0, -step), np.arange(first, 40.0 if first > 0 else 180.0, step)
        values = np.stack([field(*np.meshgrid(latitude, longitude, indexing="ij"), day) for day in range(6)])
        xr.Dataset(
            {"t2m": (("time", "lat", "lon"), values.astype("float32"), {"units": "K"})},
            {
                "time": DAYS,
                "lat": ("lat", latitude, {"units": "degrees_north"}),
                "lon": ("lon", longitude, {"units": "degrees_east"}),
            },
        ).to_netcdf(tmp_path / f"{name}.nc")
    return {
        "root": str(tmp_path),
        "sources": {
            "fine": {"files": "fine.nc", "variables": {"t2m": {}}},
            "a": {"files": "a.nc", "variables": {"t2m": {}}, "regrid": "bilinear"},
            "b": {"files": "b.nc", "variables": {"t2m": {}}, "regrid": "bilinear"},
        },
        "lr_grid": {"blocks_of": "fine", "size": 6, "margin": 1},
        "target": ["fine.t2m"],
        "dynamic": ["a.t2m", "b.t2m"],
        "region": {
            "hr": {"y": 6, "x": 12, "height": 12, "width": 12},
            "shuffle": {"y": 0, "x": 0, "height": 24, "width": 36},
            "lr_margin": 1,
        },
        "splits": {"train": {"end": "2001-01-04"}, "val": {"start": "2001-01-05"}},
    }


def test_two_sources_on_one_declared_grid(archive, build):
    adapter = build(archive)
    lr = adapter.geometry.lr_grid
    assert lr.shape == (6, 8)
    assert adapter.lr_shape == (4, 4)
    latitude, longitude = geographic(lr)
    for day, time in enumerate(adapter.times("train")):
        fields = adapter.fields(time, adapter.crop(1, 0, day))
        expected = field(latitude, longitude, day)[fields.lr_box.slices]
        np.testing.assert_allclose(fields.dynamic[0], expected, atol=1e-4)
        np.testing.assert_allclose(fields.dynamic[1], expected, atol=1e-4)
        # The mean over a block of a field that is nearly linear is its value at the centre.
        blocks = fields.target[0].reshape(2, 6, 2, 6).mean(axis=(1, 3))
        np.testing.assert_allclose(blocks, expected[1:-1, 1:-1], atol=2e-3)
    origin = adapter.statistics["provenance"]["files"]["a"]["regrid"]
    assert origin["method"] == "bilinear"
    assert origin["lr_grid"] == {"blocks_of": "fine", "size": 6, "margin": 1}
    assert origin["shape"] == [6, 8]
    assert "missing" in origin["missing"]


def test_regrid_keys_that_do_not_fit(archive, build):
    def refused(expected: str, **changes: Any) -> None:
        with pytest.raises(DataError, match=expected):
            build({**archive, **changes}, scaled=False)

    refused(r"data\.sources\.a\.regrid needs data\.lr_grid", lr_grid=None)
    refused(r"names 'fin' \(did you mean 'fine'\?\)", lr_grid={"like": "fin"})
    refused("is that of 'a', which has no grid of its own", lr_grid={"like": "a"})
    refused("give either like: SOURCE, or blocks_of", lr_grid={"like": "fine", "blocks_of": "fine", "size": 2})
    refused("size .* belong to blocks_of", lr_grid={"like": "fine", "size": 2})
    both = {**archive["sources"]["a"], "block_average": 2}
    refused("keep one of them", sources={**archive["sources"], "a": both})
    refused("cells of data.lr_grid lie outside its domain", lr_grid={"blocks_of": "fine", "size": 6, "margin": 40})


def test_the_check_command_tells_what_is_regridded(archive, tmp_path: Path):
    import yaml
    from rich.console import Console
    from stride_data.report.check import check_data

    path = tmp_path / "data.yaml"
    path.write_text(yaml.safe_dump({"data": archive}))
    console = Console(record=True, width=200)
    check_data(path, [], read_all=False, console=console)
    assert "6 x 8 (bilinear, on data.lr_grid)" in console.export_text()


# Real data


@pytest.fixture
def real_sources(real_data: Path):
    """ERA5 at one degree brought to a declared grid, beside the benchmark's grid over the Alps."""
    from stride_data.config import validate_data_config
    from stride_data.discovery.scan import scan_sources
    from stride_vars.catalogue import Catalogue

    def scan(lr_grid: dict[str, Any], method: str):
        era5 = {"files": "era5_1deg_sample.nc", "variables": {"t2m": {}}}
        section = {
            "sources": {
                "alps": {
                    "files": "cordex_ml_bench/templates/tasmax_ALPS.nc",
                    "variables": {"tmax": {"name": "tasmax", "units": "K"}},
                },
                "native": era5,
                "era5": {**era5, "regrid": method},
            },
            "lr_grid": lr_grid,
            "target": ["alps.tmax"],
            "dynamic": ["era5.t2m"],
            "splits": {"train": {"start": "2026"}},
        }
        return scan_sources(validate_data_config(section, "test"), real_data, Catalogue.load())

    return scan


def everything(source) -> Box:
    return Box(y=0, x=0, height=source.grid.shape[0], width=source.grid.shape[1])


@pytest.mark.realdata
def test_era5_on_a_projected_grid(real_sources):
    from scipy.ndimage import map_coordinates

    sources = real_sources({"like": "alps"}, "bilinear")
    era5, native, alps = (sources[name] for name in ("era5", "native", "alps"))
    assert era5.grid.shape == (128, 128)
    time = era5.times[10]
    found = era5.read_box("t2m", time, everything(era5))
    globe = native.read_box("t2m", time, everything(native)).astype(np.float64)
    # Rows run from 90 north by one degree, columns from 0 east; -5 east is column 355 and wraps.
    rows, columns = 90.0 - alps.grid.latitude, alps.grid.longitude % 360.0
    expected = map_coordinates(globe, [rows, columns], order=1, mode="grid-wrap")
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.realdata
def test_era5_means_over_larger_cells(real_sources):
    sources = real_sources({"blocks_of": "native", "size": 5}, "conservative")
    era5, native = sources["era5"], sources["native"]
    assert era5.grid.shape == (36, 72)
    time = era5.times[3]
    found = era5.read_box("t2m", time, everything(era5)).astype(np.float64)
    globe = native.read_box("t2m", time, everything(native)).astype(np.float64)
    edges = np.sin(np.radians(np.arange(90.5, -90.0, -1.0)))
    areas = -np.diff(edges)[:180].reshape(36, 5, 1)
    zonal = globe[:180].reshape(36, 5, 72, 5).mean(axis=3)
    np.testing.assert_allclose(found, (zonal * areas).sum(axis=1) / areas.sum(axis=1), rtol=1e-6)
