import shutil
import subprocess
import sys

import pytest

HEAVY = ("torch", "xarray", "matplotlib", "lightning_fabric", "zarr")


def call(command: str, *arguments: str, cwd=None) -> subprocess.CompletedProcess[str]:
    code = f"from stride_train.cli.{command} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120, check=False
    )


@pytest.mark.parametrize("command", ["train", "generate", "averages"])
def test_help_imports_nothing_heavy(command):
    code = f"""
import sys
from stride_train.cli.{command} import app
try:
    app(["--help"])
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("[]")
    assert "Examples" in result.stdout


@pytest.mark.slow
def test_generate_writes_where_it_says(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    result = call("generate", str(run), "--system", "edm", "--system", "interpolated", "--set", "generate.members=2")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [
        "edm",
        str(run / "ensembles" / "edm.zarr"),
        "interpolated",
        str(run / "ensembles" / "interpolated.zarr"),
    ]
    assert "generating edm: done" in result.stderr


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("train", ["nowhere.yaml"], "There is no experiment file 'nowhere.yaml'"),
        ("train", ["{experiment}", "--set", "train.bugdet=1min"], "bugdet"),
        ("train", ["{experiment}", "--set", "data.root=nowhere"], "nowhere"),
        ("train", ["{experiment}", "--resume", "--out", "empty"], "train first"),
        ("generate", ["nowhere"], "There is no run folder 'nowhere'"),
        ("averages", ["nowhere"], "There is no run folder 'nowhere'"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_code_2(
    tmp_path, experiment_file, command, arguments, sentence
):
    result = call(command, *(text.format(experiment=experiment_file) for text in arguments), cwd=tmp_path)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "nothing half-written"


def test_debug_shows_the_traceback(tmp_path):
    result = call("train", "nowhere.yaml", "--debug", cwd=tmp_path)
    assert "Traceback" in result.stderr
