"""Levels and other further dimensions, and variables in files of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from rich.console import Console
from stride_data.config import SourceConfig
from stride_data.discovery.joined_source import JoinedSource
from stride_data.discovery.scan import scan_source
from stride_data.errors import DataError
from stride_data.report.check import check_data
from stride_vars.catalogue import Catalogue
from stride_vars.regions import Box

Y, X = np.arange(4) * 2.0, np.arange(6) * 3.0
LEVELS = (1000, 850, 500)
WHOLE = Box(y=0, x=0, height=4, width=6)


def values(time: int, level: float = 0.0) -> np.ndarray:
    return (200.0 + time + level / 10 + Y[:, None] / 10 + X[None, :] / 100).astype(np.float32)


def coordinates(times) -> dict[str, Any]:
    return {
        "time": ("time", np.array(times), {"units": "days since 2001-01-01", "calendar": "noleap"}),
        "y": ("y", Y, {"units": "km"}),
        "x": ("x", X, {"units": "km"}),
    }


def surface(name: str, times, units: str = "K") -> xr.Dataset:
    data = np.stack([values(time) for time in times])
    return xr.Dataset({name: (("time", "y", "x"), data, {"units": units})}, coordinates(times))


def column(name: str, levels, units: str, factor: float, *, times=range(3), dim: str = "plev", **attrs) -> xr.Dataset:
    data = np.stack([[values(time, level) for level in levels] for time in times])
    there = np.array([level * factor for level in levels], "float32")
    return xr.Dataset(
        {name: (("time", dim, "y", "x"), data, {"units": "K", **attrs})},
        {**coordinates(times), dim: (dim, there, {"units": units} if units else {})},
    )


def scan(root: Path, files: str, variables: dict[str, Any], **others):
    return scan_source("a", SourceConfig(files=files, variables=variables, **others), root, Catalogue.load())


def read(found, key: str, number: int) -> np.ndarray:
    return found.read_box(key, found.times[number], WHOLE)


@pytest.mark.parametrize(
    ("units", "factor", "dim"),
    [
        ("hPa", 1.0, "plev"),
        ("Pa", 100.0, "plev"),
        ("mb", 1.0, "level"),
        ("millibars", 1.0, "level"),
        ("", 1.0, "isobaricInhPa"),
    ],
)
@pytest.mark.parametrize(
    ("name", "attrs"), [("t", {}), ("ta", {}), ("T", {}), ("wibble", {"standard_name": "air_temperature"})]
)
def test_a_level_is_found_by_the_key(tmp_path: Path, units, factor, dim, name, attrs):
    column(name, LEVELS, units, factor, dim=dim, **attrs).to_netcdf(tmp_path / "a.nc")
    found = scan(tmp_path, "a.nc", {"t_850": {}, "t_500": {}})
    assert found.fields["t_850"].name == name
    for number in range(3):
        np.testing.assert_array_equal(read(found, "t_850", number), values(number, 850))
        np.testing.assert_array_equal(read(found, "t_500", number), values(number, 500))


def test_a_level_that_is_not_there(tmp_path: Path):
    column("ta", LEVELS, "Pa", 100.0).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match=r"a\.nc: 'ta' has no plev of 70000 Pa; it has 100000, 85000, 50000, so choose"):
        scan(tmp_path, "a.nc", {"t_700": {}})


def test_levels_may_stand_in_another_order_in_another_file(tmp_path: Path):
    column("ta", LEVELS, "hPa", 1.0, times=[0]).to_netcdf(tmp_path / "ta_20010101.nc")
    column("ta", LEVELS[::-1], "hPa", 1.0, times=[1]).to_netcdf(tmp_path / "ta_20010102.nc")
    column("ta", (1000,), "hPa", 1.0, times=[2]).to_netcdf(tmp_path / "ta_20010103.nc")
    found = scan(tmp_path, "ta_{date:%Y%m%d}.nc", {"t_850": {}})
    np.testing.assert_array_equal(read(found, "t_850", 0), values(0, 850))
    np.testing.assert_array_equal(read(found, "t_850", 1), values(1, 850))
    with pytest.raises(DataError, match=r"ta_20010103\.nc: 'ta' has no plev of 850 hPa; it has 1000"):
        read(found, "t_850", 2)


def test_a_variable_of_one_level_and_others_beside_it(tmp_path: Path):
    """CORDEX: `ta850` with a scalar coordinate; ML-Bench: `t_850`, `t_700`, all with one standard name."""
    data = surface("ta850", range(3)).assign_coords(plev=((), 850.0, {"units": "hPa"}))
    data.to_netcdf(tmp_path / "a.nc")
    np.testing.assert_array_equal(read(scan(tmp_path, "a.nc", {"t_850": {}}), "t_850", 1), values(1))
    with pytest.raises(DataError, match=r"'ta850' has no plev of 700 hPa; it has 850"):
        scan(tmp_path, "a.nc", {"t_700": {"name": "ta850"}})
    many = xr.merge([surface("t_850", range(3)), surface("t_700", range(3)) + 1.0])
    for name in ("t_850", "t_700"):
        many[name].attrs.update(units="K", standard_name="air_temperature")
    many.to_netcdf(tmp_path / "b.nc")
    np.testing.assert_array_equal(read(scan(tmp_path, "b.nc", {"t_700": {}}), "t_700", 1), values(1) + 1.0)
    with pytest.raises(DataError, match="no variable means 't_500'"):
        scan(tmp_path, "b.nc", {"t_500": {}})


def test_further_dimensions_are_selected(tmp_path: Path):
    data = surface("t2m", range(3))["t2m"]
    members = xr.concat([data + number for number in range(3)], xr.Variable("member", ["r1", "r2", "r3"]))
    both = xr.concat([members, members + 10], xr.Variable("height", [2.0, 10.0], {"units": "m"}))
    both.attrs["units"] = "K"
    both.to_dataset(name="t2m").to_netcdf(tmp_path / "a.nc")
    found = scan(tmp_path, "a.nc", {"t2m": {"select": {"member": "r3", "height": 10}}})
    np.testing.assert_array_equal(read(found, "t2m", 1), values(1) + 12.0)
    assert found.origin["variables"]["t2m"]["select"] == {"member": "r3", "height": 10}
    for select, expected in (
        (
            {"member": "r3"},
            r"a further dimension 'height' of length 2; choose one with .*t2m\.select, such as {height: 2",
        ),
        ({"member": "r4", "height": 2}, "'t2m' has no member of r4; it has r1, r2, r3"),
        ({"members": "r1", "height": 2}, r"no dimension 'members', which .*t2m\.select names.*Did you mean 'member'"),
    ):
        with pytest.raises(DataError, match=expected):
            scan(tmp_path, "a.nc", {"t2m": {"select": select}})


def test_dimensions_without_coordinates_are_selected_by_position(tmp_path: Path):
    data = surface("t2m", range(3))["t2m"]
    xr.concat([data, data + 1], "realization").assign_attrs(units="K").to_dataset(name="t2m").to_netcdf(
        tmp_path / "a.nc"
    )
    found = scan(tmp_path, "a.nc", {"t2m": {"select": {"realization": 1}}})
    np.testing.assert_array_equal(read(found, "t2m", 2), values(2) + 1.0)
    with pytest.raises(DataError, match=r"2 places along 'realization', which has no coordinate; set .* one of 0 to 1"):
        scan(tmp_path, "a.nc", {"t2m": {"select": {"realization": 2}}})


# Variables in files of their own


def test_cmip_files_of_one_variable_each(tmp_path: Path):
    for day in (1, 2, 3):
        surface("tas", [day - 1]).to_netcdf(tmp_path / f"tas_day_ACCESS_2001010{day}.nc")
        (surface("psl", [day - 1]) * 100).pipe(lambda d: d.assign(psl=d["psl"].assign_attrs(units="Pa"))).to_netcdf(
            tmp_path / f"psl_day_ACCESS_2001010{day}.nc"
        )
        column("ta", LEVELS, "Pa", 100.0, times=[day - 1]).to_netcdf(tmp_path / f"ta_day_ACCESS_2001010{day}.nc")
    found = scan(tmp_path, "{variable}_day_ACCESS_{date:%Y%m%d}.nc", {"t2m": {}, "msl": {}, "t_850": {}})
    assert isinstance(found, JoinedSource)
    assert found.times == tuple(f"2001-01-0{day}T00:00:00" for day in (1, 2, 3))
    assert {key: field.name for key, field in found.fields.items()} == {"t2m": "tas", "msl": "psl", "t_850": "ta"}
    np.testing.assert_array_equal(read(found, "t2m", 2), values(2))
    np.testing.assert_allclose(read(found, "msl", 1), values(1), rtol=1e-6)
    np.testing.assert_array_equal(read(found, "t_850", 1), values(1, 850))
    assert found.origin["count"] == 9
    assert list(found.origin["units"]) == ["t2m", "msl", "t_850"]


def test_files_of_one_level_each(tmp_path: Path):
    for level in (850, 500):
        surface("ta", range(2)).pipe(lambda d, by=level: d.assign(ta=d["ta"] + by)).pipe(
            lambda d: d.assign(ta=d["ta"].assign_attrs(units="K"))
        ).to_netcdf(tmp_path / f"ta_{level}_200101.nc")
    found = scan(tmp_path, "ta_{level}_{date:%Y%m}.nc", {"t_850": {}, "t_500": {}})
    np.testing.assert_array_equal(read(found, "t_850", 1), values(1) + 850)
    np.testing.assert_array_equal(read(found, "t_500", 0), values(0) + 500)
    with pytest.raises(DataError, match=r"t_700: no file of .* is named after it \(there are 500, 850\)"):
        scan(tmp_path, "ta_{level}_{date:%Y%m}.nc", {"t_700": {}})
    with pytest.raises(DataError, match=r"t2m: is on no pressure level, but .*holds {level}"):
        scan(tmp_path, "ta_{level}_{date:%Y%m}.nc", {"t2m": {}})


def test_times_are_those_that_all_variables_hold(tmp_path: Path):
    surface("tas", range(0, 4)).to_netcdf(tmp_path / "tas.nc")
    surface("psl", range(1, 6), "Pa").to_netcdf(tmp_path / "psl.nc")
    found = scan(tmp_path, "{variable}.nc", {"t2m": {}, "msl": {}})
    assert [time[:10] for time in found.times] == ["2001-01-02", "2001-01-03", "2001-01-04"]
    assert {key: [time[:10] for time in times] for key, times in found.lacking().items()} == {
        "t2m": ["2001-01-05", "2001-01-06"],
        "msl": ["2001-01-01"],
    }
    with pytest.raises(DataError, match="source a has no time 2001-01-01T00:00:00"):
        found.read_box("t2m", "2001-01-01T00:00:00", WHOLE)
    assert not found.has_time("2001-01-01T00:00:00") and found.has_time("2001-01-02T00:00:00")


def test_a_static_variable_beside_timed_ones(tmp_path: Path):
    surface("tas", range(2)).to_netcdf(tmp_path / "tas.nc")
    surface("orog", [0], "m").isel(time=0, drop=True).to_netcdf(tmp_path / "orog.nc")
    found = scan(tmp_path, "{variable}.nc", {"orog": {}, "t2m": {}})
    assert len(found.times) == 2
    np.testing.assert_array_equal(found.read_static_box("orog", WHOLE), values(0))


def test_variable_files_that_do_not_fit(tmp_path: Path):
    surface("tas", range(2)).to_netcdf(tmp_path / "tas.nc")
    surface("psl", range(2), "Pa").assign_coords(x=("x", X + 1, {"units": "km"})).to_netcdf(tmp_path / "psl.nc")
    with pytest.raises(
        DataError, match=r"psl\.nc: its grid differs from that of .*tas\.nc, so msl and t2m cannot share"
    ):
        scan(tmp_path, "{variable}.nc", {"t2m": {}, "msl": {}})
    surface("psl", range(5, 7), "Pa").to_netcdf(tmp_path / "psl.nc")
    with pytest.raises(DataError, match="no time is common to its variables"):
        scan(tmp_path, "{variable}.nc", {"t2m": {}, "msl": {}})
    other = surface("psl", range(2), "Pa")
    other["time"].attrs["calendar"] = "360_day"
    other.to_netcdf(tmp_path / "psl.nc")
    with pytest.raises(DataError, match=r"different calendars, 'noleap' \(t2m\) and '360_day' \(msl\)"):
        scan(tmp_path, "{variable}.nc", {"t2m": {}, "msl": {}})
    surface("t2m", range(2)).to_netcdf(tmp_path / "t2m.nc")
    with pytest.raises(DataError, match=r"variables\.t2m: files named t2m and tas all mean it; set its name"):
        scan(tmp_path, "{variable}.nc", {"t2m": {}})
    np.testing.assert_array_equal(read(scan(tmp_path, "{variable}.nc", {"t2m": {"name": "tas"}}), "t2m", 1), values(1))
    with pytest.raises(DataError, match=r"'{var}' is no placeholder; use {date:%Y%m%d}, {variable} or {level}"):
        scan(tmp_path, "{var}.nc", {"t2m": {}})


def test_names_of_files_that_the_catalogue_does_not_know(tmp_path: Path):
    surface("t2m", range(2)).to_netcdf(tmp_path / "lufttemperatur_200101.nc")
    with pytest.raises(DataError, match=r"no file .* is named after it \(there are lufttemperatur\); set its name"):
        scan(tmp_path, "{variable}_{date:%Y%m}.nc", {"t2m": {}})


# Notes of the check


def test_notes_about_times(tmp_path: Path):
    surface("tas", [*range(0, 5), *range(7, 12)]).to_netcdf(tmp_path / "tas.nc")
    surface("psl", range(1, 12), "Pa").to_netcdf(tmp_path / "psl.nc")
    xr.concat([surface("tas", range(0, 14)), surface("tas", [5, 6])], "time").to_netcdf(tmp_path / "coarse.nc")
    section = {
        "root": str(tmp_path),
        "sources": {
            "fine": {"files": "{variable}.nc", "variables": {"t2m": {}, "msl": {}}},
            "coarse": {"files": "coarse.nc", "variables": {"t2m": {}}, "block_average": 2, "duplicates": "first"},
        },
        "target": ["fine.t2m", "fine.msl"],
        "dynamic": ["coarse.t2m"],
        "splits": {"train": {"random": 0.7}, "val": {"random": 0.3}},
        "split_block": "2 days",
        "split_seed": 2,
    }
    path = tmp_path / "data.yaml"
    path.write_text(yaml.safe_dump(section))
    console = Console(record=True, width=250)
    check_data(path, [], read_all=False, console=console)
    printed = console.export_text()
    for note in (
        "fine lacks 2 times in 1 gap of its record every day: 2001-01-06, 2001-01-07.",
        "5 times of coarse are not in fine: 2001-01-01, 2001-01-06, 2001-01-07, ...",
        "2 repeated times of coarse: the first of each is kept.",
        "1 times of fine have no file of msl: 2001-01-01.",
        "2 times of fine have no file of t2m: 2001-01-06, 2001-01-07.",
        "lie within a day of a time of val",
    ):
        assert note in printed
