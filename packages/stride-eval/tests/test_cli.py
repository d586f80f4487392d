"""The command: light help, one sentence on errors, a table and a path on success."""

import subprocess
import sys

import pytest
from stride_eval.cli import command_line
from stride_vars.cli_errors import run


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        run(command_line, argv=[str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_help_is_light_and_imports_nothing_heavy():
    script = (
        "import sys, stride_eval, stride_eval.cli\n"
        "heavy = {'xarray', 'matplotlib', 'numpy', 'pandas', 'scipy', 'zarr', 'dask', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.argv = ['stride-eval', '--help']\n"
        "stride_eval.cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    words = (
        "NAME=PATH",
        "--out",
        "--config",
        "--set",
        "--families",
        "--mode",
        "--reference",
        "--workers",
        "--scheduler",
        "import",
        "export",
    )
    for word in words:
        assert word in done.stdout


def test_scores_as_a_process(tmp_path, pair):
    arguments = [f"{name}={path}" for name, path in pair.items()]
    arguments += [
        "--out",
        str(tmp_path / "out"),
        "--families",
        "probabilistic",
        "--mode",
        "metrics",
        "--set",
        "resamples=100",
    ]
    script = "from stride_eval.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CRPS [mm day-1]" in done.stdout and "4 common dates; * best; skill against flat" in done.stdout
    assert done.stdout.splitlines()[-1] == f"Report: {tmp_path / 'out' / 'report.html'}"
    assert "[1/2] report" in done.stderr  # plain lines when nobody watches


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model=nowhere.zarr"], ["nothing lies at 'nowhere.zarr'"]),
        (["model="], ["no NAME=PATH"]),
        (["a=x", "a=y"], ["two systems are called 'a'"]),
        (["a=x", "--families", "probablistic"], ["unknown family 'probablistic'. Did you mean 'probabilistic'?"]),
        (["a=x", "--mode", "quick"], ["mode", "'minimal'"]),
        (["a=x", "--set", "quicklok=1"], ["unknown key 'quicklok'. Did you mean 'quicklooks'?"]),
        (["a=x", "--config", "none.yaml"], ["no configuration file 'none.yaml'"]),
        (["a=x", "--set", "variables_file=none.toml"], ["none.toml"]),
    ],
)
def test_errors_are_one_sentence(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(capsys, *arguments)
    assert code == 2 and out == ""
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    assert len(lines) == 1 and lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_reading_leaves_nothing(capsys, tmp_path, pair):
    chunk = next(file for file in (pair["model"] / "ensemble" / "prcp" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(b"\x00" * 8)
    code, _, err = command(capsys, f"model={pair['model']}", "--out", tmp_path / "out", "--families", "spatial")
    assert code == 2 and "damaged" in err and "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flat.zarr", "model.zarr"]


def test_variables_file(capsys, tmp_path, saved):
    import numpy as np

    (tmp_path / "mine.toml").write_text(
        '[variable.prcp]\nlong_name = "Rain"\nunits = "mm day-1"\nis_positive_definite = true\nwet_threshold = 0.1\n'
    )
    fields = np.random.default_rng(0).gamma(1.0, 2.0, (2, 3, 4, 4))
    path = saved.write(tmp_path / "rain.nc", fields[:, :2], fields[:, 2])
    code, out, _ = command(
        capsys, path, "--out", tmp_path / "out", "--families", "distributions", "--mode", "metrics",
        "--set", f"variables_file={tmp_path / 'mine.toml'}",
    )  # fmt: skip
    assert code == 0 and "Report:" in out
    assert "at least 0.1 mm day-1" in (tmp_path / "out" / "report.html").read_text()


def test_import_looks_first_then_writes_what_can_be_scored(capsys, tmp_path, monkeypatch):
    import json

    import numpy as np
    import xarray as xr

    monkeypatch.chdir(tmp_path)
    time = ("time", np.arange(3.0), {"units": "days since 2014-06-01"})
    fields = np.random.default_rng(0).gamma(1.0, 2.0, (3, 4, 5, 6))
    xr.Dataset(
        {
            "rain": (("time", "number", "lat", "lon"), fields[:, :3], {"units": "mm day-1"}),
            "gauge": (("time", "lat", "lon"), fields[:, 3], {"units": "mm day-1"}),
        },
        {"time": time},
    ).to_netcdf("theirs.nc")
    (tmp_path / "names.yaml").write_text(
        "ensemble: {files: theirs.nc, variables: {prcp: {name: rain}}}\ntarget: {variables: {prcp: {name: gauge}}}\n"
    )
    code, out, _ = command(capsys, "import", "names.yaml", "--check")
    assert code == 0 and "3 cases of 3 members" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["names.yaml", "theirs.nc"]
    code, out, err = command(capsys, "import", "names.yaml", "--out", "theirs.zarr")
    assert code == 0 and out.splitlines()[-1] == "Saved ensemble: theirs.zarr" and "importing ensemble/prcp" in err
    code, _, err = command(capsys, "export", "theirs.zarr")
    assert code == 2 and "'theirs.nc' is there and no saved ensemble" in err
    code, out, _ = command(capsys, "export", "theirs.zarr", "--out", "saved.nc")
    assert code == 0 and out == "NetCDF file: saved.nc\n"
    code, out, _ = command(capsys, "theirs=theirs.zarr", "--families", "probabilistic", "--mode", "metrics")
    assert code == 0 and "3 common dates" in out
    code, out, _ = command(capsys, "import", "--schema")
    assert code == 0 and "match_times" in json.loads(out)["properties"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import"], "no file of names is given"),
        (["import", "none.yaml", "--out", "x.zarr"], "there is no file of names 'none.yaml'"),
        (["import", "none.yaml"], "where to write is not given"),
        (["export", "none.zarr"], "nothing lies at 'none.zarr'"),
    ],
)
def test_errors_of_the_other_commands(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(capsys, *arguments)
    assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
