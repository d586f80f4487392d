import pytest
import yaml
from stride_train.errors import ExperimentError
from stride_train.experiments import dump_experiment, find_experiment, load_experiment, parse_experiment
from stride_vars.errors import StrideError


def test_the_resolved_experiment_reads_back_to_itself(experiment):
    assert parse_experiment(yaml.safe_load(dump_experiment(experiment)), "dumped") == experiment


def test_overrides_change_single_keys(experiment_file, experiment):
    changed = load_experiment(experiment_file, ["train.budget=5min", "generate.sampler.steps=7", "name=other"])
    assert changed.train.budget.value == 300
    assert changed.generate.sampler.steps == 7
    assert changed.name == "other"
    assert changed.data == experiment.data


def test_paths_in_the_file_are_relative_to_it_and_those_of_set_to_the_current_folder(
    experiment_file, archive, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert load_experiment(experiment_file).data.root == str(archive)
    assert load_experiment(experiment_file, ["data.root=elsewhere"]).data.root == str(tmp_path / "elsewhere")


def test_an_overridden_key_needs_no_environment_variable(experiment_file, tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    content = yaml.safe_load(experiment_file.read_text())
    content["data"]["root"] = "${NOT_SET}/there"
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(StrideError, match=r"data\.root.*environment variable NOT_SET is not set"):
        load_experiment(path)
    assert load_experiment(path, [f"data.root={tmp_path}"]).data.root == str(tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.bugdet=5min", r"train\.bugdet.*budget"),
        ("generate.sampler.setps=5", r"generate\.sampler\.setps.*steps"),
        ("train.budget=5", r"train\.budget.*is no amount of training"),
        ("generate.sampler.sigma_min=100", "must be below sigma_max"),
        ("modle.blocks=1", "modle.*model"),
        ("name=a/b", "names a folder"),
        ("train.monitor.members=1", r"train\.monitor\.members"),
    ],
)
def test_a_wrong_key_or_value_gives_one_sentence_with_its_path(experiment_file, override, message):
    with pytest.raises(StrideError, match=message) as caught:
        load_experiment(experiment_file, [override])
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_an_unknown_name_are_told_apart(tmp_path):
    with pytest.raises(ExperimentError, match=r"There is no experiment file .*nowhere\.yaml"):
        find_experiment(tmp_path / "nowhere.yaml")
    with pytest.raises(ExperimentError, match="No experiment is called 'nothing-like-this'"):
        find_experiment("nothing-like-this")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["train.p_mean=-1.2", "train.p_std=1.2"], r"sampler\.sigma_max 80 lies beyond what training sees"),
        (["train.noise_levels=loguniform", "train.sigma_max=20"], r"lies beyond what training sees \(0\.0e\+00"),
        (["train.sigma_min=3", "train.sigma_max=2"], r"sigma_min 3\.0 must be below"),
        (["train.target_weights={fine.rain: 2}"], r"'fine\.rain', which is no target.*fine\.prcp"),
    ],
)
def test_noise_levels_and_weights_that_do_not_fit_are_refused(experiment_file, overrides, sentence):
    with pytest.raises(ExperimentError, match=sentence):
        load_experiment(experiment_file, overrides)


def test_the_sampler_may_start_where_uniform_training_ends(experiment_file):
    load_experiment(experiment_file, ["train.noise_levels=loguniform", "train.sigma_max=80"])
