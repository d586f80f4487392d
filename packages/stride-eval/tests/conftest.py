"""Saved ensembles made of a few numbers, and the made-up precipitation as a store."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

PRCP = {"units": "mm day-1", "long_name": "Precipitation", "stride_variable": "prcp"}


def make_tree(
    members: np.ndarray | None,
    observed: np.ndarray | None,
    *,
    key: str = "prcp",
    attrs: dict[str, Any] | None = None,
    times: Any = None,
    y: Any = None,
    x: Any = None,
    root: dict[str, Any] | None = None,
    groups: dict[str, xr.Dataset] | None = None,
) -> xr.DataTree:
    """A saved ensemble from members [time, member, y, x] and observed [time, y, x]."""
    shape = np.shape(members if members is not None else observed)
    attrs = dict(PRCP) if attrs is None else attrs
    count, height, width = shape[0], shape[-2], shape[-1]
    if times is None:
        times = np.datetime64("2014-06-01", "ns") + np.arange(count) * np.timedelta64(1, "D")
    coords: dict[str, Any] = {"time": ("time", times)}
    if y is None:
        y = ("y", np.arange(height) * 2500.0, {"units": "m"})
    if x is None:
        x = ("x", np.arange(width) * 2500.0, {"units": "m"})
    coords |= {name: axis for name, axis in (("y", y), ("x", x)) if axis is not False}
    tree: dict[str, xr.Dataset] = {}
    if members is not None:
        data = np.asarray(members, np.float32)
        tree["/ensemble"] = xr.Dataset({key: (("time", "member", "y", "x"), data, attrs)}, coords)
    if observed is not None:
        data = np.asarray(observed, np.float32)
        tree["/target"] = xr.Dataset({key: (("time", "y", "x"), data, attrs)}, coords)
    tree |= groups or {}
    top = {"stride_format": "stride-ensemble", "stride_format_version": 1, "targets": json.dumps([key])} | (root or {})
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=top), **tree})


def write_tree(path: Path, *args: Any, **kwargs: Any) -> Path:
    """Writes ``make_tree`` as Zarr or, by the ending .nc, as NetCDF4."""
    tree = make_tree(*args, **kwargs)
    if path.suffix == ".nc":
        tree.to_netcdf(path)
    else:
        tree.to_zarr(path, zarr_format=3, consolidated=False)
    return path


@pytest.fixture(scope="session")
def saved() -> SimpleNamespace:
    """``saved.write(path, members, observed, ...)`` and ``saved.tree(...)``."""
    return SimpleNamespace(write=write_tree, tree=make_tree, prcp=dict(PRCP))


@pytest.fixture
def pair(tmp_path: Path, saved: SimpleNamespace) -> dict[str, Path]:
    """Two systems of 4 dates and 8 x 6 pixels: three random members and one field; calibrated by construction."""
    rng = np.random.default_rng(0)
    fields = rng.gamma(0.7, 4.0, (4, 5, 8, 6))
    return {
        "model": saved.write(tmp_path / "model.zarr", fields[:, :3], fields[:, 3]),
        "flat": saved.write(tmp_path / "flat.zarr", fields[:, 4:], fields[:, 3]),
    }


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The made-up precipitation, small: five dates, five members, 32 x 32 pixels."""
    from stride_eval.synthetic import Example, write_example

    size = Example(dates=5, members=5, size=32, factor=4)
    return write_example(tmp_path_factory.mktemp("example"), size)


@pytest.fixture
def systems_of(tmp_path: Path) -> Any:
    """Opens paths as systems with the packaged catalogue."""
    from stride_eval.opening import open_systems
    from stride_vars.catalogue import Catalogue

    return lambda paths, **how: open_systems(paths, catalogue=Catalogue.load(), **how)
