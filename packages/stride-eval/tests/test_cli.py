"""The command: light help, one sentence on errors, a table and a path on success."""

import subprocess
import sys

import pytest
from stride_eval.cli import app
from stride_vars.cli_errors import run


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        run(app, argv=[str(argument) for argument in arguments])
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
    for word in ("NAME=PATH", "--out", "--config", "--set", "--families", "--mode", "--reference"):
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
