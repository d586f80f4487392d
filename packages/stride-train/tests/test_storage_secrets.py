"""A run folder holds references to secrets, never secrets."""

from pathlib import Path

import pytest
import yaml
from stride_train.experiments import dump_experiment, load_experiment
from stride_train.run_folder import RunFolder

SECRET = "sEcReT/4711+x"

EXPERIMENT = """\
name: remote
seed: 1
data:
  root: s3://bucket/archive
  storage_options: {key: "${STRIDE_TEST_KEY}", secret: %s, endpoint_url: "http://127.0.0.1:9000", anon: false}
  sources:
    fine:
      files: tp_{date:%%Y%%m%%d}.nc
      variables: {prcp: {accumulation: 1 day}}
      storage_options: {token: %s}
    coarse: {files: "tp_{date:%%Y%%m%%d}.nc", variables: {prcp: {accumulation: 1 day}}, block_average: 4}
  target: [fine.prcp]
  dynamic: [coarse.prcp]
  splits: {train: {years: [2001, 2002]}, val: {years: [2003, 2003]}}
"""


def test_a_saved_experiment_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIDE_TEST_KEY", f"key-of-{SECRET}")
    path = tmp_path / "experiment.yaml"
    path.write_text(EXPERIMENT % (SECRET, SECRET))
    config = load_experiment(path, [f"data.storage_options.other={SECRET}"])
    assert config.data.storage_options["key"] == "${STRIDE_TEST_KEY}"
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.save_config(config)
    for text in (dump_experiment(config), repr(config), *(file.read_text() for file in run.path.rglob("*.yaml"))):
        assert SECRET not in text
    saved = load_experiment(run.path / "config.yaml")
    assert saved.data.root == "s3://bucket/archive"
    assert saved.data.storage_options == {
        "key": "${STRIDE_TEST_KEY}",
        "secret": "<not saved>",
        "endpoint_url": "http://127.0.0.1:9000",
        "anon": False,
        "other": "<not saved>",
    }
    assert yaml.safe_load(dump_experiment(saved)) == yaml.safe_load(dump_experiment(config))
