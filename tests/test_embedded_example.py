"""`stride-train` without arguments trains the embedded example; its baselines are generated and scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def folder(command, tmp_path_factory) -> Path:
    """Where training ran, in its default run folder."""
    folder = tmp_path_factory.mktemp("embedded")
    sets = [text for setting in ("train.budget=1steps", "train.monitor.cases=0") for text in ("--set", setting)]
    result = command("stride-train", *sets, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "next       stride-generate runs/era5-1deg-demo" in result.stdout
    return folder


def test_training_without_arguments(folder: Path):
    run = folder / "runs" / "era5-1deg-demo"
    assert (run / "checkpoints" / "step_000000001.safetensors").is_file()
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["target"] == ["era5.prcp"]


@pytest.mark.slow
def test_baselines_are_generated_and_scored_against_climatology(folder: Path, command, tmp_path: Path):
    names = ("quantile_mapping_per_pixel", "climatology", "analogues")
    systems = [text for name in names for text in ("--system", name)]
    five = ("--set", "generate.members=5")
    made = command("stride-generate", "runs/era5-1deg-demo", *systems, "--out", tmp_path, *five, cwd=folder)
    assert made.returncode == 0, made.stderr
    assert [line.split()[0] for line in made.stdout.splitlines()] == list(names)
    ensembles = [f"{name}={tmp_path}/{name}.zarr" for name in names]
    settings = ("--set", "families=[probabilistic]", "--set", "mode=metrics", "--reference", "climatology")
    scored = command("stride-eval", *ensembles, "--out", tmp_path / "evaluation", *settings)
    assert scored.returncode == 0, scored.stderr
    found = json.loads((tmp_path / "evaluation" / "scores.json").read_text())
    assert found["reference"] == "climatology"
    members = {name: facts["members"] for name, facts in found["systems"].items()}
    assert members == {"quantile_mapping_per_pixel": 1, "climatology": 5, "analogues": 5}
    scores = {name: found["scores"][name]["prcp"] for name in names}
    assert all(score["crps"]["value"] > 0 for score in scores.values())
    assert scores["analogues"]["crps_skill"]["value"] > 0, "they know more than the season"
