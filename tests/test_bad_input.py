"""What a user can get wrong, met at the command line: one sentence, exit code 2, nothing half-written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import xarray as xr
import yaml


@pytest.fixture
def archive(second_dataset: Path, tmp_path: Path) -> Path:
    """A copy to spoil; returns its folder."""
    folder = tmp_path / "archive"
    shutil.copytree(second_dataset.parent, folder)
    return folder


@pytest.fixture(scope="module")
def trained_once(second_dataset: Path, command, tmp_path_factory) -> Path:
    """A run of the second dataset, not to be changed."""
    run = tmp_path_factory.mktemp("trained") / "run"
    result = command("stride-train", second_dataset, "--out", run)
    assert result.returncode == 0, result.stderr
    return run


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of that run to spoil."""
    return Path(shutil.copytree(trained_once, tmp_path / "run"))


@pytest.fixture
def refused(command, tmp_path: Path):
    """Runs a command that must be refused and returns its one sentence."""

    def call(name: str, *arguments: object) -> str:
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        result = command(name, *arguments, cwd=tmp_path)
        assert result.returncode == 2, (result.returncode, result.stdout, result.stderr)
        assert "Traceback" not in result.stderr
        *progress, sentence = result.stderr.strip().splitlines()
        assert sentence.startswith("error: ")
        assert not [line for line in progress if "error" in line.lower()]
        assert len(sentence) < 700
        left = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert not [path for path in left if "partial" in path.name or path.name.startswith(".")], left
        return sentence

    return call


def edit(archive: Path, **sections) -> Path:
    """The experiment with parts of its data section replaced."""
    path = archive / "second.yaml"
    content = yaml.safe_load(path.read_text())
    content["data"] |= sections
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def sources(archive: Path) -> dict:
    return yaml.safe_load((archive / "second.yaml").read_text())["data"]["sources"]


def test_missing_path(archive, refused):
    sentence = refused("stride-train", archive / "second.yaml", "--set", "data.root=nowhere", "--out", "run")
    assert "nowhere" in sentence
    assert "root" in sentence


def test_unknown_key(archive, refused):
    sentence = refused("stride-train", archive / "second.yaml", "--set", "data.regoin.name=x", "--out", "run")
    assert "data.regoin" in sentence
    assert "region" in sentence.split("data.regoin")[1]


def test_unknown_variable(archive, refused):
    changed = sources(archive)
    changed["driving"]["variables"]["tmaxx"] = {"name": "tx2"}
    path = edit(archive, sources=changed, dynamic=["driving.tmaxx"])
    sentence = refused("stride-train", path, "--out", "run")
    assert "tmaxx" in sentence
    assert "tmax" in sentence.replace("tmaxx", "")


def test_units_that_do_not_convert(archive, refused):
    changed = sources(archive)
    changed["driving"]["variables"]["msl"]["units"] = "kg"
    sentence = refused("stride-train", edit(archive, sources=changed), "--out", "run")
    assert "kg" in sentence
    assert "Pa" in sentence
    assert "msl" in sentence


def test_lr_and_hr_days_that_do_not_overlap(archive, refused):
    driving = xr.open_dataset(archive / "driving.nc").load()
    driving = driving.assign_coords(t=[time.replace(year=1950) for time in driving.t.values])
    driving.to_netcdf(archive / "driving.nc")
    sentence = refused("stride-train", archive / "second.yaml", "--out", "run")
    assert "driving" in sentence
    assert "1950" in sentence
    assert "2004" in sentence


def test_truncated_netcdf(archive, refused):
    path = archive / "regional" / "RCM_2004-02-22.nc"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sentence = refused("stride-train", archive / "second.yaml", "--out", "run")
    assert "RCM_2004-02-22.nc" in sentence


def test_statistics_of_another_variable(archive, refused, command, tmp_path):
    assert command("stride-data", "stats", archive / "second.yaml", "--out", tmp_path / "stats").returncode == 0
    changed = sources(archive)
    changed["driving"]["variables"] = {"t2m": {"name": "tx2"}, "tmax": {"name": "tx2"}}
    path = edit(archive, sources=changed, dynamic=["driving.t2m", "driving.tmax"])
    statistics = tmp_path / "stats" / "statistics.json"
    sentence = refused("stride-train", path, "--set", f"data.statistics={statistics}", "--out", "run")
    assert "driving.t2m" in sentence
    assert "statistics" in sentence


@pytest.mark.slow
def test_a_checkpoint_of_another_spec(second_dataset, refused, trained, tmp_path):
    path = second_dataset
    wider = "model.channels=[16, 32]"
    sentence = refused("stride-train", path, "--resume", "--set", wider, "--out", tmp_path / "run")
    assert "model.channels was [8, 16], is [16, 32]" in sentence
    sentence = refused("stride", "run", path, "--set", wider, "--out", tmp_path / "run")
    assert "choose another folder with --out" in sentence
    content = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    content["data"]["static"] = []
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(content))
    sentence = refused("stride-generate", tmp_path / "run")
    assert "data.static ['surface.orog']" in sentence
    assert not (tmp_path / "run" / "ensembles").exists()


def test_a_checkpoint_cut_short(refused, trained, tmp_path):
    (path,) = (tmp_path / "run" / "checkpoints").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1000])
    assert "cut short" in refused("stride-generate", tmp_path / "run")


def test_a_saved_ensemble_without_targets(refused, trained, command, tmp_path):
    assert command("stride-generate", tmp_path / "run").returncode == 0
    tree = xr.open_datatree(tmp_path / "run" / "ensembles" / "edm.zarr", engine="zarr").load()
    del tree["target"]
    tree.to_zarr(tmp_path / "without.zarr", zarr_format=3)
    systems, out = f"edm={tmp_path / 'without.zarr'}", tmp_path / "evaluation"
    sentence = refused("stride-eval", systems, "--set", "families=[probabilistic]", "--out", out)
    assert "target" in sentence
    assert not out.exists()
    # What needs no observations is done, and what was not is said.
    done = command("stride-eval", systems, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "Without observations (no /target) there is no probabilistic" in done.stdout + done.stderr
    assert list((out / "figures").glob("dates_*.png"))


def test_an_output_that_cannot_be_written(archive, refused, tmp_path):
    (tmp_path / "taken").write_text("a file")
    assert "is a file" in refused("stride-train", archive / "second.yaml", "--out", "taken")


def test_a_wrong_evaluate_key_is_found_before_the_long_work(archive, refused, tmp_path):
    sentence = refused("stride", "run", archive / "second.yaml", "--set", "evaluate.famlies=[dates]", "--out", "run")
    assert "famlies" in sentence
    assert "families" in sentence
    assert not (tmp_path / "run").exists()
