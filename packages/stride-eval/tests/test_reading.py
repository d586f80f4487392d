"""Opening one saved ensemble: both formats, and one sentence for each thing that can be wrong."""

import numpy as np
import pytest
import xarray as xr
from stride_eval.errors import EvalError
from stride_eval.reading import open_ensemble

FIELDS = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)


def refused(path, *words):
    with pytest.raises(EvalError) as caught:
        open_ensemble("model", path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (*words, "model"):
        assert word in message, message


@pytest.mark.parametrize("ending", ["zarr", "nc"])
def test_reads_both_formats(tmp_path, saved, ending):
    path = saved.write(tmp_path / f"a.{ending}", FIELDS, FIELDS[:, 0])
    found = open_ensemble("model", path)
    assert found.targets == ("prcp",)
    assert found.times == ("2014-06-01T00:00:00", "2014-06-02T00:00:00")
    assert found.members == 3
    np.testing.assert_array_equal(found.ensemble["prcp"], FIELDS)


def test_keeps_the_calendar(tmp_path, saved):
    times = xr.date_range("2001-02-28", periods=2, freq="D", calendar="noleap", use_cftime=True).values
    path = saved.write(tmp_path / "a.nc", FIELDS, FIELDS[:, 0], times=times)
    assert open_ensemble("model", path).times == ("2001-02-28T00:00:00", "2001-03-01T00:00:00")


def test_missing_path(tmp_path):
    refused(tmp_path / "none.zarr", "nothing lies at", "none.zarr")


def test_a_file_that_is_no_netcdf(tmp_path):
    (tmp_path / "a.nc").write_text("not a file of fields")
    refused(tmp_path / "a.nc", "cannot be read as a NetCDF4 file")


def test_truncated_netcdf(tmp_path, saved):
    path = saved.write(tmp_path / "a.nc", FIELDS, FIELDS[:, 0])
    path.write_bytes(path.read_bytes()[:3000])
    refused(path, "cannot be read", "generate it again")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "Zarr store")


def test_a_foreign_file(tmp_path):
    xr.Dataset({"tp": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc")
    refused(tmp_path / "a.nc", "stride_format", "stride-ensemble")


def test_no_targets(tmp_path, saved):
    path = saved.write(tmp_path / "a.zarr", FIELDS, None)
    assert "target" not in open_ensemble("model", path).groups


def test_a_target_without_observations(tmp_path, saved):
    tree = saved.tree(FIELDS, FIELDS[:, 0], root={"targets": '["prcp", "t2m"]'})
    both = tree["/ensemble"].to_dataset()
    tree["/ensemble"] = both.assign(t2m=both["prcp"].assign_attrs(units="K", stride_variable="t2m"))
    path = tmp_path / "a.nc"
    tree.to_netcdf(path)
    refused(path, "/target has no 't2m'")


def test_wrong_dimensions(tmp_path, saved):
    tree = saved.tree(FIELDS, FIELDS[:, 0])
    tree["/ensemble"] = tree["/ensemble"].to_dataset().rename(member="realization")
    tree.to_netcdf(tmp_path / "a.nc")
    refused(tmp_path / "a.nc", "realization", "member")


def test_times_that_are_no_dates(tmp_path, saved):
    refused(saved.write(tmp_path / "a.nc", FIELDS, FIELDS[:, 0], times=[1, 2]), "no dates", "days since")


def test_the_same_time_twice(tmp_path, saved):
    times = np.array(["2014-06-01", "2014-06-01"], "M8[ns]")
    refused(saved.write(tmp_path / "a.nc", FIELDS, FIELDS[:, 0], times=times), "2014-06-01T00:00:00 twice")
