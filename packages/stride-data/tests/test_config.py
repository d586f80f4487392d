from typing import Any

import pytest
from stride_data.config import DataConfig, load_data_config, validate_data_config
from stride_data.errors import DataError


def sentence(section: dict[str, Any]) -> str:
    with pytest.raises(DataError) as error:
        validate_data_config(section, "run.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_small_section_is_valid_and_survives_dumping(small_config):
    config = validate_data_config(small_config, "test")
    assert config.time_match == "exact"
    assert config.sources["ground"].variables["lsm"].name is None
    assert DataConfig.model_validate(config.model_dump(mode="json")) == config


def test_an_unknown_key_names_its_path_and_the_right_one(small_config, write_yaml):
    small_config["sources"]["coarse"]["block_avrage"] = 4
    path = write_yaml({"data": small_config})
    with pytest.raises(DataError) as error:
        load_data_config(path)
    assert "data.sources.coarse.block_avrage" in str(error.value)
    assert "block_average" in str(error.value)


def test_types_are_not_converted(small_config):
    small_config["region"]["hr"]["y"] = "8"
    assert "data.region.hr.y" in sentence(small_config)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({"years": [2001, 2000]}, "run backwards"),
        ({"years": [2001, 2002], "start": "2001"}, "give one of"),
        ({}, "give one of"),
        ({"same_as": "tran"}, "did you mean 'train'?"),
        ({"same_as": "test"}, "same_as names 'test'"),
    ],
)
def test_wrong_splits(small_config, split, expected):
    small_config["splits"]["val"] = split
    assert expected in sentence(small_config)


def test_dates_may_be_written_as_yaml_reads_them(write_yaml, small_config, tmp_path):
    small_config.pop("splits")
    path = write_yaml(small_config)
    text = "splits: {train: {start: 2001-01-02, end: 2001}, val: {dates: [2002-01-01, 2002-01-02T00:00:00]}}\n"
    path.write_text(path.read_text() + text)
    splits = load_data_config(path).splits
    assert splits["train"].start == "2001-01-02"
    assert splits["train"].end == "2001"
    assert splits["val"].dates == ["2002-01-01", "2002-01-02T00:00:00"]


@pytest.mark.parametrize(
    "box", [{"y": 0, "x": 0, "height": 3}, {"y": 0, "x": 0, "height": 3, "width": 3, "south": 1}, {"south": 1}, {}]
)
def test_a_box_has_one_complete_form(small_config, box):
    small_config["region"]["hr"] = box
    assert "all four" in sentence(small_config)


def test_channels_must_be_declared_once(small_config):
    small_config["dynamic"] = ["coarse.prpc"]
    assert "did you mean 'coarse.prcp'?" in sentence(small_config)
    small_config["dynamic"] = ["coarse.prcp", "coarse.prcp"]
    assert "'coarse.prcp' stands there twice" in sentence(small_config)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("log-zscor", "did you mean 'log_zscore'?"),
        ({"name": "log_zscore", "ofset": 1.0}, "did you mean 'offset'?"),
        ({"name": "zscore", "offset": 1.0}, "unknown key 'fine.prcp.offset'"),
        ({"name": "log_zscore", "offset": "much"}, "must be a number"),
        ({"name": 3}, "must be the name"),
    ],
)
def test_wrong_transforms(small_config, entry, expected):
    small_config["transforms"] = {"fine.prcp": entry}
    assert expected in sentence(small_config)


def test_a_transform_of_an_unused_channel(small_config):
    small_config["transforms"] = {"fine.t2m": "zscore"}
    assert "'fine.t2m' is not used" in sentence(small_config)


def test_like_and_spacing(small_config):
    source = small_config["sources"]["coarse"]
    source["like"] = "fine"
    source["spacing"] = {"y": 1.0, "x": 1.0}
    assert "keep one of them" in sentence(small_config)
    del source["spacing"]
    source["like"] = "fin"
    assert "did you mean 'fine'?" in sentence(small_config)
    source["like"] = None
    source["spacing"] = {"y": 0.0, "x": 1.0}
    assert "makes no grid" in sentence(small_config)


@pytest.mark.parametrize(("value", "valid"), [("refuse", True), (0, True), (0.5, True), ("drop", False), ([], False)])
def test_missing_conditioning(small_config, value, valid):
    small_config["missing_conditioning"] = value
    if valid:
        assert validate_data_config(small_config, "test").missing_conditioning == value
    else:
        assert "data.missing_conditioning" in sentence(small_config)


def test_sentences_end_once(small_config):
    small_config["dynamic"] = ["coarse.prpc"]
    assert sentence(small_config).endswith("no source declares 'coarse.prpc' (did you mean 'coarse.prcp'?).")
    small_config["dynamic"] = ["x.y"]
    assert sentence(small_config).endswith("'x.y'; choose one of: fine.prcp, coarse.prcp, ground.orog, ground.lsm.")
