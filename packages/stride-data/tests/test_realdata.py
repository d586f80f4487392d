"""The real archives: DANRA with interpolated ERA5, the user's .npz days, and the 1-degree sample."""

import copy

import numpy as np
import pytest
from stride_vars.regions import Box

pytestmark = pytest.mark.realdata

DANRA = {
    "sources": {
        "danra": {
            "files": "danra/tp_tot_{date:%Y%m%d}.nc",
            "variables": {"prcp": {"name": "tp_tot", "units": "mm", "accumulation": "1 day"}},
        },
        "era5": {
            "files": "era5/tp_589x789_{date:%Y%m%d}.nc",
            "variables": {"prcp": {"name": "tp", "accumulation": "1 day"}},
            "block_average": 12,
        },
        "ground": {
            "files": "static/topo_lsm.nc",
            "variables": {"orog": {"name": "topo", "valid_min": 0.0}, "lsm": {}},
        },
    },
    "target": ["danra.prcp"],
    "dynamic": ["era5.prcp"],
    "static": ["ground.orog", "ground.lsm"],
    "region": {
        "hr": {"y": 240, "x": 360, "height": 144, "width": 144},
        "shuffle": {"y": 0, "x": 0, "height": 384, "width": 780},
    },
    "splits": {"train": {"years": [1991, 2012]}, "val": {"years": [2013, 2015]}, "test": {"same_as": "val"}},
}


@pytest.fixture
def danra(real_data):
    return {"root": str(real_data / "danra_era5_small"), **copy.deepcopy(DANRA)}


def raw(section):
    """The same experiment on the .npz days: files, coordinates and splits differ, and nothing else."""
    section["sources"]["danra"].update(
        files="raw_npz/danra/tp_tot_{date:%Y%m%d}.npz", npz_key="data", spacing={"y": 2500.0, "x": 2500.0}
    )
    section["sources"]["danra"]["variables"]["prcp"] = {"units": "mm", "accumulation": "1 day", "valid_min": 0.0}
    section["sources"]["era5"].update(files="raw_npz/era5/tp_589x789_{date:%Y%m%d}.npz", npz_key="data", like="danra")
    section["sources"]["era5"]["variables"]["prcp"] = {"units": "m", "accumulation": "1 day"}
    section["splits"] = {"train": {"years": [1991, 1991]}, "val": {"years": [1992, 1992]}}
    return section


def test_scanning_opens_one_file_per_source(build, danra, monkeypatch):
    import xarray as xr

    opened = []
    original = xr.open_dataset
    monkeypatch.setattr(xr, "open_dataset", lambda path, **options: opened.append(path) or original(path, **options))
    adapter = build(danra, scaled=False)
    assert len(opened) == len(set(opened)) == 3
    assert [len(adapter.times(split)) for split in ("train", "val")] == [70, 10]
    assert adapter.sources["era5"].grid.shape == (32, 65)
    assert adapter.geometry.domain == Box(y=0, x=0, height=384, width=780)


def test_units_and_blocks(build, danra, real_data):
    import xarray as xr

    adapter = build(danra, scaled=False)
    found = adapter.fields("1991-02-03T00:00:00", Box(y=0, x=0, height=384, width=780))
    with xr.open_dataset(real_data / "danra_era5_small/danra/tp_tot_19910203.nc") as data:
        np.testing.assert_allclose(found.target[0], data["tp_tot"].values[0], rtol=1e-6)
    with xr.open_dataset(real_data / "danra_era5_small/era5/tp_589x789_19910203.nc") as data:
        metres = data["tp"].values[0].astype(np.float64)
    blocks = 1000 * metres[:, :780].reshape(32, 12, 65, 12).mean(axis=(1, 3))
    np.testing.assert_allclose(found.dynamic[0], blocks, rtol=1e-5)
    assert found.static[0].min() == 0


