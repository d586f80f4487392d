"""The page "Your data in ten minutes" works as it stands: its files, commands and Python, from top to bottom."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "your-data.md"
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path):
    printed: dict[str, str] = {}
    for kind, info, content in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            printed[content] = run([sys.executable, "-c", content], tmp_path)
        elif kind == "yaml" and "file=" in info:
            (tmp_path / info.partition("file=")[2].strip()).write_text(content, encoding="utf-8")
        elif kind == "console":
            for line in content.splitlines():
                command, *arguments = shlex.split(line)
                printed[line] = run([str(Path(sys.executable).parent / command), *arguments], tmp_path)
    (checked,) = (text for line, text in printed.items() if line.startswith("stride-data check"))
    assert "No problems found" in checked
    *_, shapes = (text for code, text in printed.items() if "make_loader" in code)
    assert "'target': (4, 1, 16, 16)" in shapes and "'cond_dynamic': (4, 3, 6, 6)" in shapes
    batches = [text for line, text in printed.items() if line.startswith("stride-data batch")]
    assert len(batches) == 2 and all("regional.prcp" in text for text in batches)
    for picture in ("boxes.png", "batch.png"):
        assert (tmp_path / picture).stat().st_size > 10_000
        assert (PAGE.parent / "images" / picture).is_file()
