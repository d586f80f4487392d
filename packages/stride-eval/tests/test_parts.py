"""Regions and seasons: the same numbers as an evaluation of that part alone would give."""

import csv
import json

import numpy as np
import pytest
import xarray as xr
from stride_eval.config import EvalConfig, load_config
from stride_eval.errors import EvalError
from stride_eval.regions import Region, pixels
from stride_eval.runner import evaluate
from stride_eval.summary import of_part

RNG = np.random.default_rng(3)
FIELDS = RNG.gamma(0.8, 3.0, (6, 4, 8, 6)).astype(np.float32)
TIMES = np.array(["2014-01-05", "2014-01-09", "2014-02-01", "2014-07-01", "2014-07-02", "2014-08-03"], "M8[ns]")
SCORES = {"thresholds": {"prcp": [1.0, 5.0]}, "families": ("scale", "spatial"), "resamples": 100, "mode": "metrics"}
DEGREES = {
    "y": ("y", np.linspace(58.0, 54.5, 8), {"units": "degrees_north"}),
    "x": ("x", np.linspace(357.0, 362.0, 6), {"units": "degrees_east"}),
}


def written(path, saved, times=slice(None), rows=slice(None), columns=slice(None), **how):
    chosen = FIELDS[times][..., rows, columns]
    return saved.write(path, chosen[:, :3], chosen[:, 3], times=TIMES[times], **how)


def same(first, second):
    first, second = (
        {(one.system, one.target, one.name): (one.value, one.lower, one.upper, one.n) for one in scores}
        for scores in (first, second)
    )
    assert first.keys() == second.keys() and first
    for key, one in first.items():
        assert one == pytest.approx(second[key], nan_ok=True), key


def test_a_season_is_an_evaluation_of_its_dates(tmp_path, saved):
    whole = {"a": written(tmp_path / "a.zarr", saved)}
    config = EvalConfig(seasons={"winter": [12, 1, 2], "JJA": "JJA", "autumn": [9, 10, 11]}, **SCORES)
    result = evaluate(whole, config, tmp_path / "out")
    for name, dates in (("winter", slice(0, 3)), ("JJA", slice(3, 6))):
        alone = evaluate({"a": written(tmp_path / f"{name}.zarr", saved, dates)}, EvalConfig(**SCORES), tmp_path / name)
        same(of_part(result.scores, season=name), alone.scores)
    assert of_part(result.scores, season="autumn") == []
    facts = json.loads((tmp_path / "out/scores.json").read_text())
    assert facts["season_dates"] == {"winter": 3, "JJA": 3, "autumn": 0}
    assert [(part["region"], part["season"]) for part in facts["parts"]] == [("all", "winter"), ("all", "JJA")]
    rows = list(csv.DictReader((tmp_path / "out/scores.csv").open()))
    assert {(row["region"], row["season"]) for row in rows} == {("all", "all"), ("all", "winter"), ("all", "JJA")}
    page = (tmp_path / "out/report.html").read_text()
    assert "winter (months 12, 1, 2), 3 dates" in page and "No common date lies in autumn" in page


def test_a_box_is_an_evaluation_of_its_pixels(tmp_path, saved):
    whole = {"a": written(tmp_path / "a.zarr", saved)}
    box = {"rows": (2, 7), "columns": (1, 5)}
    config = EvalConfig(regions={"box": box}, seasons=["JJA"], **SCORES)
    result = evaluate(whole, config, tmp_path / "out")
    cut = {"a": written(tmp_path / "b.zarr", saved, rows=slice(2, 7), columns=slice(1, 5))}
    alone = evaluate(cut, config.model_copy(update={"regions": {}}), tmp_path / "alone")
    for season in ("all", "JJA"):
        same(of_part(result.scores, "box", season), of_part(alone.scores, "all", season))
    assert sorted(file.name for file in (tmp_path / "out/results").iterdir()) == [
        "scale.box.nc", "scale.nc", "spatial.nc",
    ]  # fmt: skip


def test_a_mask_is_what_is_missing_elsewhere(tmp_path, saved):
    inside = RNG.random((8, 6)) < 0.5
    xr.Dataset({"basin": (("y", "x"), inside.astype(float))}).to_netcdf(tmp_path / "mask.nc")
    chosen = SCORES | {"families": ("distributions",)}
    config = EvalConfig(regions={"my basin": {"mask": tmp_path / "mask.nc"}}, **chosen)
    result = evaluate({"a": written(tmp_path / "a.nc", saved)}, config, tmp_path / "out")
    gaps = np.where(inside, FIELDS[:, 3], np.nan)
    path = saved.write(tmp_path / "b.nc", FIELDS[:, :3], gaps, times=TIMES)
    alone = evaluate({"a": path}, EvalConfig(**chosen), tmp_path / "alone")
    same(of_part(result.scores, "my basin"), alone.scores)


