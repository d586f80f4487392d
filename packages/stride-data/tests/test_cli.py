import json
import subprocess
import sys

import pytest
import yaml
from stride_data.cli import app
from stride_vars.cli_errors import run


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        run(app, argv=[str(argument) for argument in arguments])
    return int(end.value.code or 0)


def test_check_says_what_it_found(small_config, write_yaml, capsys):
    assert call("check", write_yaml({"data": small_config, "model": {"ignored": True}}), "--all") == 0
    printed = capsys.readouterr().out
    for text in (
        "mm per 1 day -> mm day-1",
        "means of 4 x 4",
        "LR box, 4 x 4 HR cells each",
        "rows",
        "8 x 12",
        "same as val",
        "training crops are drawn from 35 places",
        "No problems found.",
    ):
        assert text in printed


def test_check_names_neighbours_and_unused_times(small_config, write_yaml, capsys):
    small_config["splits"] = {"train": {"dates": ["2001-01-01", "2001-01-02"]}, "val": {"dates": ["2001-01-03"]}}
    assert call("check", write_yaml(small_config)) == 0
    printed = capsys.readouterr().out
    assert "1 times of train lie within a day of a time of val" in printed
    assert "3 times of fine are in no split" in printed


def test_stats_are_written_where_asked(small_config, write_yaml, tmp_path, capsys):
    out = tmp_path / "run" / "one"
    assert call("stats", write_yaml(small_config), "--out", out) == 0
    assert "wrote" in capsys.readouterr().out
    assert list(json.loads((out / "statistics.json").read_text())["variables"]) == [
        "ground.orog",
        "ground.lsm",
        "coarse.prcp",
        "fine.prcp",
    ]


def change(config, path: str, value) -> None:
    *parents, last = path.split(".")
    for key in parents:
        config = config[key]
    config[last] = value


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("root", "/nowhere", "the folder /nowhere does not exist"),
        ("sources.fine.files", "gone/tp_{date:%Y%m%d}.nc", "hr/gone does not exist"),
        ("sources.fine.flies", "x", "unknown key 'data.sources.fine.flies'. Did you mean 'data.sources.fine.files'?"),
        ("sources.fine.variables", {"prpc": {}}, "unknown variable 'prpc'"),
        ("sources.fine.variables.prcp", {"units": "K"}, "units 'K' do not convert to 'mm day-1'"),
        ("splits.train", {"years": [1950, 1951]}, "data.splits.train is empty"),
        ("region.hr", {"y": 16, "x": 32, "height": 8, "width": 12}, "leaves the domain"),
        ("transforms", {"fine.prcp": {"name": "sqrt"}}, "'sqrt' is no transform"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(small_config, write_yaml, tmp_path, capsys, path, value, expected):
    if expected.startswith("hr/"):
        expected = "gone does not exist"
    if path == "sources.fine.variables":
        small_config["target"] = ["fine.prpc"]
        small_config["transforms"] = {}
    change(small_config, path, value)
    out = tmp_path / "out"
    assert call("stats", write_yaml({"data": small_config}), "--out", out) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert expected in error
    assert not out.exists()


def test_check_reads_every_time_when_asked(small_config, small_root, write_yaml, tmp_path, capsys):
    for path in (small_root / "hr").glob("*.nc"):
        content = path.read_bytes()
        broken = path.stem[-8:] in ("20010102", "20010103", "20010104")
        (tmp_path / path.name).write_bytes(content[:2000] if broken else content)
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    path = write_yaml({"data": small_config})
    assert call("check", path) == 0
    assert call("check", path, "--all") == 2
    captured = capsys.readouterr()
    assert captured.out.count("problem:") == 2
    assert "cannot be read" in captured.err


def test_set_and_debug(small_config, write_yaml, tmp_path, capsys):
    small_config["splits"]["train"] = {"years": [1950, 1951]}
    path = write_yaml({"data": small_config})
    assert call("check", path, "--set", "data.splits.train.years=[2001, 2001]") == 0
    from stride_data.errors import DataError

    with pytest.raises(DataError):
        run(app, argv=["check", str(path), "--debug"])


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["stats", "--help"], ["prepare", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys; from stride_data.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "heavy = {'xarray', 'torch', 'numpy', 'pandas', 'netCDF4'} & set(sys.modules); "
        "sys.exit(','.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_the_data_layer_does_not_need_torch(small_config, tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text(yaml.safe_dump({"data": small_config}))
    code = (
        "import sys; sys.modules['torch'] = None; from stride_data.adapter import GriddedAdapter; "
        "from stride_data.config import load_data_config; "
        "a = GriddedAdapter.from_config(load_data_config(sys.argv[1])); "
        "a.load_statistics(a.compute_statistics()); print(a.sample(a.times('val')[0])['target'].shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 8, 12)", done.stderr


def test_an_output_that_is_no_folder_is_noticed_first(small_config, write_yaml, tmp_path, capsys):
    (tmp_path / "file").write_text("here before")
    assert call("stats", write_yaml(small_config), "--out", tmp_path / "file" / "below") == 2
    assert "file is a file, not a folder; choose another folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "here before"
