from pathlib import Path

import pytest
from stride_data.config import apply_overrides, expand_env, load_data_config, load_yaml
from stride_data.errors import DataError


def test_exponents_without_a_point_are_numbers(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("rate: 1e-4\nother: -2E+3\nname: 1e-4x\n")
    assert load_yaml(path) == {"rate": 1e-4, "other": -2e3, "name": "1e-4x"}


def test_a_syntax_error_names_its_line(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: [1, 2\nc: 3\n")
    with pytest.raises(DataError, match=r"a\.yaml, line 3.*correct the YAML there\.$"):
        load_yaml(path)


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: 2\na: 3\n")
    with pytest.raises(DataError, match=r"line 3.*'a' stands twice"):
        load_yaml(path)


def test_a_list_at_the_top_is_an_error(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("- 1\n")
    with pytest.raises(DataError, match="holds a list"):
        load_yaml(path)
    path.write_text("")
    assert load_yaml(path) == {}


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"nothing\.yaml: there is no such file"):
        load_yaml(tmp_path / "nothing.yaml")


def test_overrides_are_yaml_and_do_not_change_the_original():
    content = {"a": {"b": 1, "list": [1, {"c": 2}]}}
    changed = apply_overrides(content, ["a.b=2.5", "a.new.deep=[1, x]", "a.list.1.c=null", "a.list.0=true", "t=a=b"])
    assert changed == {"a": {"b": 2.5, "list": [True, {"c": None}], "new": {"deep": [1, "x"]}}, "t": "a=b"}
    assert content == {"a": {"b": 1, "list": [1, {"c": 2}]}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a.b", "write it as key.path=value"),
        ("=1", "write it as key.path=value"),
        ("a.b.c=1", "is a single value"),
        ("a.list.7=1", "'a.list.7' does not exist there, its parent is a list of 1 items"),
        ("a.b=[1", "is not valid YAML"),
    ],
)
def test_wrong_overrides(text: str, sentence: str):
    with pytest.raises(DataError) as error:
        apply_overrides({"a": {"b": 1, "list": [1]}}, [text])
    assert sentence in str(error.value)
    assert text in str(error.value)


def test_environment_variables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIDE_TEST_FOLDER", "/data")
    monkeypatch.delenv("STRIDE_TEST_NOTHING", raising=False)
    assert expand_env({"a": ["${STRIDE_TEST_FOLDER}/x", 3]}) == {"a": ["/data/x", 3]}
    with pytest.raises(DataError, match=r"key 'data\.root' uses .*STRIDE_TEST_NOTHING is not set"):
        expand_env({"data": {"root": "${STRIDE_TEST_NOTHING}/x"}})


def test_paths_of_the_file_and_of_set(tmp_path: Path, small_config, write_yaml, monkeypatch: pytest.MonkeyPatch):
    small_config["root"] = "archive"
    small_config["statistics"] = "statistics.json"
    path = write_yaml({"data": small_config, "train": {"anything": 1}})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_data_config(path).root == str(tmp_path / "archive")
    assert load_data_config(path).statistics == str(tmp_path / "statistics.json")
    assert load_data_config(path, ["data.root=mine"]).root == str(elsewhere / "mine")
    del small_config["root"]
    path = write_yaml(small_config, "bare.yaml")
    assert load_data_config(path).root == str(tmp_path)
    assert load_data_config(path, ["root=mine"]).root == str(elsewhere / "mine")
