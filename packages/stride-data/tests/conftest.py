"""Small archives with known content, and the configurations that read them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

DAYS = ("2001-01-01", "2001-01-02", "2001-01-03", "2001-01-04", "2002-01-01", "2002-01-02")


def hr_field(y: np.ndarray, x: np.ndarray, day: int) -> np.ndarray:
    """Precipitation in mm per day as a known function of coordinates in metres and the day's number."""
    return 1.0 + y[:, None] / 4000.0 + x[None, :] / 9000.0 + 3.0 * day


@pytest.fixture
def known_field() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    return hr_field


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Per-day HR files (24 x 36 cells of 1 km, mm) and the same field in metres for an LR source; static fields."""
    import xarray as xr

    root = tmp_path_factory.mktemp("small")
    for folder in ("hr", "lr", "ground"):
        (root / folder).mkdir()
    y, x = np.arange(24) * 1000.0, np.arange(36) * 1000.0
    coords = {"y": ("y", y, {"units": "m", "axis": "Y"}), "x": ("x", x, {"units": "m", "axis": "X"})}
    for day, date in enumerate(DAYS):
        values = hr_field(y, x, day)
        time = ("time", [np.datetime64(date, "D").astype("datetime64[ns]")])
        for folder, name, data, units in (("hr", "tp_tot", values, "mm"), ("lr", "tp", values / 1000.0, "m")):
            dataset = xr.Dataset(
                {name: (("time", "y", "x"), data[None], {"units": units})}, coords={**coords, "time": time}
            )
            dataset.to_netcdf(root / folder / f"{name}_{date.replace('-', '')}.nc")
    height = np.where(x[None, :] > 20000, 100.0, -3.0) + 0.0 * y[:, None]
    xr.Dataset(
        {
            "topo": (("y", "x"), height, {"units": "m"}),
            "lsm": (("y", "x"), (height > 0).astype(float), {"units": "1"}),
        },
        coords=coords,
    ).to_netcdf(root / "ground" / "topo_lsm.nc")
    return root


@pytest.fixture
def small_config(small_root: Path) -> dict[str, Any]:
    """The ``data`` section that reads ``small_root``; a fresh dictionary that a test may change."""
    return {
        "root": str(small_root),
        "sources": {
            "fine": {
                "files": "hr/tp_tot_{date:%Y%m%d}.nc",
                "variables": {"prcp": {"name": "tp_tot", "accumulation": "1 day"}},
            },
            "coarse": {
                "files": "lr/tp_{date:%Y%m%d}.nc",
                "variables": {"prcp": {"accumulation": "1 day"}},
                "block_average": 4,
            },
            "ground": {
                "files": "ground/topo_lsm.nc",
                "variables": {"orog": {"name": "topo", "valid_min": 0.0}, "lsm": None},
            },
        },
        "target": ["fine.prcp"],
        "dynamic": ["coarse.prcp"],
        "static": ["ground.orog", "ground.lsm"],
        "region": {
            "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
            "shuffle": {"y": 0, "x": 0, "height": 24, "width": 36},
        },
        "splits": {"train": {"years": [2001, 2001]}, "val": {"years": [2002, 2002]}, "test": {"same_as": "val"}},
    }


@pytest.fixture
def build() -> Callable[..., Any]:
    """Build an adapter from a ``data`` section; with statistics of its own unless told otherwise."""
    from stride_data.adapter import GriddedAdapter
    from stride_data.config import validate_data_config

    def make(section: dict[str, Any], *, scaled: bool = True) -> GriddedAdapter:
        adapter = GriddedAdapter.from_config(validate_data_config(section, "test"))
        if scaled:
            adapter.load_statistics(adapter.compute_statistics())
        return adapter

    return make


@pytest.fixture
def write_yaml(tmp_path: Path) -> Callable[..., Path]:
    def write(content: dict[str, Any], name: str = "data.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


FOREIGN_YAML = """\
data:
  sources:
    regional:
      files: regional/niederschlag_*.nc
      variables:
        prcp: {name: niederschlag}
        orog: {name: hoehe}
      dims: {time: zeit, y: breite, x: laenge}
    global:
      files: global_modell.nc
      variables:
        t2m: {name: temperatur}
        prcp: {name: regenmenge, accumulation: 6 hours}
      dims: {time: zeit, y: breite, x: laenge}
  time_match: date
  target: [regional.prcp]
  dynamic: [global.prcp, global.t2m]
  static: [regional.orog]
  region:
    hr: {south: 50, north: 56.1, west: 2, east: 9.9}
    shuffle: {south: 48, north: 58, west: 0, east: 16}
  splits:
    train: {start: 2003-02-24, end: 2003-02-28}
    val: {start: 2003-03-01}
