"""Statistics files of other data than the configuration's, and those of the first version."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from stride_data.errors import DataError
from stride_data.statistics.file import content_id


@pytest.fixture
def named(build, small_config, tmp_path):
    """A configuration that names the statistics file made from it."""
    path = build(small_config).write_statistics(tmp_path / "statistics.json")
    return {**small_config, "statistics": str(path)}


def test_the_same_data(build, named):
    assert build(named, scaled=False).statistics_id is not None
    # The other splits and more files make no difference, nor does another transform of the same function.
    named["splits"]["val"] = {"dates": ["2002-01-01"]}
    named["transforms"] = {"fine.prcp": {"name": "log_zscore", "inverse_ceiling": None}, "coarse.prcp": "quantile"}
    assert build(named, scaled=False).statistics_id is not None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "splits.train",
            {"dates": ["2001-01-01", "2001-01-02"]},
            "dates 2001-01-01T00:00:00 to 2001-01-04T00:00:00 (4 times), here 2001-01-01T00:00:00 to "
            "2001-01-02T00:00:00 (2 times)",
        ),
        (
            "region.shuffle",
            None,
            "region hr 24 x 36 cells from row 0, column 0, here 8 x 12 cells from row 8, column 12; region lr 6 x 9",
        ),
        ("sources.coarse.files", "hr/tp_tot_{date:%Y%m%d}.nc", "pattern of source coarse lr/tp_{date:%Y%m%d}.nc, here"),
        ("missing_conditioning", 0.0, "missing_conditioning refuse, here 0.0"),
    ],
)
def test_other_data_are_refused_unless_wanted(build, named, path, value, expected):
    section = named
    *parents, last = path.split(".")
    for key in parents:
        section = section[key]
    section[last] = value
    if path == "sources.coarse.files":
        named["sources"]["coarse"]["variables"]["prcp"]["name"] = "tp_tot"
    with pytest.raises(DataError) as error:
        build(named, scaled=False)
    message = str(error.value)
    assert message.startswith(f"{named['statistics']}: these statistics are of other data than the configuration's: ")
    assert expected in message
    assert message.endswith("or set data.statistics_of: any to use them all the same.")
    found = build({**named, "statistics_of": "any"}, scaled=False)
    assert found.statistics_id is not None
    # A checkpoint's content is taken as it is.
    other = build({key: value for key, value in named.items() if key != "statistics"}, scaled=False)
    other.load_statistics(json.loads(Path(named["statistics"]).read_text()))


def test_only_same_and_any_are_known(build, named):
    named["statistics_of"] = "other"
    with pytest.raises(DataError, match=r"data\.statistics_of"):
        build(named, scaled=False)


def first_version(statistics: dict) -> dict:
    """As version 1 wrote it: a logarithm for every variable, no other function, no table."""
    old = copy.deepcopy(statistics)
    old["version"] = 1
    del old["nan_policy"], old["provenance"]["required"]
    for entry in old["variables"].values():
        functions = entry.pop("functions")
        keys = ("offset", "mean", "std", "min", "max")
        entry["log"] = {key: functions[0][key] for key in keys} if functions else None
        del entry["quantile_table"]
    old["id"] = content_id(old)
    return old


def test_statistics_of_the_first_version_are_read(build, small_config, tmp_path):
    adapter = build(small_config)
    old = first_version(adapter.statistics)
    before = build(small_config, scaled=False)
    before.load_statistics(old)
    x = np.linspace(0, 50, 12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(before.forward_target(x), adapter.forward_target(x))
    assert before.statistics == old
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    assert build({**small_config, "statistics": str(path)}, scaled=False).statistics_id == old["id"]
    small_config["transforms"] = {"fine.prcp": "quantile"}
    with pytest.raises(DataError, match="hold no table of quantiles"):
        build(small_config, scaled=False).load_statistics(old)


def test_the_provenance_tells_what_the_transforms_need(build, small_config):
    before = build(small_config, scaled=False).statistics_provenance()
    assert before["required"]["fine.prcp"]["function"] == {"name": "log", "offset": 0.01}
    small_config["transforms"] = {"fine.prcp": {"name": "power", "exponent": 0.3}}
    assert build(small_config, scaled=False).statistics_provenance() != before


def test_infinite_values_are_refused(build, small_config, small_root, tmp_path):
    import xarray as xr

    for path in sorted((small_root / "hr").glob("*.nc")):
        with xr.open_dataset(path) as data:
            changed = data.load()
        if "20010102" in path.name:
            changed["tp_tot"][0, 3, 4] = np.inf
        changed.to_netcdf(tmp_path / path.name)
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    with pytest.raises(DataError, match=r"tp_tot_20010102\.nc: 'tp_tot' holds infinite values; mark them as missing"):
        build(small_config)


def test_a_variable_that_is_target_and_conditioning_counts_once(build, small_config):
    small_config["dynamic"] = ["coarse.prcp", "fine.prcp"]
    small_config["sources"]["fine"]["block_average"] = 4
    small_config["static"] = []
    small_config["region"] = {}
    adapter = build(small_config)
    assert adapter.statistics["variables"]["fine.prcp"]["n"] == 4 * 6 * 9
