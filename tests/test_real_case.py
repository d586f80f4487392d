"""The real case, ERA5 to DANRA, on the shared real data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from stride_data.adapter import GriddedAdapter
from stride_train.config import GenerateConfig
from stride_train.experiments import find_experiment, load_experiment
from stride_train.generation.domain import generated_domain

pytestmark = pytest.mark.realdata

NPZ = """
danra:
  files: danra/tp_tot_{date:%Y%m%d}.npz
  npz_key: data
  spacing: {y: 2500, x: 2500}
  variables:
    prcp: {units: mm, accumulation: 1 day, valid_min: 0}
era5:
  files: era5/tp_589x789_{date:%Y%m%d}.npz
  npz_key: data
  like: danra
  block_average: 12
  variables:
    prcp: {units: m, accumulation: 1 day}
"""


@pytest.fixture
def npz_experiment(tmp_path: Path) -> Path:
    """The real case with the user's own .npz days: other files in the YAML, nothing else."""
    content = yaml.safe_load(find_experiment("danra-era5-small").read_text())
    data = content["data"]
    data["root"] = str(Path(os.environ["STRIDE_REALDATA"]) / "danra_era5_small" / "raw_npz")
    data["sources"] = yaml.safe_load(NPZ)
    data["static"] = []
    data["splits"] = {"train": {"years": [1991, 1991]}, "test": {"years": [1992, 1992]}}
    path = tmp_path / "npz.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_the_npz_days_are_the_netcdf_days(npz_experiment: Path):
    from_npz, from_netcdf = (
        GriddedAdapter.from_config(load_experiment(path).data) for path in (npz_experiment, "danra-era5-small")
    )
    assert len(from_npz.times("train")) == 3
    for time in from_npz.times("train"):
        ours, theirs = from_npz.fields(time), from_netcdf.fields(time)
        np.testing.assert_allclose(ours.target, theirs.target, atol=0.0051)  # the NetCDF days are packed by 0.01 mm
        np.testing.assert_allclose(ours.dynamic, theirs.dynamic, rtol=2e-4, atol=1e-4)
        assert ours.target.min() == 0.0


@pytest.mark.slow
def test_the_npz_days_train(npz_experiment: Path, command, tmp_path: Path):
    settings = ["train.budget=1steps", "train.batch_size=2", "model.channels=[8, 16]", "train.monitor.cases=0"]
    sets = [text for setting in settings for text in ("--set", setting)]
    result = command("stride-train", npz_experiment, "--out", tmp_path / "run", *sets)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "checkpoints" / "step_000000001.safetensors").is_file()


def test_the_training_split_ends_before_the_scored_years():
    adapter = GriddedAdapter.from_config(load_experiment("danra-era5-small").data)
    assert len(adapter.times("train")) == 70
    assert len(adapter.times("test")) == 10
    assert max(adapter.times("train")) < "2013" <= min(adapter.times("test"))
    assert adapter.lr_shape == (12, 12)


def test_the_whole_of_danra_is_covered_by_tiles_of_the_training_crop():
    adapter = GriddedAdapter.from_config(load_experiment("danra-era5-small").data)
    domain = generated_domain(adapter, GenerateConfig(domain="whole"))
    assert domain.box.shape == (384, 780) and domain.region.lr.shape == (32, 65)
    assert len(domain.boxes) == 28 and {box.shape for box in domain.boxes} == {(144, 144)}
    fields = adapter.fields(adapter.times("test")[0], domain.box)
    assert fields.target is not None and fields.target.shape == (1, 384, 780)
    last = adapter.fields(adapter.times("test")[0], domain.boxes[-1])
    np.testing.assert_array_equal(last.dynamic, fields.dynamic[..., -12:, -12:])
    np.testing.assert_array_equal(last.static, fields.static[..., -144:, -144:])