def test_the_same_experiment_reads_npz_days(build, danra):
    adapter = build(raw(copy.deepcopy(danra)))
    assert adapter.sources["era5"].grid.shape == (49, 65)
    files = build(danra, scaled=False)
    day = adapter.times("train")[0]
    npz, netcdf = adapter.fields(day), files.fields(day)
    np.testing.assert_allclose(npz.target, netcdf.target, atol=0.0051)  # the NetCDF files are packed to 0.01 mm
    np.testing.assert_allclose(npz.dynamic, netcdf.dynamic, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(npz.static, netcdf.static)
    np.testing.assert_array_equal(npz.coords["y"][1], netcdf.coords["y"][1])
    assert adapter.sample(day)["mask"].all()


def test_npz_days_need_what_the_files_do_not_tell(build, danra):
    from stride_data.errors import DataError

    section = raw(danra)
    del section["sources"]["danra"]["variables"]["prcp"]["valid_min"]
    with pytest.raises(DataError, match=r"negative values down to .*valid_min: 0"):
        build(section)
    # ERA5 is missing in the south-east of the full grid; statics are left out, for they end before.
    section["sources"]["danra"]["variables"]["prcp"]["valid_min"] = 0.0
    section["static"] = []
    section["region"] = {"hr": {"y": 444, "x": 600, "height": 144, "width": 144}}
    with pytest.raises(DataError, match=r"144 of 144 values of era5\.prcp are missing"):
        build(section)


def test_the_one_degree_sample(build, real_data):
    adapter = build(
        {
            "root": str(real_data),
            "sources": {
                "era5": {
                    "files": "era5_1deg_sample.nc",
                    "variables": {"prcp": {"accumulation": "1 hour"}, "orog": {"name": "topo"}, "lsm": {}},
                },
                "era5_lr": {
                    "files": "era5_1deg_sample.nc",
                    "variables": {"prcp": {"accumulation": "1 hour"}, "t2m": {}, "u10": {}},
                    "block_average": 4,
                },
            },
            "target": ["era5.prcp"],
            "dynamic": ["era5_lr.prcp", "era5_lr.t2m", "era5_lr.u10"],
            "static": ["era5.orog", "era5.lsm"],
            "region": {"shuffle": None, "hr": {"south": 30, "north": 70, "west": 0, "east": 60}},
            "splits": {"train": {"end": "2026-03-29"}, "val": {"start": "2026-03-30"}},
        }
    )
    assert adapter.sources["era5_lr"].grid.shape == (45, 90)
    assert adapter.geometry.domain == Box(y=0, x=0, height=180, width=360)
    assert adapter.region.hr == Box(y=20, x=0, height=40, width=60)
    found = adapter.fields(adapter.times("val")[0])
    blocks = found.target[0].reshape(10, 4, 15, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(found.dynamic[0], blocks, rtol=1e-5, atol=1e-6)
    assert found.coords["latitude"][1][0] == 70.0
    assert found.coords["lr_latitude"][1][0] == 68.5
    assert 200 < found.dynamic[1].min() < found.dynamic[1].max() < 330


def test_danras_projection_puts_mountains_and_land_where_they_are(build, danra):
    """Coordinates of the grid's own projection: the highest cell is Galdhopiggen, land is where places are."""
    danra["sources"]["danra"] |= {
        "spacing": {"y": -2500.0, "x": 2500.0, "y0": 860500.0, "x0": -1999500.0},
        "crs": "+proj=lcc +lat_0=56.7 +lat_1=56.7 +lat_2=56.7 +lon_0=25 +R=6367470 +units=m",
    }
    danra["sources"]["era5"]["like"] = danra["sources"]["ground"]["like"] = "danra"
    danra["region"] = {"hr": {"y": 0, "x": 0, "height": 384, "width": 780}}
    adapter = build(danra, scaled=False)
    coords, static = adapter.hr_coords(), adapter.fields(adapter.times("train")[0]).static
    (_, latitude, _), (_, longitude, _) = coords["latitude"], coords["longitude"]
    highest = np.unravel_index(static[0].argmax(), static[0].shape)
    assert (latitude[highest], longitude[highest]) == pytest.approx((61.636, 8.312), abs=0.03)
    for place, land in {(59.91, 10.75): 1, (56.15, 10.2): 1, (58.0, 4.0): 0, (57.0, 19.9): 0}.items():
        nearest = np.hypot(latitude - place[0], (longitude - place[1]) * 0.55).argmin()
        assert static[1].ravel()[nearest] == land, place
    box = {"south": 54.9, "north": 57.8, "west": 8.0, "east": 12.7, "units": "degrees"}
    danra["region"] = {"hr": box}
    denmark = build(danra, scaled=False)
    south, north = denmark.hr_coords()["latitude"][1].min(), denmark.hr_coords()["latitude"][1].max()
    assert 54.0 < south < 56.0 < north < 58.5  # the archive ends at about 55.4 in the south
