"""Configuration and registry: strict, and helpful when wrong."""

import datetime

import pytest
from stride_eval import registry
from stride_eval.config import EvalConfig, load_config
from stride_eval.errors import EvalError


def test_file_section_and_overrides(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text("name: x\nevaluate:\n  quicklooks: 1\n  families: [dates, scale]\n  dates: [2014-06-01]\n")
    config = load_config(path, ["thresholds.prcp=[1, 10]", "seed=7"], mode="minimal", reference=None)
    assert config.families == ("dates", "scale")
    assert config.dates == ("2014-06-01",)
    assert config.thresholds == {"prcp": (1.0, 10.0)}
    assert (config.quicklooks, config.seed, config.mode) == (1, 7, "minimal")


def test_dates_of_yaml():
    assert EvalConfig(dates=[datetime.date(2014, 6, 1)]).dates == ("2014-06-01",)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["quicklook=2"], ["quicklook", "quicklooks"]),
        (["mode=fast"], ["mode", "minimal"]),
        (["seed=a"], ["seed"]),
        (["seed"], ["no key=value"]),
        (["seed=[1"], ["YAML"]),
        (["seed.x.y=1", "seed.x=3", "seed.x.z=1"], ["holds no keys"]),
        (["windows=[2]"], ["odd"]),
        (["tail_quantiles=[1.5]"], ["between 0 and 1"]),
    ],
)
def test_wrong_keys_and_values(overrides, words):
    with pytest.raises(EvalError) as caught:
        load_config(None, overrides)
    for word in words:
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(EvalError, match="no configuration file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "a.yaml").write_text("a: [1")
    with pytest.raises(EvalError, match="cannot be read as YAML"):
        load_config(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("- 1\n")
    with pytest.raises(EvalError, match="keys and values"):
        load_config(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").write_text("")
    assert load_config(tmp_path / "c.yaml") == EvalConfig()


def test_block_length_follows_the_number_of_dates():
    assert [EvalConfig().resolved_block_length(count) for count in (1, 10, 27, 1000)] == [1, 2, 3, 10]
    assert EvalConfig(block_length=5).resolved_block_length(3) == 3


def test_unknown_family_names_the_nearest():
    with pytest.raises(EvalError, match=r"unknown family 'probabilistc'.*probabilistic"):
        registry.check(["dates", "probabilistc"])


def test_register(monkeypatch):
    monkeypatch.setattr(registry, "_MODULES", dict(registry._MODULES))
    registry.register("mine", "stride_eval.families.dates")
    assert registry.names()[-1] == "mine"
    assert registry.family("mine").TITLE == "Dates"
    with pytest.raises(EvalError, match="already registered"):
        registry.register("mine", "another.module")
