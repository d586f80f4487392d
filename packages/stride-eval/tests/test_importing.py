"""An ensemble with names, units, packing and orders of its own, and the same fields saved natively: equal scores."""

import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
import yaml
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.importing.run import check_import, import_ensemble
from stride_eval.reading import open_ensemble
from stride_eval.runner import evaluate
from stride_vars.errors import StrideError

TIMES, MEMBERS, ROWS, COLUMNS = 5, 3, 6, 8
LATITUDE = np.linspace(58.0, 53.0, ROWS)
LONGITUDE = np.linspace(4.0, 11.0, COLUMNS)
RNG = np.random.default_rng(4)
STEP = 1e-4  # mm: what the packed integers resolve
FIELDS = np.round(RNG.gamma(0.6, 4.0, (TIMES, MEMBERS + 1, ROWS, COLUMNS)) / STEP) * STEP
"""mm day-1: the members, and last the observed field."""


def write_members(
    path: Path, *, members=slice(0, MEMBERS), days=range(TIMES), units="days since 2014-06-01", **how
) -> Path:
    """Metres in packed 32-bit integers, members first, latitudes from the north; one value is missing."""
    with netCDF4.Dataset(path, "w") as file:
        fields = FIELDS[list(days), members]
        for name, size in (("realization", fields.shape[1]), ("t", len(days)), ("lat", ROWS), ("lon", COLUMNS)):
            file.createDimension(name, size)
        for name, values, attrs in (
            ("t", list(days), {"units": units, "calendar": how.get("calendar", "standard")}),
            ("lat", LATITUDE, {"units": "degrees_north"}),
            ("lon", LONGITUDE, {"units": "degrees_east"}),
        ):
            file.createVariable(name, "f8", (name,))[:] = values
            file[name].setncatts(attrs)
        packed = file.createVariable("RR24", "i4", ("realization", "t", "lat", "lon"), fill_value=-(2**31))
        packed.setncatts({"units": "m", "scale_factor": STEP / 1000, "add_offset": 0.0})
        packed[:] = np.ma.masked_equal(np.swapaxes(fields, 0, 1) / 1000, 1e9)
        packed[0, 0, 0, 0] = np.ma.masked
    return path


def write_observed(path: Path, *, days=range(TIMES), flipped=True, hour=0, shift=0.0) -> Path:
    """Millimetres, latitudes from the south, columns first, longitudes counted the other way round."""
    order = slice(None, None, -1 if flipped else 1)
    field = FIELDS[list(days), MEMBERS][:, order]
    xr.Dataset(
        {
            "precip": (
                ("lon", "lat", "time"),
                np.moveaxis(field, (1, 2), (1, 0)).transpose(0, 1, 2) if False else field.transpose(2, 1, 0),
                {"units": "mm/day"},
            )
        },
        {
            "time": ("time", [24 * day + hour for day in days], {"units": "hours since 2014-06-01"}),
            "lat": ("lat", LATITUDE[order] + shift, {"standard_name": "latitude", "units": "degrees_north"}),
            "lon": ("lon", LONGITUDE + 360, {"units": "degrees_east"}),
        },
    ).to_netcdf(path)
    return path


NAMES = {
    "ensemble": {"files": "fc.nc", "variables": {"prcp": {"name": "RR24", "accumulation": "1 day"}}},
    "target": {"files": "obs.nc", "variables": {"prcp": {}}},
}


def names_file(folder: Path, **changes) -> Path:
    content = {**json.loads(json.dumps(NAMES)), **changes}
    path = folder / "names.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


@pytest.fixture
def foreign(tmp_path):
    write_members(tmp_path / "fc.nc")
    write_observed(tmp_path / "obs.nc")
    return tmp_path


def imported(names: Path, out: Path) -> list[str]:
    return list(import_ensemble(names, out))


def native_fields():
    members, observed = FIELDS[:, :MEMBERS].copy(), FIELDS[:, MEMBERS]
    members[0, 0, 0, 0] = np.nan
    return members, observed


