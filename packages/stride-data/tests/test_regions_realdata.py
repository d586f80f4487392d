"""Boxes across Greenwich on the real global grid, and over Denmark with a larger domain around."""

import numpy as np
import pytest
from stride_vars.regions import Box

pytestmark = pytest.mark.realdata


def test_europe_across_the_seam(build, real_data):
    import xarray as xr

    file = "era5_1deg_sample.nc"
    variables = {"t2m": {}, "orog": {"name": "topo"}}
    adapter = build(
        {
            "root": str(real_data),
            "sources": {
                "fine": {"files": file, "variables": variables},
                "coarse": {"files": file, "variables": variables, "block_average": 4},
                "wide": {"files": file, "variables": variables, "block_average": 12},
            },
            "target": ["fine.t2m"],
            "dynamic": ["coarse.t2m"],
            "static": ["fine.orog"],
            "context": ["wide.t2m"],
            "region": {
                "hr": {"south": 42, "north": 66.6, "west": -13, "east": 12},
                "shuffle": {"south": 20, "north": 75, "west": -40, "east": 60},
                "lr_margin": 1,
                "context": {"margin": 12},
            },
            "splits": {"train": {"start": "2026-03-25"}},
        },
        scaled=False,
    )
    with xr.open_dataset(real_data / file) as data:
        east = data.assign_coords(longitude=(data.longitude + 180) % 360 - 180).sortby("longitude").load()
    time = adapter.times("train")[0]
    for index in range(4):
        found = adapter.fields(time, adapter.crop(0, 0, index))
        latitude, longitude = found.coords["latitude"][1], found.coords["longitude"][1]
        assert longitude[0] >= -40
        here = east.sel(latitude=latitude, longitude=longitude)
        np.testing.assert_allclose(found.target[0], here["t2m"].isel(time=0).values, rtol=1e-6)
        np.testing.assert_allclose(found.static[0], here["topo"].values, rtol=1e-6)
        for fields, prefix, cells in ((found.dynamic, "lr_", 4), (found.context, "context_", 12)):
            latitude, longitude = found.coords[f"{prefix}latitude"][1], found.coords[f"{prefix}longitude"][1]
            inner = np.arange(cells) - (cells - 1) / 2
            rows, columns = (latitude[:, None] - inner).ravel(), (longitude[:, None] + inner).ravel()
            block = east["t2m"].isel(time=0).sel(latitude=rows, longitude=columns).values
            block = block.reshape(latitude.size, cells, longitude.size, cells).mean(axis=(1, 3), dtype=np.float64)
            np.testing.assert_allclose(fields[0], block, rtol=1e-6)


def test_denmark_with_a_larger_domain(build, real_data):
    days = {"files": "era5/tp_589x789_{date:%Y%m%d}.nc", "variables": {"prcp": {"name": "tp", "accumulation": "1 day"}}}
    adapter = build(
        {
            "root": str(real_data / "danra_era5_small"),
            "sources": {
                "danra": {
                    "files": "danra/tp_tot_{date:%Y%m%d}.nc",
                    "variables": {"prcp": {"name": "tp_tot", "accumulation": "1 day", "valid_min": 0.0}},
                },
                "era5": {**days, "block_average": 12},
                "wide": {**days, "block_average": 24},
            },
            "target": ["danra.prcp"],
            "dynamic": ["era5.prcp"],
            "context": ["wide.prcp"],
            "region": {
                "hr": {"y": 192, "x": 360, "height": 144, "width": 144},
                "lr": {"y": 15, "x": 26, "height": 15, "width": 17},
                "context": {"south": 240, "north": 960, "west": 540, "east": 1740, "units": "km"},
            },
            "splits": {"train": {"years": [1991, 1991]}},
        },
        scaled=False,
    )
    assert adapter.lr_margins == (1, 2, 4, 1)
    assert adapter.region.context == Box(y=4, x=9, height=12, width=20)
    found = adapter.fields(adapter.times("train")[0])
    # Each context cell is the mean of the 2 x 2 LR cells under it.
    lr = found.dynamic[0][1:13, :]  # from row 16 on, under context rows 8 to 13
    blocks = lr.reshape(6, 2, 17, 1)[:, :, :16].reshape(6, 2, 8, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(found.context[0][4:10, 4:12], blocks, rtol=1e-5)
