"""What the documents show runs as it stands."""

import re
from pathlib import Path

import pytest

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