"""


@pytest.fixture(scope="session")
def write_foreign_archive() -> Callable[[Path], Path]:
    """Writes a dataset that shares no name with the real ones, and its YAML file, whose path it returns.

    Noleap calendar across the end of February, descending latitude, packed integers with a fill value, other variable,
    dimension and file names, rates against six-hour amounts, kilometres, degrees Celsius, another hour of the day.
    HR cells are 0.25 degrees, LR cells 1 degree on a grid that reaches further than the HR grid.
    """

    def write(folder: Path) -> Path:
        import netCDF4

        (folder / "regional").mkdir(parents=True)
        fine = (58.0 - 0.125 - 0.25 * np.arange(40), 0.125 + 0.25 * np.arange(64))
        coarse = (60.5 - 1.0 * np.arange(14), -1.5 + 1.0 * np.arange(20))

        def rain(latitude: np.ndarray, longitude: np.ndarray, day: int) -> np.ndarray:
            return 2.0 + 0.05 * (latitude[:, None] - 48.0) + 0.03 * longitude[None, :] + 0.5 * day

        def new(path: Path, grid: tuple[np.ndarray, np.ndarray], hours: list[float]) -> netCDF4.Dataset:
            file = netCDF4.Dataset(path, "w")
            file.createDimension("zeit", len(hours))
            time = file.createVariable("zeit", "f8", ("zeit",))
            time.units, time.calendar = "hours since 2003-02-24 00:00:00", "noleap"
            time[:] = hours
            for name, values, units in (("breite", grid[0], "degrees_north"), ("laenge", grid[1], "degrees_east")):
                file.createDimension(name, values.size)
                file.createVariable(name, "f8", (name,)).units = units
                file[name][:] = values
            return file

        def pack(file: netCDF4.Dataset, name: str, units: str, scale: float, offset: float) -> netCDF4.Variable:
            variable = file.createVariable(name, "i2", ("zeit", "breite", "laenge"), fill_value=-32768)
            variable.units, variable.scale_factor, variable.add_offset = units, scale, offset
            return variable

        for part, days in enumerate((range(0, 4), range(4, 8))):
            with new(folder / "regional" / f"niederschlag_{part}.nc", fine, [24.0 * d + 12 for d in days]) as file:
                packed = pack(file, "niederschlag", "kg m-2 s-1", 4e-9, 0.0)
                packed[:] = np.stack([rain(*fine, day) / 86400.0 for day in days])
                packed[0, 0, 0] = np.ma.masked
                height = file.createVariable("hoehe", "f4", ("breite", "laenge"))
                height.units = "km"
                height[:] = 0.1 + 0.01 * fine[1][None, :] + 0.0 * fine[0][:, None]
        with new(folder / "global_modell.nc", coarse, [24.0 * d for d in range(8)]) as file:
            packed = pack(file, "regenmenge", "mm", 1e-4, 2.0)
            packed[:] = np.stack([rain(*coarse, day) / 4.0 for day in range(8)])
            temperature = pack(file, "temperatur", "degC", 0.01, 5.0)
            temperature[:] = np.stack(
                [10.0 - 0.2 * (coarse[0][:, None] - 50.0) + 0.0 * coarse[1][None, :] + day for day in range(8)]
            )
        path = folder / "foreign.yaml"
        path.write_text(FOREIGN_YAML)
        return path

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("STRIDE_REALDATA")
    if not folder:
        pytest.skip("STRIDE_REALDATA is not set")
    return Path(folder)
