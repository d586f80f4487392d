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
from stride_eval.importing.names import load_names
from stride_eval.importing.run import check_import, import_ensemble
from stride_eval.reading import open_ensemble
from stride_eval.runner import evaluate

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
    "ensemble": {
        "files": "fc.nc",
        "variables": {"prcp": {"name": "RR24", "accumulation": "1 day"}},
    },
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
def test_scores_equal_those_of_the_same_fields_saved_natively(foreign, saved, ending):
    lines = imported(names_file(foreign), foreign / f"theirs.{ending}")
    assert any("ensemble/prcp: 0.139 % of the values are missing" in line for line in lines)
    axes = {"y": ("y", LATITUDE, {"units": "degrees_north"}), "x": ("x", LONGITUDE, {"units": "degrees_east"})}
    native = saved.write(foreign / "native.zarr", *native_fields(), **axes)
    found = open_ensemble("theirs", foreign / f"theirs.{ending}")
    np.testing.assert_allclose(found.ensemble["prcp"], native_fields()[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.groups["target"]["prcp"], native_fields()[1], rtol=1e-6)
    assert found.times[0] == "2014-06-01T00:00:00"
    config = EvalConfig(mode="metrics", families=("probabilistic", "distributions", "scale"), resamples=100)
    theirs, ours = (
        evaluate({"a": path}, config, foreign / path.stem).summary["a"]["prcp"]
        for path in (foreign / f"theirs.{ending}", native)
    )
    assert theirs.keys() == ours.keys()
    for name, score in ours.items():
        if score is not None and score["value"] is not None:
            assert theirs[name]["value"] == pytest.approx(score["value"], rel=1e-5), name
