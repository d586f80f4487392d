"""A Zarr store as one NetCDF4 file: the same groups, attributes and bits, and so the same scores."""

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.export import export_netcdf
from stride_eval.runner import evaluate


def test_groups_attributes_and_bits_are_the_stores(example, tmp_path):
    path = export_netcdf(example["calibrated"], tmp_path / "calibrated.nc")
    store, file = (
        xr.open_datatree(one, engine=engine, decode_cf=False)
        for one, engine in ((example["calibrated"], "zarr"), (path, "netcdf4"))
    )
    assert dict(store.attrs) == dict(file.attrs)
    assert {node.path for node in store.subtree} == {node.path for node in file.subtree}
    for node in store.subtree:
        for name, variable in node.dataset.variables.items():
            copy = file[node.path].dataset.variables[name]
            assert copy.dims == variable.dims
            assert copy.values.tobytes() == variable.values.tobytes()
            attrs = {key: value for key, value in copy.attrs.items() if key != "_FillValue"}
            expected = {key: value for key, value in variable.attrs.items() if key != "_FillValue"}
            assert json.dumps(attrs, default=lambda value: value.tolist()) == json.dumps(expected)


def test_scores_from_both_are_equal(example, tmp_path):
    path = export_netcdf(example["calibrated"], tmp_path / "calibrated.nc")
    config = EvalConfig(mode="metrics", families=("probabilistic",), resamples=100)
    one, two = (
        evaluate({"a": where}, config, tmp_path / where.suffix).summary for where in (example["calibrated"], path)
    )
    assert one == two


def test_fields_are_compressed_one_to_a_chunk(tmp_path, saved):
    members = np.zeros((2, 3, 40, 50), np.float32)
    members[0, 0, 3, 4], members[1, 2] = np.nan, 5.0
    store = saved.write(tmp_path / "a.zarr", members, members[:, 0])
    with netCDF4.Dataset(export_netcdf(store, tmp_path / "a.nc")) as file:
        field = file["ensemble/prcp"]
        assert field.chunking() == [1, 1, 40, 50]
        assert field.filters()["zlib"] and field.filters()["shuffle"]
        assert np.isnan(field._FillValue)
        assert file["ensemble/time"].chunking() == "contiguous" and not hasattr(file["ensemble/y"], "_FillValue")
        np.testing.assert_array_equal(np.ma.filled(field[...], np.nan), members)
    assert (tmp_path / "a.nc").stat().st_size < members.nbytes / 2


def test_attributes_beyond_the_old_limit_of_netcdf(tmp_path, saved):
    config = json.dumps({"text": "æ" + "x" * 100_000})
    store = saved.write(tmp_path / "a.zarr", np.ones((1, 2, 3, 4)), np.ones((1, 3, 4)), root={"config": config})
    with netCDF4.Dataset(export_netcdf(store, tmp_path / "a.nc")) as file:
        assert file.config == config


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.zarr", "nothing lies at"),
        ("a.nc", "there is no Zarr store at"),
        ("other.zarr", "'stride_format' is missing"),
    ],
)
def test_what_cannot_be_exported(tmp_path, saved, name, words):
    saved.write(tmp_path / "a.nc", np.ones((1, 2, 3, 4)), np.ones((1, 3, 4)))
    xr.Dataset({"tp": ("x", [1.0])}).to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(EvalError, match=words):
        export_netcdf(tmp_path / name, tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()


def test_damage_leaves_nothing_and_keeps_what_was_there(tmp_path, saved):
    store = saved.write(tmp_path / "a.zarr", np.random.default_rng(0).random((2, 3, 8, 8)), np.ones((2, 8, 8)))
    out = export_netcdf(store, tmp_path / "a.nc")
    before = out.read_bytes()
    chunk = next(file for file in (store / "ensemble" / "prcp" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(b"\x00" * 8)
    with pytest.raises(EvalError, match="the store is damaged there"):
        export_netcdf(store, out)
    assert out.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.nc", "a.zarr"]


def test_something_else_is_not_replaced(tmp_path, saved):
    store = saved.write(tmp_path / "a.zarr", np.ones((1, 2, 3, 4)), np.ones((1, 3, 4)))
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(EvalError, match="no saved ensemble, and would be replaced"):
        export_netcdf(store, tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_store_of_many_fields_a_chunk_is_copied_whole(tmp_path, saved):
    """As others write it: chunks of several members, and a size that they do not divide."""
    members = np.random.default_rng(1).random((3, 5, 4, 4)).astype(np.float32)
    tree = saved.tree(members, members[:, 0])
    tree.to_zarr(
        tmp_path / "a.zarr",
        zarr_format=3,
        consolidated=False,
        encoding={"/ensemble": {"prcp": {"chunks": (2, 2, 4, 4)}}},
    )
    assert zarr.open_group(tmp_path / "a.zarr")["ensemble/prcp"].chunks == (2, 2, 4, 4)
    with netCDF4.Dataset(export_netcdf(tmp_path / "a.zarr", tmp_path / "a.nc")) as file:
        np.testing.assert_array_equal(file["ensemble/prcp"][...], members)
