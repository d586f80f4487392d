"""A second dataset: other names, descending latitude, packed integers, a noleap calendar; described by YAML alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
import yaml

Command = Callable[..., subprocess.CompletedProcess[str]]

_MODULES = {
    "stride": "stride_app.cli",
    "stride-data": "stride_data.cli",
    "stride-train": "stride_train.cli.train",
    "stride-generate": "stride_train.cli.generate",
    "stride-eval": "stride_eval.cli",
}


@pytest.fixture(scope="session")
def command() -> Command:
    """Runs a console script of the workspace in a process of its own."""

    def call(name: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        code = f"from {_MODULES[name]} import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=300,
            check=False,
        )

    return call


def _times(days: int) -> list[cftime.DatetimeNoLeap]:
    """Days around a 28 February that no 29th follows, in 2004."""
    return [cftime.DatetimeNoLeap(2004, 2, 20, 12) + np.timedelta64(day, "D").astype(object) for day in range(days)]


def build_second_dataset(folder: Path, days: int = 16) -> Path:
    """Writes a regional model's maximum temperature, a coarser driving model's fields, and their experiment file.

    Returns:
        The experiment file.
    """
    rng = np.random.default_rng(5)
    times = _times(days)
    lat, lon = np.arange(58.0, 50.0, -0.25), np.arange(4.0, 14.0, 0.25)  # 32 x 40, north first
    weather = rng.normal(size=(days, 8, 10)).cumsum(axis=0)
    large_scale = 285 + 3 * weather
    height = np.maximum(0, 400 * np.sin(lat[:, None] * 3) * np.cos(lon[None, :] * 2)).astype(np.float32)
    fine = np.kron(large_scale, np.ones((4, 4))) - 0.0065 * height + rng.normal(scale=0.3, size=(days, 32, 40))
    packed = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}
    folder.mkdir(parents=True, exist_ok=True)
    regional = xr.Dataset(
        {
            "TX": (("zeit", "breite", "laenge"), fine - 273.15, {"units": "degC"}),
            "HSURF": (("breite", "laenge"), height, {"units": "m"}),
        },
        coords={
            "zeit": ("zeit", times),
            "breite": ("breite", lat, {"units": "degrees_north"}),
            "laenge": ("laenge", lon, {"units": "degrees_east"}),
        },
    )
    packed_celsius = {**packed, "add_offset": 10.0}
    (folder / "regional").mkdir(exist_ok=True)
    for index, time in enumerate(times):
        one = regional[["TX"]].isel(zeit=[index])
        one.to_netcdf(folder / "regional" / f"RCM_{time.strftime('%Y-%m-%d')}.nc", encoding={"TX": packed_celsius})
    regional[["HSURF"]].to_netcdf(folder / "orography.nc")
    driving = xr.Dataset(
        {
            "tx2": (("t", "nlat", "nlon"), large_scale, {"units": "K"}),
            "psl": (("t", "nlat", "nlon"), 101000 + 500 * weather, {"units": "Pa"}),
        },
        coords={
            "t": ("t", times),
            "nlat": ("nlat", lat.reshape(8, 4).mean(1), {"units": "degrees_north"}),
            "nlon": ("nlon", lon.reshape(10, 4).mean(1), {"units": "degrees_east"}),
        },
    )
    driving.to_netcdf(folder / "driving.nc", encoding={"tx2": packed})
    content: dict[str, Any] = {
        "name": "second",
        "seed": 2,
        "data": {
            "root": ".",
            "sources": {
                "regional": {
                    "files": "regional/RCM_{date:%Y-%m-%d}.nc",
                    "calendar": "noleap",
                    "dims": {"time": "zeit", "y": "breite", "x": "laenge"},
                    "variables": {"tmax": {"name": "TX"}},
                },
                "driving": {
                    "files": "driving.nc",
                    "dims": {"time": "t", "y": "nlat", "x": "nlon"},
                    "variables": {"tmax": {"name": "tx2"}, "msl": {"name": "psl"}},
                },
                "surface": {
                    "files": "orography.nc",
                    "dims": {"y": "breite", "x": "laenge"},
                    "variables": {"orog": {"name": "HSURF"}},
                },
            },
            "target": ["regional.tmax"],
            "dynamic": ["driving.tmax", "driving.msl"],
            "static": ["surface.orog"],
            "region": {"hr": {"south": 51.875, "north": 57.125, "west": 4.875, "east": 10.125}},
            "time_match": "date",
            "splits": {
                "train": {"start": "2004-02-20", "end": "2004-03-01"},
                "val": {"start": "2004-03-02", "end": "2004-03-03"},
                "test": {"start": "2004-03-04", "end": "2004-03-07"},
            },
        },
        "model": {"channels": [8, 16], "blocks": 1, "lr_channels": 8, "lr_blocks": 1, "embedding_channels": 16},
        "train": {
            "budget": "1steps",
            "batch_size": 2,
            "monitor": {"every": "1steps", "cases": 1, "members": 2, "sampler_steps": 2, "quicklook": False},
        },
        "generate": {"members": 3, "sampler": {"steps": 2}, "quantiles": 20},
        "evaluate": {"resamples": 100, "quicklooks": 1, "ranked_dates": []},
    }
    path = folder / "second.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture
def truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the problems of the benchmarks importable as `truth`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))


@pytest.fixture(scope="session")
def second_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment file of the second dataset; not to be changed."""
    return build_second_dataset(tmp_path_factory.mktemp("second"))
