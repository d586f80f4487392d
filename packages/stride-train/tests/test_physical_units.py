"""Targets, conditioning and statics of a saved ensemble are the source files' values in canonical units."""

import numpy as np
import xarray as xr
import yaml
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder

SIZE, DAYS = 16, 6


def archive(folder):
    """Metres a day, degrees Celsius, pascal, per cent and kilometres, packed, from the north; sea is missing."""
    rng = np.random.default_rng(2)
    shape = (DAYS, SIZE, SIZE)
    rain = rng.gamma(0.5, 0.004, shape)
    rain[:, :3, 4:7] = np.nan
    coords = {
        "time": ("time", np.arange(DAYS), {"units": "days since 2001-01-01", "calendar": "noleap"}),
        "lat": ("lat", 58.0 - 0.1 * np.arange(SIZE), {"units": "degrees_north"}),
        "lon": ("lon", 8.0 + 0.1 * np.arange(SIZE), {"units": "degrees_east"}),
    }
    dims = ("time", "lat", "lon")
    fields = xr.Dataset(
        {
            "tp": (dims, rain, {"units": "m"}),
            "tas": (dims, rng.normal(8.0, 6.0, shape), {"units": "degC"}),
            "psl": (dims, rng.normal(101300.0, 900.0, shape), {"units": "Pa"}),
            "height": (dims[1:], rng.gamma(2.0, 0.1, shape[1:]), {"units": "km"}),
            "land": (dims[1:], rng.uniform(0.0, 100.0, shape[1:]), {"units": "%"}),
        },
        coords,
    )
    packed = {"dtype": "int32", "scale_factor": 1e-7, "_FillValue": -(2**31)}
    fields.to_netcdf(folder / "fields.nc", encoding={"tp": packed})
    return xr.open_dataset(folder / "fields.nc", decode_times=False).load()


def test_what_is_saved_is_what_the_files_hold(tmp_path):
    source = archive(tmp_path)
    both = {"prcp": {"name": "tp", "accumulation": "1 day"}, "t2m": {"name": "tas"}}
    content = {
        "name": "units",
        "data": {
            "root": ".",
            "sources": {
                "fine": {
                    "files": "fields.nc",
                    "variables": {
                        **both,
                        "orog": {"name": "height"},
                        "lsm": {"name": "land"},
                    },
                },
                "coarse": {"files": "fields.nc", "block_average": 4, "variables": {**both, "msl": {"name": "psl"}}},
            },
            "target": ["fine.prcp", "fine.t2m"],
            "dynamic": ["coarse.msl", "coarse.t2m", "coarse.prcp"],
            "missing_conditioning": 0.0,
            "static": ["fine.orog", "fine.lsm"],
            "region": {"hr": {"y": 0, "x": 4, "height": 8, "width": 12}},
            "splits": {"train": {"end": "2001-01-04"}, "test": {"start": "2001-01-05"}},
        },
    }
    run = RunFolder(tmp_path / "run")
    run.create()
    (tmp_path / "units.yaml").write_text(yaml.safe_dump(content))
    saved = xr.open_datatree(generate(run, load_experiment(tmp_path / "units.yaml"), "interpolated"), engine="zarr")

    box = source.isel(time=slice(4, 6), lat=slice(0, 8), lon=slice(4, 16))
    blocks = box.coarsen(lat=4, lon=4).mean()
    expected = {
        "target/prcp": (1000.0 * box.tp, "mm day-1"),
        "target/t2m": (box.tas + 273.15, "K"),
        "static/orog": (1000.0 * box.height, "m"),
        "static/lsm": (box.land / 100.0, "1"),
        "conditioning/msl": (blocks.psl / 100.0, "hPa"),
        "conditioning/t2m": (blocks.tas + 273.15, "K"),
    }
    for name, (values, units) in expected.items():
        np.testing.assert_allclose(saved[name], values, rtol=2e-6, atol=1e-6, err_msg=name)
        assert saved[name].attrs["units"] == units
    assert np.isnan(saved["target/prcp"].values[:, :3, :3]).all() and not np.isnan(saved["target/t2m"]).any()
    assert saved["target"].time.dt.calendar == "noleap"
