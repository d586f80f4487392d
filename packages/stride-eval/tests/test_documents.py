"""What the documents show runs as it stands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stride_eval.cli import command_line
from stride_eval.config import EvalConfig
from stride_eval.reading import open_ensemble

PACKAGE = Path(__file__).parents[1]


def blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def test_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(PACKAGE / "README.md")
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "calibrated       CRPS" in printed and "(MAE (one member))" in printed
    assert (tmp_path / "evaluation" / "report.html").is_file()


def test_evaluation_page(tmp_path, monkeypatch, capsys):
    page = PACKAGE.parents[1] / "docs" / "evaluation.md"
    if not page.is_file():
        pytest.skip("the workspace's documents are not beside the package")
    monkeypatch.chdir(tmp_path)
    space = {}
    for example in blocks(page):
        exec(compile(example, "evaluation.md", "exec"), space)
    assert "n = 6 dates" in capsys.readouterr().out
    assert len(blocks(page)[0].splitlines()) <= 23


def test_metrics_page():
    page = PACKAGE.parents[1] / "docs" / "metrics.md"
    if not page.is_file():
        pytest.skip("the workspace's documents are not beside the package")
    rng = np.random.default_rng(0)
    members = xr.DataArray(rng.gamma(0.5, 4, (30, 5, 6, 7)), dims=("time", "member", "y", "x"))
    fields = {
        "forecast": members,
        "model": members,
        "reference": members.isel(member=slice(2)),
        "observed": members[:, 0],
    }
    first, second = blocks(page)
    exec(compile(first, "metrics.md", "exec"), dict(fields))
    *lines, last = second.strip().splitlines()
    space = dict(fields)
    exec(compile("\n".join([*lines, f"found = {last}"]), "metrics.md", "exec"), space)
    assert space["found"]["lower"] <= space["found"]["estimate"] <= space["found"]["upper"]


def test_other_ensembles_page(tmp_path, monkeypatch, capsys):
    page = PACKAGE.parents[1] / "docs" / "other-ensembles.md"
    if not page.is_file():
        pytest.skip("the workspace's documents are not beside the package")
    monkeypatch.chdir(tmp_path)
    for example in blocks(page):
        exec(compile(example, "other-ensembles.md", "exec"), {})
    text = page.read_text(encoding="utf-8")
    ((name, content),) = re.findall(r"```yaml file=(\S+)\n(.*?)```", text, re.DOTALL)
    Path(name).write_text(content, encoding="utf-8")
    for line in "".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL)).splitlines():
        command, *arguments = shlex.split(line)
        assert command == "stride-eval"
        command_line(arguments, standalone_mode=False)
    printed = capsys.readouterr().out
    assert "6 cases of 5 members" in printed and "6 common dates" in printed
    for path in (Path("theirs.zarr"), Path("theirs.nc")):
        found = open_ensemble("theirs", path)
        assert found.members == 5 and found.attrs["title"] == "A forecast of another house"


def test_every_key_of_the_configuration_is_told():
    page = PACKAGE.parents[1] / "docs" / "evaluation.md"
    if not page.is_file():
        pytest.skip("the workspace's documents are not beside the package")
    told = set(re.findall(r"`(\w+)`", page.read_text(encoding="utf-8")))
    assert not set(EvalConfig.model_fields) - told
