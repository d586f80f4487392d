"""A new dataset is a new YAML file, not new Python: the whole chain on other names, axes, packing and calendar."""

from __future__ import annotations

import json
from pathlib import Path

import cftime
import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def run(second_dataset: Path, command, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "second"
    result = command("stride", "run", second_dataset, "--out", out)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.strip().splitlines()
    assert lines[-1] == f"report: {out / 'evaluation' / 'report.html'}"
    assert [line.split()[0] for line in lines[1:4]] == ["diffusion", "interpolated", "quantile"]
    return out


def test_one_step_was_trained(run: Path):
    assert len(list((run / "checkpoints").glob("step_000000001.safetensors"))) == 1


def test_values_units_calendar_and_coordinates_are_the_archives_own(run: Path, second_dataset: Path):
    tree = xr.open_datatree(run / "ensembles" / "edm.zarr", engine="zarr")
    target = tree["target/tmax"]
    assert target.attrs["units"] == "K"
    assert target.time.dt.calendar == "noleap"
    assert target.time.values[0] == cftime.DatetimeNoLeap(2004, 3, 4)
    original = xr.open_dataset(second_dataset.parent / "regional" / "RCM_2004-03-04.nc")
    box = original["TX"].sel(breite=target.y.values, laenge=target.x.values).isel(zeit=0)
    np.testing.assert_allclose(target.isel(time=0), box + 273.15, atol=1e-3)
    assert target.y.values[0] > target.y.values[-1], "north stays first"
    assert target.y.values.max() < 57.125 < target.y.values.max() + 0.25
    conditioning = tree["conditioning/msl"]
    assert conditioning.attrs["units"] == "hPa"
    driving = xr.open_dataset(second_dataset.parent / "driving.nc")
    expected = driving["psl"].sel(nlat=conditioning.lr_y.values, nlon=conditioning.lr_x.values).isel(t=12)
    np.testing.assert_allclose(conditioning.isel(time=0), expected / 100, rtol=1e-5)


def test_a_variable_without_a_wet_threshold_has_scores_but_no_wet_fraction(run: Path):
    scores = json.loads((run / "evaluation" / "scores.json").read_text())["scores"]
    for system in ("edm", "interpolated", "quantile_mapping"):
        assert scores[system]["tmax"]["crps"]["value"] > 0
        assert "wet_fraction" not in scores[system]["tmax"]


@pytest.mark.slow
def test_stages_that_are_done_are_not_done_again(run: Path, second_dataset: Path, command):
    files = [run / "evaluation" / "report.html", run / "ensembles" / "edm.zarr" / "zarr.json", run / "statistics.json"]
    before = [path.stat().st_mtime_ns for path in files]
    result = command("stride", "run", second_dataset, "--out", run)
    assert result.returncode == 0, result.stderr
    assert [path.stat().st_mtime_ns for path in files] == before
    assert "training: done before" in result.stderr
    assert "evaluation: done before" in result.stderr


@pytest.mark.slow
def test_every_stage_can_be_typed_alone_in_one_folder(second_dataset: Path, command, tmp_path: Path):
    out = tmp_path / "typed"
    steps = [
        ("stride-data", "check", second_dataset),
        ("stride-data", "stats", second_dataset, "--out", out),
        ("stride-train", second_dataset, "--out", out),
        ("stride-generate", out, "--system", "edm", "--system", "interpolated"),
        (
            "stride-eval",
            f"edm={out}/ensembles/edm.zarr",
            f"interpolated={out}/ensembles/interpolated.zarr",
            "--out",
            out / "evaluation",
            "--set",
            "resamples=100",
        ),
    ]
    for step in steps:
        result = command(*step)
        assert result.returncode == 0, (step, result.stderr)
    assert (out / "evaluation" / "report.html").is_file()