@pytest.mark.parametrize("ending", ["zarr", "nc"])
def test_fields_are_those_of_the_files_in_canonical_units(foreign, ending):
    lines = imported(names_file(foreign), foreign / f"theirs.{ending}")
    assert any("ensemble/prcp: 0.139 % of the values are missing" in line for line in lines)
    found = read(foreign / f"theirs.{ending}")
    np.testing.assert_allclose(found.ensemble["prcp"], native_fields()[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.groups["target"]["prcp"], native_fields()[1], rtol=1e-6)
    np.testing.assert_array_equal(found.ensemble["y"], LATITUDE)
    assert found.times[0] == "2014-06-01T00:00:00"
    assert found.attrs["history"].endswith("written by stride-eval import")


def test_scores_equal_those_of_the_same_fields_saved_natively(foreign, saved):
    imported(names_file(foreign), foreign / "theirs.zarr")
    axes = {"y": ("y", LATITUDE, {"units": "degrees_north"}), "x": ("x", LONGITUDE, {"units": "degrees_east"})}
    native = saved.write(foreign / "native.zarr", *native_fields(), **axes)
    config = EvalConfig(mode="metrics", families=("probabilistic", "distributions"), resamples=100)
    theirs, ours = (
        evaluate({"a": path}, config, foreign / path.stem).summary["a"]["prcp"]
        for path in (foreign / "theirs.zarr", native)
    )
    assert theirs.keys() == ours.keys() and "crps" in ours
    for name, score in ours.items():
        assert theirs[name]["value"] == pytest.approx(score["value"], rel=1e-5), name


def read(path):
    return open_ensemble("theirs", path)


def test_each_member_in_files_of_its_own_and_dates_in_their_names(tmp_path):
    """Ten members would sort as text: 10 before 2."""
    labels = ["1", "2", "10"]
    for day in range(TIMES):
        for number, label in enumerate(labels):
            (tmp_path / f"m{label}").mkdir(exist_ok=True)
            path = tmp_path / f"m{label}" / f"fc_201406{day + 1:02d}.nc"
            write_members(path, members=slice(number, number + 1), days=[day], units="days since 1900-01-01")
    write_observed(tmp_path / "obs.nc")
    ensemble = {**NAMES["ensemble"], "files": "m{member}/fc_{date:%Y%m%d}.nc"}
    imported(names_file(tmp_path, ensemble=ensemble), tmp_path / "theirs.zarr")
    found = read(tmp_path / "theirs.zarr")
    assert found.ensemble["member"].values.tolist() == [1, 2, 10]
    assert found.times[-1] == "2014-06-05T00:00:00"
    expected = FIELDS[:, :MEMBERS].copy()
    expected[:, :, 0, 0] = np.nan  # each file's first value is the missing one
    np.testing.assert_allclose(found.ensemble["prcp"], expected, rtol=1e-6, atol=1e-9)


def test_observations_beside_the_members(tmp_path):
    """One file per date of members and observation, members under names."""
    names = ["r1i1p1f1", "r2i1p1f1", "r3i1p1f1"]
    for day in range(TIMES):
        stamp = {"time": ("time", [float(day)], {"units": "days since 2014-06-01", "calendar": "360_day"})}
        coords = {"y": ("y", LATITUDE, {"units": "degrees_north"}), "x": ("x", LONGITUDE, {"units": "degrees_east"})}
        xr.Dataset(
            {
                "pr": (("time", "ens", "y", "x"), FIELDS[[day], :MEMBERS] / 86400, {"units": "kg m-2 s-1"}),
                "seen": (("time", "y", "x"), FIELDS[[day], MEMBERS], {"units": "mm day-1"}),
            },
            {**coords, **stamp, "ens": names},
        ).to_netcdf(tmp_path / f"case{day}.nc")
    ensemble = {"files": ["case[0-2].nc", "case[34].nc"], "variables": {"prcp": {}}}
    path = names_file(tmp_path, ensemble=ensemble, target={"variables": {"prcp": {"name": "seen"}}})
    imported(path, tmp_path / "theirs.zarr")
    found = read(tmp_path / "theirs.zarr")
    np.testing.assert_allclose(found.ensemble["prcp"], FIELDS[:, :MEMBERS], rtol=1e-5)
    np.testing.assert_allclose(found.groups["target"]["prcp"], FIELDS[:, MEMBERS], rtol=1e-5)
    assert found.ensemble["member"].attrs["member_labels"] == " ".join(names)
    assert found.ensemble["time"].values[0].calendar == "360_day"


def test_a_zarr_store_with_a_projection_and_conditioning_and_statics(tmp_path, saved):
    """Latitudes and longitudes in two dimensions, the mapping kept; the low resolution on a grid of its own."""
    y, x = 2500.0 * np.arange(ROWS), 2500.0 * np.arange(COLUMNS)
    longitude, latitude = np.meshgrid(LONGITUDE, LATITUDE)
    mapping = {"grid_mapping_name": "lambert_conformal_conic", "standard_parallel": 56.7, "earth_radius": 6371229.0}
    time = ("time", np.arange(TIMES), {"units": "days since 2014-06-01"})
    coords = {"time": time, "yc": ("yc", y, {"units": "m"}), "xc": ("xc", x, {"units": "m"})}
    there = {"lat": (("yc", "xc"), latitude), "lon": (("yc", "xc"), longitude), "proj": ((), 0, mapping)}
    attrs = {"units": "mm/day", "grid_mapping": "proj"}
    xr.Dataset({"rr": (("time", "number", "yc", "xc"), FIELDS[:, :MEMBERS], attrs), **there}, coords).to_zarr(
        tmp_path / "fc.zarr", zarr_format=3, consolidated=False
    )
    observed = FIELDS[:, MEMBERS, ::-1]
    xr.Dataset(
        {"rr": (("time", "yc", "xc"), observed, attrs)},
        {**coords, "yc": ("yc", y[::-1] / 1000, {"units": "km"})},
    ).to_netcdf(tmp_path / "obs.nc")
    xr.Dataset(
        {"t2m": (("time", "lat", "lon"), 10 + np.zeros((TIMES, 2, 2)), {"units": "degC"})},
        {"time": time, "lat": [57.0, 54.0], "lon": [5.0, 9.0]},
    ).to_netcdf(tmp_path / "era5.nc")
    land = np.linspace(0, 100, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    xr.Dataset({"sftlf": (("yc", "xc"), land, {"units": "%"})}, {"yc": coords["yc"], "xc": coords["xc"]}).to_netcdf(
        tmp_path / "ground.nc"
    )
    path = names_file(
        tmp_path,
        ensemble={"files": "fc.zarr", "variables": {"prcp": {"name": "rr"}}},
        target={"files": "obs.nc", "variables": {"prcp": None}},
        conditioning={"files": "era5.nc", "variables": {"t2m": None}},
        static={"files": "ground.nc", "variables": {"lsm": None}},
    )
    imported(path, tmp_path / "theirs.nc")
    found = read(tmp_path / "theirs.nc")
    np.testing.assert_allclose(found.groups["target"]["prcp"], FIELDS[:, MEMBERS], rtol=1e-6)
    np.testing.assert_allclose(found.ensemble["latitude"], latitude)
    assert found.ensemble["y"].attrs["standard_name"] == "projection_y_coordinate"
    assert found.ensemble["prcp"].attrs["grid_mapping"] == "crs"
    assert found.ensemble["crs"].attrs == mapping
    np.testing.assert_allclose(found.groups["static"]["lsm"], land / 100, rtol=1e-6)
    np.testing.assert_allclose(found.groups["conditioning"]["t2m"], 283.15, rtol=1e-6)
    assert found.groups["conditioning"]["t2m"].dims == ("time", "lr_y", "lr_x")
    assert found.groups["conditioning"]["lr_y"].values.tolist() == [57.0, 54.0]


def test_common_times_are_kept_and_the_others_counted(tmp_path):
    write_members(tmp_path / "fc.nc")
    write_observed(tmp_path / "obs.nc", days=[1, 2, 4], hour=12)
    path = names_file(tmp_path)
    with pytest.raises(EvalError, match=r"share no time .* set match_times: day where only the hours differ"):
        check_import(path)
    plan = check_import(names_file(tmp_path, match_times="day"))
    assert plan.times == ("2014-06-02T00:00:00", "2014-06-03T00:00:00", "2014-06-05T00:00:00")
    assert "2 of 5 times of ensemble.variables.prcp are left out: others lack them" in plan.notes
    imported(path, tmp_path / "theirs.zarr")
    found = read(tmp_path / "theirs.zarr")
    np.testing.assert_allclose(found.ensemble["prcp"], FIELDS[[1, 2, 4], :MEMBERS], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.groups["target"]["prcp"], FIELDS[[1, 2, 4], MEMBERS], rtol=1e-6)


def test_a_time_that_one_member_lacks_is_left_out(tmp_path):
    write_members(tmp_path / "fc_1.nc", members=slice(0, 1))
    write_members(tmp_path / "fc_2.nc", members=slice(1, 2), days=range(TIMES - 1))
    write_observed(tmp_path / "obs.nc")
    plan = check_import(names_file(tmp_path, ensemble={**NAMES["ensemble"], "files": "fc_{member}.nc"}))
    assert len(plan.times) == TIMES - 1
    assert "1 times of ensemble.variables.prcp are left out: not every member has them" in plan.notes


def test_without_observations(foreign):
    lines = imported(names_file(foreign, target=None), foreign / "theirs.zarr")
    assert any("no observed fields" in line for line in lines)
    with pytest.raises(EvalError, match="has a /target group"):
        evaluate({"theirs": foreign / "theirs.zarr"}, EvalConfig(families=("scale",)), foreign / "evaluation")


@pytest.mark.parametrize("budget", [1, 8 * ROWS * COLUMNS * 4, 10**9])
def test_blocks_of_any_size_hold_each_field_once(foreign, budget):
    series = check_import(names_file(foreign)).ensemble
    seen = {}
    for block in series.blocks(series.complete_times()[0], budget):
        assert block.values.nbytes * 2 <= max(budget, 8 * ROWS * COLUMNS)
        for row, time in enumerate(block.times):
            for column, member in enumerate(block.members):
                assert seen.setdefault((time, member), block.values[row, column]) is not None
    assert len(seen) == TIMES * MEMBERS
    np.testing.assert_allclose(seen["2014-06-03T00:00:00", "2"], FIELDS[2, 2], rtol=1e-6, atol=1e-9)


def test_missing_values_that_the_file_does_not_name(tmp_path):
    members = FIELDS[:, :MEMBERS].copy()
    members[1, 1, 2, 3], members[2, 0, 0, 1] = -999.0, 9.969209968386869e36
    time = ("time", np.arange(TIMES), {"units": "days since 2014-06-01"})
    data = xr.Dataset(
        {"rr": (("time", "member", "lat", "lon"), members.astype("f4"), {"units": "mm day-1"})}, {"time": time}
    )
    data.to_netcdf(tmp_path / "fc.nc", encoding={"rr": {"_FillValue": None}})
    ensemble = {"files": "fc.nc", "variables": {"prcp": {"name": "rr", "missing": -999}}}
    imported(names_file(tmp_path, ensemble=ensemble, target=None), tmp_path / "theirs.zarr")
    with xr.open_zarr(tmp_path / "theirs.zarr", group="ensemble", consolidated=False) as found:
        assert np.argwhere(np.isnan(found["prcp"].values)).tolist() == [[1, 1, 2, 3], [2, 0, 0, 1]]


RAIN = {"name": "RR24", "accumulation": "1 day"}


def members(files="fc.nc", key="prcp", dims=None, calendar=None, **variable):
    """A section ``ensemble``; an entry replaces the right one's, an empty one leaves it out."""
    entry = {name: value for name, value in {**RAIN, **variable}.items() if value is not None}
    optional = {"dims": dims, "calendar": calendar, "files": files}
    return {"variables": {key: entry}, **{name: value for name, value in optional.items() if value is not None}}


def observed(files="obs.nc", **others):
    return {"files": files, "variables": {"prcp": None}, **others}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ensembel": {}}, "unknown key 'ensembel'. Did you mean 'ensemble'?"),
        ({"ensemble": {**members(), "file": "x"}}, "unknown key 'ensemble.file'. Did you mean 'ensemble.files'?"),
        ({"ensemble": members(nmae="RR24")}, "'ensemble.variables.prcp.name'"),
        ({"ensemble": members(files=None)}, "ensemble.files is missing"),
        ({"ensemble": None}, "key 'ensemble' is missing"),
        ({"target": {"files": "obs.nc", "variables": {"t2m": None}}}, "target.variables has no 'prcp'"),
        ({"ensemble": members("fd*.nc")}, "no file is called 'fd*.nc'"),
        ({"ensemble": members("fc_{year}.nc")}, "a brace that is no {date:%Y%m%d}"),
        ({"ensemble": members("fc_{date:%m}.nc")}, "has no year"),
        ({"ensemble": members("text.nc")}, "'text.nc' cannot be read as a NetCDF file"),
        ({"ensemble": members(name="RR")}, "no variable 'RR', which ensemble.variables.prcp.name asks for"),
        ({"ensemble": members(name=None)}, "no variable means 'prcp'; set ensemble.variables.prcp.name to one of RR24"),
        ({"ensemble": members(key="rain"), "target": None}, "unknown variable 'rain'"),
        ({"ensemble": members(accumulation=None)}, "units 'm' do not convert to 'mm day-1'; an amount of a period"),
        ({"ensemble": members(units="furlongs per hen")}, "is no unit that can be read"),
        ({"ensemble": members(accumulation="x")}, "is no period of time; write it like '1 day'"),
        ({"ensemble": members(dims={"y": "nlat"})}, "which is y? there is no 'nlat'"),
        ({"ensemble": members(dims={"member": "none"})}, "a further dimension 'realization' of length 3"),
        ({"ensemble": members(select={"level": 2})}, "has no dimension 'level' to select from"),
        ({"ensemble": members(calendar="lunar")}, "calendar 'lunar' cannot be read"),
        ({"target": observed("shifted.nc")}, "lie on different grids: y runs from 58 to 53"),
        ({"target": observed("cut.nc")}, "has 6 x 8 cells and target.variables.prcp 5 x 8"),
        ({"target": observed("later.nc")}, "share no time"),
        ({"target": observed(["obs.nc", "again.nc"])}, "stands in"),
        ({"target": {"files": "fc.nc", "variables": {"prcp": RAIN}}}, "3 members along 'realization', which only the"),
        ({"target": observed(calendar="360_day")}, "their days cannot be matched"),
        ({"static": {"files": "obs.nc", "variables": {"lsm": {"name": "precip"}}}}, "5 times, a static field has none"),
        ({"root": "nowhere"}, "there is no folder"),
    ],
)
def test_what_does_not_fit_is_one_sentence(foreign, monkeypatch, changes, words):
    monkeypatch.chdir(foreign)
    (foreign / "text.nc").write_text("no fields")
    write_observed(foreign / "shifted.nc", shift=0.5)
    write_observed(foreign / "later.nc", days=range(TIMES), hour=24 * 400)
    write_observed(foreign / "again.nc", days=[2])
    with xr.open_dataset(foreign / "obs.nc") as observed:
        observed.isel(lat=slice(1, None)).to_netcdf(foreign / "cut.nc")
    before = sorted(foreign.iterdir())
    path = names_file(Path(), **changes)
    with pytest.raises(StrideError) as caught:
        imported(path, Path("theirs.zarr"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {entry.name for entry in foreign.iterdir()} - {entry.name for entry in before} == {"names.yaml"}


def test_damage_in_the_middle_leaves_nothing_and_keeps_what_was_there(foreign):
    """The last file is found to be damaged after the others have been written."""
    imported(names_file(foreign), foreign / "theirs.zarr")
    for day in range(TIMES):
        write_members(foreign / f"fc_2014060{day + 1}.nc", days=[day])
    last = foreign / "fc_20140605.nc"
    last.write_bytes(last.read_bytes()[:2000])
    path = names_file(foreign, ensemble=members("fc_{date:%Y%m%d}.nc"))
    assert len(check_import(path).times) == TIMES
    with pytest.raises(EvalError, match=r"fc_20140605\.nc.* cannot be read as a NetCDF file"):
        imported(path, foreign / "theirs.zarr")
    assert read(foreign / "theirs.zarr").members == MEMBERS
    assert not [entry for entry in foreign.iterdir() if entry.name.startswith(".")]


def test_something_else_is_not_replaced(foreign):
    (foreign / "notes").mkdir()
    (foreign / "notes" / "mine.txt").write_text("keep")
    for out in ("notes", "obs.nc"):
        with pytest.raises(EvalError, match="no saved ensemble, and would be replaced"):
            imported(names_file(foreign), foreign / out)
    assert (foreign / "notes" / "mine.txt").read_text() == "keep"
    for _ in range(2):
        imported(names_file(foreign), foreign / "theirs.zarr")