def test_which_pixels(tmp_path, saved, systems_of):
    land = np.zeros((8, 6))
    land[:, 3:] = 0.7
    static = {"/static": xr.Dataset({"lsm": (("y", "x"), land, {"stride_variable": "lsm", "units": "1"})})}
    systems = systems_of({"a": written(tmp_path / "a.nc", saved, groups=static, **DEGREES)})

    def inside(**how):
        return pixels("r", Region(**how), systems)

    np.testing.assert_array_equal(inside(surface="land"), land > 0)
    np.testing.assert_array_equal(inside(surface="sea", rows=(0, 2)).nonzero()[0], [0] * 3 + [1] * 3)
    assert inside(latitude=(55.0, 57.0)).any(axis=1).tolist() == [False] * 2 + [True] * 5 + [False]
    # The same edges whether longitudes run to 360 or from -180.
    for edges in ((-1.0, 1.0), (359.0, 361.0), (359.0, 1.0)):
        assert inside(longitude=edges).any(axis=0).tolist() == [False, False, True, True, True, False]
    assert inside(longitude=(-180.0, 180.0)).all()
    part = systems.restricted_to(inside(surface="land", rows=(1, 4)))
    assert part.shape == (3, 3) and part.mask is None and part.static("lsm").shape == (3, 3)
    np.testing.assert_array_equal(next(part.blocks("prcp")).observed, FIELDS[:, 3, 1:4, 3:])
    np.testing.assert_array_equal(part.axes[0], DEGREES["y"][1][1:4])
    assert part.observed_sample("prcp").size == 6 * 9
    again = part.restricted_to(np.eye(3, dtype=bool))
    assert int(next(again.blocks("prcp")).members["a"].notnull().sum()) == 6 * 3 * 3


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ({"rows": (20, 30)}, "holds none of the 8 x 6 pixels"),
        ({"surface": "land"}, "no system has a land fraction"),
        ({"latitude": (50, 60)}, "hold no latitude"),
        ({"mask": "none.nc"}, "there is no file 'none.nc'"),
        ({"mask": "mask.nc"}, "holds a, b; name one"),
        ({"mask": "mask.nc", "variable": "c"}, "has no variable 'c'"),
        ({"mask": "mask.nc", "variable": "a"}, "3 x 6 values where the systems have 8 x 6"),
        ({"mask": "text.nc"}, "cannot be read"),
    ],
)
def test_regions_that_cannot_be(tmp_path, saved, monkeypatch, region, words):
    monkeypatch.chdir(tmp_path)
    xr.Dataset({"a": (("y", "x"), np.ones((3, 6))), "b": ("y", np.ones(3))}).to_netcdf("mask.nc")
    (tmp_path / "text.nc").write_text("no file of fields")
    path = written(tmp_path / "a.nc", saved)
    with pytest.raises(EvalError, match=f"region 'r'.*{words}"):
        evaluate({"a": path}, EvalConfig(regions={"r": region}, **SCORES), tmp_path / "out")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.nc", "mask.nc", "text.nc"]


def test_how_they_are_written(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "seasons: [DJF, JJA]\nregions: {coast: land, box: {rows: [0, 3]}, west: {latitude: [50, 60]}}\n"
    )
    config = load_config(tmp_path / "a.yaml")
    assert config.seasons == {"DJF": (12, 1, 2), "JJA": (6, 7, 8)}
    assert config.regions["coast"] == Region(surface="land") and config.regions["box"].rows == (0, 3)
    for wrong, words in (
        ("seasons=[summer]", "says no months"),
        ("seasons={wet: [13]}", "seasons"),
        ("seasons={all: [1]}", "'all' stands for the whole"),
        ("regions={a/b: land}", "regions"),
        ("regions={a: {}}", "a region needs rows"),
        ("regions={a: {rows: [3, 1]}}", "first one and the one after"),
        ("regions={a: {row: [1, 3]}}", "rows"),
        ("regions={a: {rows: [0, 1], variable: x}}", "not given"),
    ):
        with pytest.raises(EvalError) as caught:
            load_config(None, [wrong])
        assert words in str(caught.value), str(caught.value)


def test_a_season_without_dates_is_said(tmp_path, saved):
    config = EvalConfig(seasons=["SON"], families=("spatial",), mode="metrics")
    result = evaluate({"a": written(tmp_path / "a.nc", saved)}, config, tmp_path / "out")
    assert "No common date lies in SON" in result.report.read_text()
