"""A field that is a known function of coordinates arrives in the batch at the coordinates that ``cond_coord`` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stride_vars.regions import Box

pytest.importorskip("torch")

from stride_data.loaders import make_loader

Array = np.ndarray
METRES = ({"units": "m", "axis": "Y"}, {"units": "m", "axis": "X"})
DEGREES = ({"units": "degrees_north"}, {"units": "degrees_east"})


def flat(y: Array, x: Array) -> Array:
    """A function of kilometres, no two places alike."""
    return 250.0 + 0.3 * y[:, None] / 1000 + 0.7 * x[None, :] / 1000 + 1e-3 * (y[:, None] * x[None, :]) / 1e6


def globe(latitude: Array, longitude: Array) -> Array:
    """A function on the globe: the same at 350 and at -10 degrees east."""
    east = np.radians(longitude)[None, :]
    return 280.0 + 0.5 * latitude[:, None] + 20 * np.cos(east) + 13 * np.sin(east) + 3 * np.sin(2 * east)


def centres(first: float, step: float, count: int) -> Array:
    """Cell centres by the first edge."""
    return first + step * (np.arange(count) + 0.5)


@dataclass
class Case:
    """Grids by the centres of rows and columns; LR and context may be blocks of HR cells instead."""

    hr: tuple[Array, Array]
    lr: tuple[Array, Array] | int
    region: dict[str, Any]
    context: tuple[Array, Array] | int | None = None
    of: Callable[[Array, Array], Array] = flat
    attrs: tuple[dict[str, str], dict[str, str]] = METRES
    expected: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    crops: int | None = None


def file(path: Path, grid: tuple[Array, Array], case: Case, extra: dict[str, Any] | None = None) -> str:
    import xarray as xr

    y, x = grid
    values = case.of(y, x)
    days = np.array(["2001-01-01", "2001-01-02"], "M8[ns]")
    coords = {"time": days, "y": ("y", y, case.attrs[0]), "x": ("x", x, case.attrs[1]), **(extra or {})}
    data = {
        "t2m": (("time", "y", "x"), np.stack([values, values + 1]), {"units": "K"}),
        "orog": (("y", "x"), values, {"units": "m"}),
    }
    xr.Dataset(data, coords).to_netcdf(path)
    return str(path)


def section(case: Case, folder: Path, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    variables = {"t2m": {}, "orog": {}}
    hr = {"files": file(folder / "hr.nc", case.hr, case, extra), "variables": variables}
    sources: dict[str, Any] = {"hr": hr}
    for name, grid in (("lr", case.lr), ("around", case.context)):
        if isinstance(grid, int):
            sources[name] = {**hr, "block_average": grid}
        elif grid is not None:
            sources[name] = {"files": file(folder / f"{name}.nc", grid, case), "variables": variables}
    section = {
        "root": str(folder),
        "sources": sources,
        "target": ["hr.t2m"],
        "dynamic": ["lr.t2m"],
        "static": ["hr.orog"],
        "region": case.region,
        "splits": {"train": {"end": "2001-01-02"}},
    }
    if case.context is not None:
        section |= {"context": ["around.t2m"], "context_static": ["around.orog"]}
    channels = [
        name for role in ("target", "dynamic", "static", "context", "context_static") for name in section.get(role, [])
    ]
    section["transforms"] = dict.fromkeys(channels, "identity")
    return section


def at(bounds: Array, shape: tuple[int, int], case: Case, blocks: int = 1) -> Array:
    """The function at the centres of regular cells between bounds, or its mean over blocks of that many cells."""
    y0, y1, x0, x1 = bounds
    rows, columns = shape[0] * blocks, shape[1] * blocks
    y, x = centres(y0, (y1 - y0) / rows, rows), centres(x0, (x1 - x0) / columns, columns)
    return case.of(y, x).reshape(shape[0], blocks, shape[1], blocks).mean(axis=(1, 3))


CASES = {
    "fixed": Case(
        (centres(0, 1000, 24), centres(5000, 1000, 36)),
        (centres(0, 4000, 6), centres(5000, 4000, 9)),
        {"hr": {"y": 8, "x": 12, "height": 8, "width": 12}},
        expected={"hr_box": (8, 12, 8, 12), "lr_box": (2, 3, 2, 3)},
    ),
    "shuffle": Case(
        (centres(0, 1000, 24), centres(5000, 1000, 36)),
        (centres(-8000, 4000, 20), centres(-7000, 4000, 20)),
        {"hr": {"y": 8, "x": 12, "height": 8, "width": 12}, "shuffle": {"y": 3, "x": 2, "height": 20, "width": 30}},
        crops=3 * 5,
    ),
    "latitude and longitude ascending, in coordinates": Case(
        (centres(40, 0.5, 40), centres(-10, 0.5, 50)),
        (centres(30, 2, 20), centres(-20, 2, 30)),
        {"hr": {"south": 44, "north": 52.1, "west": -4, "east": 8.2, "units": "degrees"}, "lr_margin": 2},
        of=globe,
        attrs=DEGREES,
        expected={"hr_box": (8, 12, 16, 24), "lr_box": (5, 6, 8, 10)},
    ),
    "descending latitude against ascending, and columns that run west": Case(
        (centres(60, -0.5, 40), centres(-10, 0.5, 50)),
        (centres(30, 2, 20), centres(40, -2, 30)),
        {
            "hr": {"south": 44, "north": 52.1, "west": -4, "east": 8.2},
            "shuffle": {"y": 0, "x": 0, "height": 40, "width": 40},
        },
        of=globe,
        attrs=DEGREES,
        expected={"hr_box": (16, 12, 16, 24), "lr_box": (9, 8, 4, 6)},
        crops=7 * 5,
    ),
    "everything runs backwards": Case(
        (centres(60, -0.5, 40), centres(15, -0.5, 50)),
        4,
        {"hr": {"south": 44, "north": 52.1, "west": -4, "east": 8.2}, "context": {"margin": 4}},
        context=(centres(30, 2, 20), centres(-21, 2, 40)),
        of=globe,
        attrs=DEGREES,
    ),
    "across the seam, in coordinates": Case(
        (centres(-30, 1, 60), centres(-0.5, 1, 360)),
        (centres(-30, 4, 15), centres(-180.5, 4, 90)),
        {
            "hr": {"south": -10, "north": 10, "west": -9, "east": 12},
            "shuffle": {"south": -30, "north": 30, "west": 340, "east": 20},
            "lr_margin": 1,
        },
        of=globe,
        attrs=DEGREES,
        crops=(11 - 2) * 6,  # the margin keeps the first and the last row of crops from beginning at the border
    ),
    "across the seam, in cells beyond the last column": Case(
        (centres(-30, 1, 60), centres(-0.5, 1, 360)),
        4,
        {"hr": {"y": 20, "x": 352, "height": 8, "width": 16}, "shuffle": {"y": 0, "x": 341, "height": 60, "width": 50}},
        of=globe,
        attrs=DEGREES,
        crops=14 * 8,
    ),
    "a whole globe with its margin": Case(
        (centres(-32, 1, 64), centres(-180, 1, 360)),
        (centres(-40, 4, 20), centres(0, 4, 90)),
        {"hr": {"y": 0, "x": 0, "height": 64, "width": 360}, "lr_margin": 2},
        of=globe,
        attrs=DEGREES,
        expected={"hr_box": (0, 0, 64, 360), "lr_box": (0, 0, 20, 94)},
    ),
    "a region at Greenwich in a global LR source": Case(
        (centres(40, 0.5, 40), centres(-10, 0.5, 50)),
        (centres(-90, 2, 90), centres(0, 2, 180)),
        {"hr": {"y": 20, "x": 20, "height": 20, "width": 20}, "lr_margin": 1, "context": {"margin": 40}},
        context=(centres(-90, 5, 36), centres(0, 5, 72)),
        of=globe,
        attrs=DEGREES,
    ),
    "an LR source whose longitudes jump from 360 to 0": Case(
        (centres(40, 0.5, 40), centres(-10, 0.5, 50)),
        (centres(30, 2, 20), np.mod(centres(-20, 2, 30), 360)),
        {"hr": {"y": 8, "x": 12, "height": 16, "width": 24}, "lr_margin": 2},
        of=globe,
        attrs=DEGREES,
        expected={"lr_box": (5, 6, 8, 10)},
    ),
    "an HR region counted from 350 to 375": Case(
        (centres(40, 0.5, 40), centres(350, 0.5, 50)),
        (centres(30, 2, 20), centres(-20, 2, 30)),
        {
            "hr": {"south": 44, "north": 52.1, "west": -4, "east": 8.2},
            "lr": {"south": 40, "north": 54, "west": -8, "east": 10},
        },
        of=globe,
        attrs=DEGREES,
        expected={"hr_box": (8, 12, 16, 24), "lr_box": (5, 6, 7, 9)},
    ),
    "kilometres on a grid in metres": Case(
        (centres(0, 1000, 24), centres(0, 1000, 36)),
        4,
        {"hr": {"south": 8, "north": 16.1, "west": 12, "east": 24.1, "units": "km"}},
        expected={"hr_box": (8, 12, 8, 12)},
    ),
    "a ratio of five halves": Case(
        (centres(0, 2000, 40), centres(0, 2000, 50)),
        (centres(-20000, 5000, 30), centres(-10000, 5000, 40)),
        {
            "hr": {"y": 10, "x": 15, "height": 10, "width": 15},
            "shuffle": {"y": 1, "x": 0, "height": 38, "width": 49},
            "lr_margin": 1,
        },
        expected={"hr_box": (10, 15, 10, 15), "lr_box": (7, 7, 6, 8)},
        crops=5 * 7,
    ),
    "an LR box of its own, in cells": Case(
        (centres(0, 1000, 24), centres(0, 1000, 36)),
        (centres(-8000, 4000, 12), centres(-8000, 4000, 15)),
        {
            "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
            "shuffle": {"y": 0, "x": 0, "height": 24, "width": 36},
            "lr": {"y": 1, "x": 4, "height": 6, "width": 5},
        },
        expected={"hr_box": (8, 12, 8, 12), "lr_box": (1, 4, 6, 5)},
        crops=4 * 7,
    ),
    "an LR box of its own in blocks of HR cells, in coordinates": Case(
        (centres(0, -1000, 24), centres(0, 1000, 36)),
        4,
        {
            "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
            "lr": {"south": -23, "north": -8, "west": 0, "east": 25, "units": "km"},
        },
        expected={"lr_box": (2, 0, 4, 6)},
    ),
    "context as a margin, its cells larger than LR cells": Case(
        (centres(0, 1000, 48), centres(0, 1000, 60)),
        4,
        {
            "hr": {"y": 12, "x": 24, "height": 12, "width": 12},
            "shuffle": {"y": 0, "x": 0, "height": 48, "width": 60},
            "context": {"margin": 24},
        },
        context=(centres(-24000, 12000, 8), centres(-36000, 12000, 10)),
        expected={"hr_box": (12, 24, 12, 12), "context_box": (1, 3, 5, 5)},
        crops=4 * 5,
    ),
    "context in HR cells that begins before the HR grid": Case(
        (centres(0, 1000, 24), centres(0, 1000, 36)),
        4,
        {
            "hr": {"y": 8, "x": 12, "height": 8, "width": 12},
            "shuffle": {"y": 0, "x": 0, "height": 24, "width": 36},
            "context": {"y": -6, "x": -12, "height": 24, "width": 60},
        },
        context=(centres(-18000, 6000, 20), centres(-24000, 6000, 20)),
        expected={"context_box": (2, 2, 4, 10)},
        crops=1 * 3,  # LR and context cells begin together at every twelfth row and column
    ),
    "context in coordinates, of five halves of a cell": Case(
        (centres(0, 2000, 40), centres(0, 2000, 50)),
        2,
        {
            "hr": {"y": 10, "x": 20, "height": 10, "width": 10},
            "shuffle": {"y": 0, "x": 0, "height": 40, "width": 50},
            "context": {"south": -13000, "north": 60000, "west": 1.0, "east": 80000.0, "units": "m"},
        },
        context=(centres(-20000, 5000, 40), centres(-15000, 5000, 40)),
    ),
    "context around the globe": Case(
        (centres(-30, 1, 60), centres(0, 1, 360)),
        4,
        {
            "hr": {"y": 20, "x": 4, "height": 8, "width": 16},
            "shuffle": {"y": 12, "x": 0, "height": 40, "width": 360},
            "context": {"south": -29, "north": 29, "west": 280, "east": 100},
            "lr_margin": 1,
        },
        context=(centres(-90, 4, 45), centres(-180, 8, 45)),
        of=globe,
        attrs=DEGREES,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fields_arrive_where_cond_coord_says(build, tmp_path, name):
    case = CASES[name]
    adapter = build(section(case, tmp_path))
    if case.crops is not None:
        assert adapter.geometry.crops.count == case.crops
    fixed = adapter.sample("2001-01-01T00:00:00")["cond_coord"]
    for key, box in case.expected.items():
        assert tuple(fixed[key].tolist()) == box
    for shuffle in (False, True):
        loader = make_loader(adapter, "train", batch_size=8, seed=3, shuffle=shuffle, crops_per_field=4)
        for batch in loader:
            check(batch, case)


def check(batch: dict[str, Any], case: Case) -> None:
    coord = {key: value.numpy() for key, value in batch["cond_coord"].items()}
    for i, time in enumerate(batch["meta"]["timestamps"]):
        day = int(time[8:10]) - 1
        expect = [
            ("target", "hr", 1, day),
            ("cond_static", "hr", 1, 0),
            ("cond_dynamic", "lr", case.lr if isinstance(case.lr, int) else 1, day),
        ]
        if case.context is not None:
            blocks = case.context if isinstance(case.context, int) else 1
            expect += [("cond_context_dynamic", "context", blocks, day), ("cond_context_static", "context", blocks, 0)]
        else:
            assert batch["cond_context_dynamic"] is None
        for key, place, blocks, more in expect:
            got = batch[key][i, 0].numpy()
            assert got.shape == tuple(coord[f"{place}_box"][i, 2:])
            np.testing.assert_allclose(got, at(coord[f"{place}_bounds"][i], got.shape, case, blocks) + more, rtol=2e-6)
        # The LR box covers the HR box, edge on edge.
        inner, outer = coord["hr_bounds"][i], coord["lr_bounds"][i]
        for first, last in ((0, 1), (2, 3)):
            low, high = sorted(outer[[first, last]])
            assert low - 1e-6 <= min(inner[[first, last]]) < max(inner[[first, last]]) <= high + 1e-6


def curvilinear(y: Array, x: Array) -> tuple[Array, Array]:
    """Latitudes and longitudes [H, W] of a grid that is turned and that crosses Greenwich."""
    eta, xi = np.meshgrid(y, x, indexing="ij")
    return 50 + 1e-5 * (eta + 0.3 * xi), np.mod(-2 + 1.5e-5 * (xi - 0.2 * eta), 360)


def test_two_dimensional_latitude_and_longitude(build, tmp_path):
    """Degrees on such a grid select the smallest box in cells that holds all cells inside the bounds."""
    rows, columns = centres(0, 10000, 40), centres(0, 10000, 60)
    case = Case((rows, columns), 4, {})
    latitude, longitude = curvilinear(rows, columns)
    extra = {
        "lat": (("y", "x"), latitude, {"units": "degrees_north"}),
        "lon": (("y", "x"), longitude, {"units": "degrees_east"}),
    }
    wanted = section(case, tmp_path, extra)
    inside = (latitude >= 51) & (latitude <= 53.2) & (((longitude + 180) % 360 - 180) >= -1.5) & (longitude % 360 < 999)
    inside &= ((longitude + 180) % 360 - 180) <= 3
    y, x = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    wanted["region"] = {"shuffle": {"south": 51, "north": 53.2, "west": -1.5, "east": 3, "units": "degrees"}}
    wanted["region"]["hr"] = {"y": 12, "x": 16, "height": 8, "width": 8}
    adapter = build(wanted)
    assert adapter.region.shuffle == Box(y=y[0], x=x[0], height=y[-1] - y[0] + 1, width=x[-1] - x[0] + 1)
    for batch in make_loader(adapter, "train", batch_size=8, seed=3, shuffle=True, crops_per_field=4):
        check(batch, case)
    found = adapter.fields("2001-01-01T00:00:00")
    expected = curvilinear(found.coords["y"][1], found.coords["x"][1])
    np.testing.assert_allclose(found.coords["latitude"][1], expected[0])
    np.testing.assert_allclose(found.coords["longitude"][1], expected[1])
    # The HR box in degrees is cut to whole LR cells.
    wanted["region"]["hr"] = wanted["region"].pop("shuffle")
    hr = build(wanted, scaled=False).region.hr
    assert hr.y % 4 == hr.x % 4 == hr.height % 4 == hr.width % 4 == 0
    assert y[0] <= hr.y < y[0] + 4
    assert x[0] <= hr.x < x[0] + 4


def test_degrees_on_a_projected_grid_without_them(build, tmp_path):
    """Latitudes and longitudes come from the coordinate reference system that the source states."""
    case = Case((centres(-100000, 10000, 40), centres(0, 10000, 60)), 4, {})
    wanted = section(case, tmp_path)
    wanted["region"] = {"hr": {"south": 50, "north": 52, "west": 11, "east": 14, "units": "degrees"}}
    from stride_data.errors import DataError

    with pytest.raises(
        DataError, match=r"data\.region\.hr\.units: the grid of 40 x 60 cells has no latitudes and longitu"
    ):
        build(wanted, scaled=False)
    # On this sphere a degree of latitude at the central meridian is 111.18 km; the map is centred at 51 N, 10 E.
    for source in wanted["sources"].values():
        source["crs"] = "+proj=laea +lat_0=51 +lon_0=10 +R=6370000"
    adapter = build(wanted)
    box = adapter.region.hr
    rows, columns = case.hr[0][box.slices[0]], case.hr[1][box.slices[1]]
    assert -112000 < rows[0] < -60000
    assert 60000 < rows[-1] < 112000
    assert 60000 < columns[0] < 110000
    assert 220000 < columns[-1] < 290000
    for batch in make_loader(adapter, "train", batch_size=8, seed=3, shuffle=False):
        check(batch, case)


def test_indices_of_rolled_columns_are_described(build, tmp_path):
    adapter = build(section(CASES["across the seam, in coordinates"], tmp_path))
    views = adapter.domain_info["views"]
    first = views["hr"]["first_column"]
    sample = adapter.sample("2001-01-01T00:00:00")
    x = sample["cond_coord"]["hr_box"][1]
    column = (first + x) % 360  # in the file, whose column 0 is centred at 0 degrees east
    assert ((column + 180) % 360) - 180 == sample["cond_coord"]["hr_bounds"][2] + 0.5
    assert (sample["cond_coord"]["hr_bounds"][2:] == [-8.5, 11.5]).all()
    assert (np.diff(adapter.geometry.hr_grid.x) == 1).all()
    assert adapter.statistics["provenance"]["region"]["views"] == views
