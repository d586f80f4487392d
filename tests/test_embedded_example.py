"""`stride-train` without arguments trains the embedded example."""

from __future__ import annotations

from pathlib import Path

import yaml


def test_training_without_arguments(command, tmp_path: Path):
    sets = [text for setting in ("train.budget=1steps", "train.monitor.cases=0") for text in ("--set", setting)]
    result = command("stride-train", *sets, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    run = tmp_path / "runs" / "era5-1deg-demo"
    assert (run / "checkpoints" / "step_000000001.safetensors").is_file()
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["target"] == ["era5.prcp"]
    assert "next       stride-generate runs/era5-1deg-demo" in result.stdout
