"""Where cells lie on the Earth."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stride_data.config import SourceConfig
from stride_data.discovery.grids import Grid
from stride_data.discovery.projection import check_crs, file_crs, geographic, native_positions
from stride_data.discovery.scan import scan_source
from stride_data.errors import DataError
from stride_vars.catalogue import Catalogue

LAMBERT = "+proj=lcc +lat_0=56.7 +lat_1=56.7 +lat_2=56.7 +lon_0=25 +R=6367470"
RADIUS = 6367470.0


def lambert(units: str = "m", factor: float = 1.0) -> Grid:
    attrs = {"units": units}
    y, x = np.array([200e3, 0.0, -300e3]) / factor, np.array([-500e3, 0.0, 250e3, 600e3]) / factor
    return Grid.from_centres(y, x, y_attrs=attrs, x_attrs=attrs, crs=LAMBERT)


def by_hand(y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tangent Lambert conformal conic on a sphere, Snyder (1987), equations 14-15, 15-1 to 15-4 and 15-5, inverted."""
    n = np.sin(np.radians(56.7))
    f = np.cos(np.radians(56.7)) * np.tan(np.pi / 4 + np.radians(56.7) / 2) ** n / n
    rho0 = RADIUS * f / np.tan(np.pi / 4 + np.radians(56.7) / 2) ** n
    rho, theta = np.hypot(x, rho0 - y), np.arctan2(x, rho0 - y)
    latitude = 2 * np.arctan((RADIUS * f / rho) ** (1 / n)) - np.pi / 2
    return np.degrees(latitude), 25 + np.degrees(theta / n)


@pytest.mark.parametrize(("units", "factor"), [("m", 1.0), ("km", 1000.0)])
def test_a_projected_grid(units: str, factor: float):
    grid = lambert(units, factor)
    latitude, longitude = geographic(grid)
    expected = by_hand(*np.meshgrid(grid.y * factor, grid.x * factor, indexing="ij"))
    np.testing.assert_allclose(latitude, expected[0], atol=1e-7)
    np.testing.assert_allclose(longitude, expected[1], atol=1e-7)
    assert latitude[1, 1] == pytest.approx(56.7)
    y, x = native_positions(grid, latitude, longitude + 360)
    np.testing.assert_allclose(y, np.broadcast_to(grid.y[:, None], y.shape), atol=1e-3 / factor)
    np.testing.assert_allclose(x, np.broadcast_to(grid.x[None], x.shape), atol=1e-3 / factor)


def test_a_grid_of_latitudes_and_longitudes():
    grid = Grid.from_centres(
        np.array([60.0, 59.0]),
        np.array([350.0, 351.0, 352.0]),
        y_attrs={"units": "degrees_north"},
        x_attrs={"standard_name": "longitude"},
    )
    latitude, longitude = geographic(grid)
    assert latitude.tolist() == [[60.0] * 3, [59.0] * 3]
    assert longitude.tolist() == [[350.0, 351.0, 352.0]] * 2
    y, x = native_positions(grid, np.array([59.5]), np.array([-8.5]))
    assert (y.tolist(), x.tolist()) == ([59.5], [351.5])


def test_two_dimensional_coordinates_go_first():
    here = np.full((3, 4), 7.0)
    grid = Grid.from_centres(lambert().y, lambert().x, latitude=here, longitude=-here, crs=LAMBERT)
    assert geographic(grid) == (pytest.approx(here), pytest.approx(-here))


def test_a_grid_that_lies_nowhere():
    assert geographic(Grid.from_centres(np.arange(3.0), np.arange(4.0))) is None


def with_grid_mapping(**attrs) -> xr.Dataset:
    data = xr.Dataset({"t2m": (("y", "x"), np.zeros((2, 2)), {"grid_mapping": "where"})})
    data["where"] = ((), 0, attrs)
    return data


def test_a_cf_grid_mapping():
    data = with_grid_mapping(
        grid_mapping_name="lambert_conformal_conic",
        standard_parallel=np.array([56.7, 56.7]),
        latitude_of_projection_origin=56.7,
        longitude_of_central_meridian=np.float32(25.0),
        earth_radius=RADIUS,
    )
    grid = Grid.from_centres(lambert().y, lambert().x, crs=file_crs(data, data["t2m"]))
    np.testing.assert_allclose(geographic(grid), geographic(lambert()), atol=1e-9)


