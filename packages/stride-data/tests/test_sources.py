"""Reading of every kind of file, and of files that are wrong."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stride_data.config import SourceConfig
from stride_data.discovery import source as source_module
from stride_data.discovery.scan import scan_source
from stride_data.errors import DataError
from stride_vars.catalogue import Catalogue

Y, X = np.arange(6) * 2.0, np.arange(8) * 3.0
TIMES = np.arange(5)


def values(time: int) -> np.ndarray:
    return (10.0 * time + Y[:, None] / 10 + X[None, :] / 100).astype(np.float32)


def dataset(times=TIMES, *, order=("time", "y", "x"), dtype="float32") -> xr.Dataset:
    data = xr.DataArray(np.stack([values(t) for t in times]).astype(dtype), dims=("time", "y", "x"))
    return xr.Dataset(
        {"t2m": data.transpose(*order).assign_attrs(units="K")},
        coords={
            "y": ("y", Y, {"units": "km"}),
            "x": ("x", X, {"units": "km"}),
            "time": ("time", np.array(times), {"units": "days since 2001-02-27", "calendar": "noleap"}),
        },
    )


def scan(root: Path, files: str, variables=None, **others):
    config = SourceConfig(files=files, variables=variables or {"t2m": {}}, **others)
    return scan_source("a", config, root, Catalogue.load())


def check_all(found) -> None:
    assert found.calendar == "noleap"
    assert [time[5:10] for time in found.times] == ["02-27", "02-28", "03-01", "03-02", "03-03"]
    for number, time in enumerate(found.times):
        np.testing.assert_array_equal(found.read(time, ["t2m"])[time, "t2m"], values(number))


def test_a_single_netcdf_file(tmp_path: Path):
    dataset().to_netcdf(tmp_path / "all.nc")
    check_all(scan(tmp_path, "all.nc"))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_store(tmp_path: Path, zarr_format: int):
    dataset().to_zarr(tmp_path / "all.zarr", zarr_format=zarr_format, consolidated=False)
    check_all(scan(tmp_path, "all.zarr"))


def test_a_glob_of_files_and_of_stores(tmp_path: Path):
    dataset(TIMES[3:]).to_netcdf(tmp_path / "a_1.nc")
    dataset(TIMES[:3]).to_netcdf(tmp_path / "a_2.nc")
    check_all(scan(tmp_path, "a_?.nc"))
    dataset(TIMES[3:]).to_zarr(tmp_path / "b_1.zarr", zarr_format=3, consolidated=False)
    dataset(TIMES[:3]).to_zarr(tmp_path / "b_2.zarr", zarr_format=3, consolidated=False)
    check_all(scan(tmp_path, "b_*.zarr"))


def test_dated_files_with_several_times_each(tmp_path: Path):
    dataset(TIMES[:2]).to_netcdf(tmp_path / "a_200102.nc")
    dataset(TIMES[2:]).to_netcdf(tmp_path / "a_200103.nc")
    check_all(scan(tmp_path, "a_{date:%Y%m}.nc"))


def test_other_order_of_dimensions_and_an_extra_one(tmp_path: Path):
    dataset(order=("x", "time", "y")).expand_dims(height=[2.0]).to_netcdf(tmp_path / "all.nc")
    check_all(scan(tmp_path, "all.nc"))


def test_rows_can_be_flipped(tmp_path: Path):
    dataset().to_netcdf(tmp_path / "all.nc")
    found = scan(tmp_path, "all.nc", flip_y=True)
    np.testing.assert_array_equal(found.grid.y, Y[::-1])
    time = found.times[1]
    np.testing.assert_array_equal(found.read(time, ["t2m"])[time, "t2m"], values(1)[::-1])


def test_times_of_one_chunk_are_read_together(tmp_path: Path, monkeypatch):
    dataset().to_netcdf(tmp_path / "all.nc", encoding={"t2m": {"chunksizes": (3, 6, 8), "zlib": True}})
    found = scan(tmp_path, "all.nc")
    check_all(found)
    assert {time for time, _ in found.read(found.times[1], ["t2m"])} == set(found.times[:3])
    assert {time for time, _ in found.read(found.times[4], ["t2m"])} == set(found.times[3:])
    # A chunk larger than what may be read at once is read in parts.
    monkeypatch.setattr(source_module, "_READ_TOGETHER", 2 * 48 * 8)
    check_all(found)
    assert {time for time, _ in found.read(found.times[0], ["t2m"])} == set(found.times[:2])
    assert {time for time, _ in found.read(found.times[2], ["t2m"])} == {found.times[2]}


def test_packed_values_and_fill(tmp_path: Path):
    data = dataset()
    data["t2m"][0, 0, 0] = np.nan
    packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 20.0, "_FillValue": -32768}
    data.to_netcdf(tmp_path / "all.nc", encoding={"t2m": packing})
    found = scan(tmp_path, "all.nc")
    field = found.read(found.times[0], ["t2m"])[found.times[0], "t2m"]
    assert np.isnan(field[0, 0])
    np.testing.assert_allclose(field.ravel()[1:], values(0).ravel()[1:], atol=0.0051)


def test_npz_days(tmp_path: Path):
    for day in (1, 2):
        field = values(day)
        field[0, 0] = np.nan
        np.savez_compressed(tmp_path / f"a_2001010{day}.npz", data=field, other=field)
    options = {"variables": {"t2m": {"units": "degC"}}, "spacing": {"y": -2.0, "x": 3.0, "y0": 10.0, "units": "km"}}
    found = scan(tmp_path, "a_{date:%Y%m%d}.npz", npz_key="data", **options)
    field = found.read("2001-01-02T00:00:00", ["t2m"])["2001-01-02T00:00:00", "t2m"]
    assert np.isnan(field[0, 0])
    assert field[0, 1] == pytest.approx(values(2)[0, 1] + 273.15)
    assert found.grid.y.tolist() == [10.0, 8.0, 6.0, 4.0, 2.0, 0.0]
    assert found.grid.y_attrs["units"] == "km"
    with pytest.raises(DataError, match="several arrays; set the source's npz_key to one of data, other"):
        scan(tmp_path, "a_{date:%Y%m%d}.npz", **options)
    with pytest.raises(DataError, match=r"has no units; set data\.sources\.a\.variables\.t2m\.units"):
        scan(tmp_path, "a_{date:%Y%m%d}.npz", npz_key="data", spacing={"y": 1.0, "x": 1.0})
    with pytest.raises(DataError, match="has no coordinates along its rows and columns"):
        scan(tmp_path, "a_{date:%Y%m%d}.npz", npz_key="data", variables={"t2m": {"units": "K"}})


def test_a_variable_is_found_by_any_name_the_catalogue_knows(tmp_path: Path):
    dataset().rename(t2m="2t").to_netcdf(tmp_path / "a.nc")
    assert scan(tmp_path, "a.nc").fields["t2m"].name == "2t"
    dataset().rename(t2m="x1").to_netcdf(tmp_path / "b.nc")
    with pytest.raises(DataError, match=r"b\.nc: no variable means 't2m'; set .*variables\.t2m\.name to one of x1"):
        scan(tmp_path, "b.nc")
    both = dataset()
    both["tas"] = both["t2m"]
    both.to_netcdf(tmp_path / "c.nc")
    with pytest.raises(DataError, match="t2m, tas all mean 't2m'"):
        scan(tmp_path, "c.nc")
    with pytest.raises(DataError, match=r"has no variable 't2n'.*Did you mean 't2m'\?"):
        scan(tmp_path, "c.nc", {"t2m": {"name": "t2n"}})


def test_block_means(tmp_path: Path):
    data = dataset()
    data["t2m"][0, 0, 0] = np.nan
    data.to_netcdf(tmp_path / "all.nc")
    found = scan(tmp_path, "all.nc", block_average=3)
    assert found.grid.shape == (2, 2)
    assert found.grid.y.tolist() == [2.0, 8.0]
    first = found.read(found.times[0], ["t2m"])[found.times[0], "t2m"]
    assert np.isnan(first[0, 0])
    assert first[1, 1] == pytest.approx(values(0)[3:, 3:6].mean(), rel=1e-6)
    with pytest.raises(DataError, match="blocks of 7 cells do not fit into 6 x 8"):
        scan(tmp_path, "all.nc", block_average=7)


def rain(factor: float) -> xr.Dataset:
    data = (dataset() * factor).rename(t2m="tp")
    data["tp"].attrs["units"] = "mm day-1"
    return data


def test_negative_rain_needs_a_stated_minimum(tmp_path: Path):
    rain(-1.0).to_netcdf(tmp_path / "a.nc")
    found = scan(tmp_path, "a.nc", {"prcp": {}})
    with pytest.raises(DataError, match=r"a\.nc: 'tp' holds negative values down to .*prcp\.valid_min: 0"):
        found.read(found.times[3], ["prcp"])
    found = scan(tmp_path, "a.nc", {"prcp": {"valid_min": 0.0}})
    assert found.read(found.times[3], ["prcp"])[found.times[3], "prcp"].max() == 0.0
    rain(-1e-6).to_netcdf(tmp_path / "b.nc")  # rounding of packed values passes as it is
    found = scan(tmp_path, "b.nc", {"prcp": {}})
    assert found.read(found.times[3], ["prcp"])[found.times[3], "prcp"].min() < 0


def test_infinite_values(tmp_path: Path):
    data = dataset()
    data["t2m"][0, 0, 0] = np.inf
    data.to_netcdf(tmp_path / "a.nc")
    found = scan(tmp_path, "a.nc")
    with pytest.raises(DataError, match=r"a\.nc: 't2m' holds infinite values"):
        found.read(found.times[0], ["t2m"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: d.assign(t2m=d["t2m"].assign_attrs(units="degC")),
            "'t2m' is in 'degC' but is in 'K' in day_20010101.nc",
        ),
        (lambda d: d.rename(t2m="temp"), "has no variable 't2m', unlike day_20010101.nc"),
        (lambda d: d.isel(y=slice(1, None)), "has 5 x 8 cells but 6 x 8 in day_20010101.nc"),
        (lambda d: d.assign_coords(x=d["x"] + 0.5), "its coordinates y, x differ from those in day_20010101.nc"),
    ],
)
def test_files_that_differ_from_the_first(tmp_path: Path, change, expected):
    dataset([0]).to_netcdf(tmp_path / "day_20010101.nc")
    change(dataset([1])).to_netcdf(tmp_path / "day_20010102.nc")
    found = scan(tmp_path, "day_{date:%Y%m%d}.nc")
    with pytest.raises(DataError) as error:
        found.read("2001-01-02T00:00:00", ["t2m"])
    assert expected in str(error.value)
    assert "day_20010102.nc" in str(error.value)


@pytest.mark.parametrize("name", ["cut.nc", "cut.npz"])
def test_a_file_cut_short(tmp_path: Path, name: str):
    path = tmp_path / name
    if name.endswith(".nc"):
        dataset().to_netcdf(path)
    else:
        np.savez(path, data=values(0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=f"{name}: cannot be read .* cut short or not"):
        scan(tmp_path, name)


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT"])
@pytest.mark.parametrize("unlimited", [[], ["time"]])
@pytest.mark.parametrize("left_out", [8, 300, 1900])
def test_values_cut_short_under_a_whole_header(tmp_path: Path, form, unlimited, left_out):
    # Classic NetCDF keeps its header in front, and its library reads zeros beyond the end.
    dataset().to_netcdf(tmp_path / "cut.nc", format=form, unlimited_dims=unlimited)
    found = scan(tmp_path, "cut.nc")
    check_all(found)
    found = scan(tmp_path, "cut.nc")
    whole = (tmp_path / "cut.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) - left_out])
    with pytest.raises(DataError, match=r"cut\.nc: cannot be read"):
        for time in found.times:
            found.read(time, ["t2m"])


def test_times_that_repeat(tmp_path: Path):
    dataset([0, 1, 1]).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match=r"a\.nc: holds the time 2001-02-28T00:00:00 twice"):
        scan(tmp_path, "a.nc")
    dataset([0, 1]).to_netcdf(tmp_path / "b_1.nc")
    dataset([1, 2]).to_netcdf(tmp_path / "b_2.nc")
    with pytest.raises(DataError, match=r"b_1\.nc and .*b_2\.nc both hold the time 2001-02-28"):
        scan(tmp_path, "b_?.nc")


@pytest.mark.parametrize("kept", ["first", "last"])
def test_times_that_repeat_may_be_kept_once(tmp_path: Path, kept: str):
    for number, times in enumerate(([0, 1], [1, 2])):
        (dataset(times) + number).pipe(lambda d: d.assign(t2m=d["t2m"].assign_attrs(units="K"))).to_netcdf(
            tmp_path / f"b_{number}.nc"
        )
    # Times 0 and 1 of the first file, and 1 and 2, raised by one, of the second.
    found = scan(tmp_path, "b_?.nc", duplicates=kept)
    assert len(found.times) == 3
    raised = [found.read(time, ["t2m"])[time, "t2m"] - values(number) for number, time in enumerate(found.times)]
    assert [round(float(field.mean())) for field in raised] == [0, 0 if kept == "first" else 1, 1]
    assert found.origin["duplicates"] == {"kept": kept, "dropped": 1}
    assert "duplicates" not in scan(tmp_path, "b_0.nc").origin


def test_repeated_dates_in_names_may_be_kept_once(tmp_path: Path):
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        dataset([1 if version == "v1" else 2]).to_netcdf(tmp_path / version / "day_20010101.nc")
    with pytest.raises(DataError, match=r"carry the same date .* or set duplicates to first or last"):
        scan(tmp_path, "*/day_{date:%Y%m%d}.nc")
    for kept, number in (("first", 1), ("last", 2)):
        found = scan(tmp_path, "*/day_{date:%Y%m%d}.nc", duplicates=kept)
        time = found.times[0]
        np.testing.assert_array_equal(found.read(time, ["t2m"])[time, "t2m"], values(number))


@pytest.mark.parametrize("compressed", [True, False])
def test_a_chunk_of_a_store_cut_short(tmp_path: Path, compressed: bool):
    encoding = {"t2m": {"chunks": (1, 6, 8), **({} if compressed else {"compressors": None})}}
    dataset().to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False, encoding=encoding)
    chunk = tmp_path / "a.zarr" / "t2m" / "c" / "3" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-20])
    found = scan(tmp_path, "a.zarr")
    np.testing.assert_array_equal(found.read(found.times[2], ["t2m"])[found.times[2], "t2m"], values(2))
    with pytest.raises(DataError, match=r"a\.zarr: cannot be read .*cut short or not a Zarr store"):
        found.read(found.times[3], ["t2m"])


@pytest.mark.parametrize("pattern", ["part_?.nc", "part_{date:%Y}.nc"])
def test_long_files_that_differ_from_the_first(tmp_path: Path, pattern: str):
    """Files of several times each are held against the first one too: units, grid, variables."""
    names = ("part_1.nc", "part_2.nc") if "?" in pattern else ("part_2001.nc", "part_2002.nc")
    changes = (
        (lambda d: d.assign(t2m=d["t2m"].assign_attrs(units="degC")), f"is in 'degC' but is in 'K' in {names[0]}"),
        (lambda d: d.assign(t2m=(d["t2m"].dims, d["t2m"].values)), f"has no units but is in 'K' in {names[0]}"),
        (lambda d: d.rename(t2m="temp"), f"has no variable 't2m', unlike {names[0]}"),
        (lambda d: d.isel(y=slice(1, None)), f"has 5 x 8 cells but 6 x 8 in {names[0]}"),
        (lambda d: d.assign_coords(y=-d["y"]), f"its coordinates y, x differ from those in {names[0]}"),
    )
    for number, (change, expected) in enumerate(changes):
        folder = tmp_path / str(number)
        folder.mkdir()
        dataset([0, 1]).to_netcdf(folder / names[0])
        change(dataset([2, 3])).to_netcdf(folder / names[1])
        found = scan(folder, pattern)
        with pytest.raises(DataError) as error:
            found.read(found.times[2], ["t2m"])
        assert expected in str(error.value)
        assert names[1] in str(error.value)


def test_a_static_field_must_not_change(tmp_path: Path):
    dataset().to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match=r"has several times, so a\.t2m cannot be static"):
        scan(tmp_path, "a.nc").read_static("t2m")
    dataset([0]).to_netcdf(tmp_path / "b.nc")
    np.testing.assert_array_equal(scan(tmp_path, "b.nc").read_static("t2m"), values(0))


def test_dimensions_that_cannot_be_told(tmp_path: Path):
    names = {"y": "reihe", "x": "spalte"}
    dataset().rename(names).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match=r"which dimension of 't2m' is y .*set data\.sources\.a\.dims\.y"):
        scan(tmp_path, "a.nc")
    check_all(scan(tmp_path, "a.nc", dims={"y": "reihe", "x": "spalte"}))
    with pytest.raises(DataError, match=r"no dimension 'reihen'.*Did you mean 'reihe'"):
        scan(tmp_path, "a.nc", dims={"y": "reihen"})
    dataset().expand_dims(level=[500, 850]).to_netcdf(tmp_path / "b.nc")
    with pytest.raises(DataError, match="a further dimension 'level' of length 2"):
        scan(tmp_path, "b.nc")


def test_calendars_can_be_overridden(tmp_path: Path):
    dataset().to_netcdf(tmp_path / "a.nc")
    assert scan(tmp_path, "a.nc", calendar="360_day").times[3] == "2001-02-30T00:00:00"
    with pytest.raises(DataError, match=r"unknown calendar 'nolep'.*Did you mean 'noleap'"):
        scan(tmp_path, "a.nc", calendar="nolep")


def test_two_dimensional_coordinates_are_kept(tmp_path: Path):
    data = dataset()
    data["lat"] = (("y", "x"), 50 + Y[:, None] + 0 * X, {"standard_name": "latitude", "units": "degrees_north"})
    data["lon"] = (("y", "x"), 0 * Y[:, None] + X, {"standard_name": "longitude", "units": "degrees_east"})
    data.set_coords(["lat", "lon"]).to_netcdf(tmp_path / "a.nc")
    found = scan(tmp_path, "a.nc")
    np.testing.assert_array_equal(found.grid.latitude[:, 0], 50 + Y)
    np.testing.assert_array_equal(found.grid.longitude[0], X)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"t2n": {}}, r"unknown variable 't2n'.*Did you mean 't2m'"),
        (
            {"prcp": {"name": "t2m"}},
            r"units 'K' do not convert to 'mm day-1'; set .*prcp\.units or, for an amount, acc",
        ),
        ({"t2m": {"accumulation": "1 day"}}, r"units 'K per 1 day' do not convert to 'K'"),
    ],
)
def test_wrong_variables(tmp_path: Path, variables, expected):
    dataset().to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match=expected):
        scan(tmp_path, "a.nc", variables)


def test_stated_units_hold_for_all_files(tmp_path: Path):
    for day, units in ((1, "Kelvin?"), (2, "K")):
        data = dataset([day])
        data["t2m"].attrs["units"] = units
        data.to_netcdf(tmp_path / f"day_2001010{day}.nc")
    found = scan(tmp_path, "day_{date:%Y%m%d}.nc", {"t2m": {"units": "degC"}})
    for day, time in enumerate(found.times, start=1):
        np.testing.assert_allclose(found.read(time, ["t2m"])[time, "t2m"], values(day) + 273.15, rtol=1e-6)
    with pytest.raises(DataError, match=r"day_20010101\.nc: 't2m': 'Kelvin\?' is no unit"):
        scan(tmp_path, "day_{date:%Y%m%d}.nc")
