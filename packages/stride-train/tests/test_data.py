from stride_train.config import ExperimentConfig
from stride_train.data import prepare_statistics
from stride_train.run_folder import RunFolder


def test_statistics_are_computed_once_and_again_when_the_data_changed(experiment, tmp_path):
    run = RunFolder(tmp_path)
    first = prepare_statistics(experiment, run).statistics_id
    written = run.statistics.stat().st_mtime_ns
    assert prepare_statistics(experiment, run).statistics_id == first
    assert run.statistics.stat().st_mtime_ns == written
    content = experiment.model_dump(mode="json")
    content["data"]["splits"]["train"]["end"] = "2001-01-05"
    assert prepare_statistics(ExperimentConfig.model_validate(content), run).statistics_id != first


def test_another_transform_brings_its_own_statistics(experiment, tmp_path):
    run = RunFolder(tmp_path)
    first = prepare_statistics(experiment, run).statistics_id
    content = experiment.model_dump(mode="json")
    content["data"]["transforms"] = {"fine.prcp": {"name": "asinh", "scale": 0.5}}
    changed = prepare_statistics(ExperimentConfig.model_validate(content), run)
    assert changed.statistics_id != first
    assert changed.transforms[0]["name"] == "asinh"
