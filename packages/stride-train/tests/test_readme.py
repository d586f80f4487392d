"""The README's Python runs as it stands."""

import re
import shutil
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs(experiment_file, tmp_path, monkeypatch, capsys):
    shutil.copytree(experiment_file.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(block, str(README), "exec"), {})
    assert "edm.zarr" in capsys.readouterr().out