def test_a_rotated_pole():
    data = with_grid_mapping(
        grid_mapping_name="rotated_latitude_longitude",
        grid_north_pole_latitude=39.25,
        grid_north_pole_longitude=-162.0,
        earth_radius=6371229.0,
    )
    grid = Grid.from_centres(
        np.array([0.0, 10.0]),
        np.array([-5.0, 0.0, 5.0]),
        y_attrs={"units": "degrees"},
        x_attrs={"units": "degrees"},
        crs=file_crs(data, data["t2m"]),
    )
    latitude, longitude = geographic(grid)
    # EURO-CORDEX: the rotated origin lies at 50.75 N, 18 E, and its central column on that meridian.
    assert (latitude[0, 1], longitude[0, 1]) == (pytest.approx(50.75), pytest.approx(18.0))
    assert (latitude[1, 1], longitude[1, 1]) == (pytest.approx(60.75), pytest.approx(18.0))
    y, x = native_positions(grid, latitude, longitude)
    np.testing.assert_allclose(y[:, 1], grid.y, atol=1e-7)
    np.testing.assert_allclose(x[0], grid.x, atol=1e-7)


def test_mappings_that_say_nothing():
    latlon = with_grid_mapping(grid_mapping_name="latitude_longitude")
    assert file_crs(latlon, latlon["t2m"]) is None
    odd = with_grid_mapping(grid_mapping_name="crystal_ball")
    assert file_crs(odd, odd["t2m"]) is None
    bare = with_grid_mapping().drop_vars("where")
    assert file_crs(bare, bare["t2m"]) is None


def test_a_crs_that_cannot_be_read():
    with pytest.raises(DataError, match=r"data\.sources\.a\.crs: 'EPSG:nonsense' is no coordinate reference system"):
        check_crs("EPSG:nonsense", "data.sources.a.crs")


def test_a_rotated_pole_in_a_file(tmp_path: Path):
    y, x = 0.11 * np.arange(-2, 3), 0.11 * np.arange(-3, 4)
    data = xr.Dataset(
        {
            "tas": (("rlat", "rlon"), np.zeros((5, 7), "f4"), {"units": "K", "grid_mapping": "rotated_pole"}),
            "rotated_pole": (
                (),
                0,
                {
                    "grid_mapping_name": "rotated_latitude_longitude",
                    "grid_north_pole_latitude": 39.25,
                    "grid_north_pole_longitude": -162.0,
                },
            ),
        },
        {
            "rlat": ("rlat", y, {"standard_name": "grid_latitude", "units": "degrees"}),
            "rlon": ("rlon", x, {"standard_name": "grid_longitude", "units": "degrees"}),
        },
    )
    data.to_netcdf(tmp_path / "a.nc")
    found = scan_source("a", SourceConfig(files="a.nc", variables={"t2m": {}}), tmp_path, Catalogue.load())
    latitude, longitude = geographic(found.grid)
    assert (latitude[2, 3], longitude[2, 3]) == (pytest.approx(50.75), pytest.approx(18.0))


def test_a_crs_goes_with_borrowed_coordinates(tmp_path: Path):
    xr.Dataset(
        {"t2m": (("y", "x"), np.zeros((3, 4)), {"units": "K"})},
        {"y": ("y", lambert().y, {"units": "m"}), "x": ("x", lambert().x, {"units": "m"})},
    ).to_netcdf(tmp_path / "a.nc")
    np.savez(tmp_path / "b.npz", data=np.zeros((3, 4)))
    first = scan_source("a", SourceConfig(files="a.nc", variables={"t2m": {}}), tmp_path, Catalogue.load())
    assert geographic(first.grid) is None
    config = SourceConfig(files="b.npz", variables={"t2m": {"units": "K"}}, like="a", crs=LAMBERT)
    second = scan_source("b", config, tmp_path, Catalogue.load(), like=first)
    np.testing.assert_allclose(geographic(second.grid), geographic(lambert()))
