"""Secrets stay where they belong: in the environment, and in the memory of the process that opens files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from stride_data.config import DataConfig, load_data_config, resolve_paths, validate_data_config
from stride_data.errors import DataError
from stride_data.storage_options import PLACEHOLDER, expanded, scrubbed, shown
from stride_data.urls import holds_credentials, joined, local_path, protocol
from stride_data.yaml_config import absolute, apply_overrides, expand_env

SECRET = "sEcReT/4711+x"
OPTIONS = {
    "key": "${STRIDE_TEST_KEY}",
    "secret": SECRET,
    "anon": False,
    "endpoint_url": "http://127.0.0.1:9000",
    "client_kwargs": {"region_name": "eu-north-1", "headers": {"Authorization": "Bearer ${STRIDE_TEST_KEY}"}},
    "tokens": [SECRET, "${STRIDE_TEST_KEY}"],
    "pin": 471108,
}
SHOWN = {
    "key": "${STRIDE_TEST_KEY}",
    "secret": PLACEHOLDER,
    "anon": False,
    "endpoint_url": "http://127.0.0.1:9000",
    "client_kwargs": {"region_name": "eu-north-1", "headers": {"Authorization": "Bearer ${STRIDE_TEST_KEY}"}},
    "tokens": [PLACEHOLDER, "${STRIDE_TEST_KEY}"],
    "pin": PLACEHOLDER,
}


@pytest.fixture
def section(small_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("STRIDE_TEST_KEY", f"key-of-{SECRET}")
    small_config["storage_options"] = OPTIONS
    small_config["sources"]["fine"]["storage_options"] = {"secret": SECRET, "token": "${STRIDE_TEST_KEY}"}
    return small_config


def test_what_is_shown_of_options():
    assert shown(OPTIONS) == SHOWN
    assert shown(SHOWN) == SHOWN
    assert shown({"endpoint_url": f"https://me:{SECRET}@host"}) == {"endpoint_url": PLACEHOLDER}
    assert shown({"endpoint_url": f"https://host/?token={SECRET}"}) == {"endpoint_url": PLACEHOLDER}
    assert shown({"secret": f"${{A}}{SECRET}"}) == {"secret": PLACEHOLDER}


KEYS = st.text("abcdefgh_", max_size=5)


@given(
    st.recursive(
        st.dictionaries(KEYS, st.just(SECRET) | st.integers(1000, 9999), max_size=3),
        lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, max_size=2), max_size=3),
        max_leaves=5,
    )
)
def test_no_secret_is_ever_shown(options):
    assert SECRET not in repr(shown(options))
    assert not any(str(number) in repr(shown(options)) for number in range(1000, 1010))


def test_references_are_replaced_when_files_are_opened(monkeypatch):
    monkeypatch.setenv("STRIDE_TEST_KEY", "abc")
    opened = expanded(OPTIONS, "data.storage_options")
    assert opened["key"] == "abc"
    assert opened["client_kwargs"]["headers"]["Authorization"] == "Bearer abc"
    assert opened["tokens"] == [SECRET, "abc"]
    monkeypatch.delenv("STRIDE_TEST_KEY")
    with pytest.raises(DataError, match=r"key 'data\.storage_options\.key' uses \$\{STRIDE_TEST_KEY\}, .* export it"):
        expanded(OPTIONS, "data.storage_options")


def test_messages_of_libraries_are_scrubbed():
    text = scrubbed(f"denied: {SECRET} and sEcReT%2F4711%2Bx at http://127.0.0.1:9000, pin 471108", OPTIONS)
    assert text == "denied: *** and *** at http://127.0.0.1:9000, pin ***"


def test_no_secret_leaves_the_configuration(section, build):
    config = validate_data_config(section, "test")
    written = [repr(config), str(config), config.model_dump_json(), json.dumps(config.model_dump(mode="json"))]
    written += [repr(config.model_dump()), repr(config.sources["fine"]), repr(config.storage_options)]
    adapter = build(section)
    written += [json.dumps(part) for part in (adapter.metadata(), adapter.statistics, adapter.statistics_provenance())]
    written += [repr(adapter.sources), repr(adapter.config), repr(adapter.batch_meta())]
    for text in written:
        assert SECRET not in text
        assert "471108" not in text
    dumped = config.model_dump(mode="json")
    assert dumped["storage_options"] == SHOWN
    assert dumped["sources"]["fine"]["storage_options"] == {"secret": PLACEHOLDER, "token": "${STRIDE_TEST_KEY}"}
    # In memory they are all there.
    assert config.storage_options["secret"] == SECRET


def test_a_saved_configuration_asks_for_its_secrets(section, build):
    saved = validate_data_config(section, "test").model_dump(mode="json")
    assert DataConfig.model_validate(saved).model_dump(mode="json") == saved
    build(saved, scaled=False)  # files on disk need none
    saved["root"] = "memory://somewhere"
    with pytest.raises(DataError) as error:
        build(saved, scaled=False)
    assert str(error.value) == (
        "data.storage_options.tokens.0 was left out when this configuration was saved, since it may be a secret; give "
        "it again as a reference ${NAME} to an environment variable, or by --set data.storage_options.tokens.0=VALUE."
    )


def test_files_and_overrides_keep_references(section, write_yaml, monkeypatch):
    path = write_yaml({"data": {**section, "root": "${STRIDE_TEST_ROOT}"}})
    monkeypatch.setenv("STRIDE_TEST_ROOT", "s3://bucket/folder")
    config = load_data_config(path, ["data.storage_options.extra=${STRIDE_TEST_KEY}"])
    assert config.root == "s3://bucket/folder"
    assert config.storage_options["key"] == config.storage_options["extra"] == "${STRIDE_TEST_KEY}"
    assert config.sources["fine"].storage_options["token"] == "${STRIDE_TEST_KEY}"
    assert SECRET not in repr(expand_env(yaml.safe_load(path.read_text())))


@pytest.mark.parametrize(
    "change",
    [
        {"storage_options": f"key={SECRET}"},
        {"storage_options": [SECRET]},
        {"storage_option": {"secret": SECRET}},
        {"sources": {"a": {"files": "a.nc", "storage_options": {"secret": SECRET}}}},
        {"sources": {"a": {"storage_options": {"secret": SECRET}, "files": "a.nc", "like": "a", "variables": {}}}},
        {"sources": {"a": {"files": "a", "variables": {"t2m": {}}, "storage_options": SECRET}}},
        {"lags": "-1 day"},
    ],
)
def test_no_secret_in_messages_about_the_configuration(section, change):
    with pytest.raises(DataError) as error:
        validate_data_config({**section, **change}, "test")
    chain = [error.value, error.value.__cause__]
    assert not any(SECRET in str(each) for each in chain)


@pytest.mark.parametrize("text", [f"data.x.y.storage_options.secret={SECRET}", f"data.storage_options=[{SECRET}"])
def test_no_secret_in_messages_about_overrides(section, text):
    with pytest.raises(DataError) as error:
        apply_overrides({"data": {"x": 1, **section}}, [text])
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        f"https://me:{SECRET}@host/folder",
        "s3://key@bucket/folder",
        f"https://host/folder?X-Amz-Signature={SECRET}",
        f"s3://bucket/a.nc?versionId={SECRET}",
    ],
)
def test_urls_with_credentials_are_refused(section, build, url):
    for where, change in (
        ("data.root", {"root": url}),
        (
            r"data.sources.fine.files",
            {"sources": {**section["sources"], "fine": {"files": url, "variables": {"prcp": {}}}}},
        ),
    ):
        with pytest.raises(DataError) as error:
            validate_data_config({**section, **change}, "test")
        assert str(error.value).startswith(f"{where}: the URL holds a user name, a password or a query")
        assert url not in str(error.value)


def test_a_query_below_a_remote_root_is_refused(section, build):
    section["root"] = "memory://somewhere"
    section["storage_options"] = {}
    section["sources"]["fine"] = {"files": f"a.nc?token={SECRET}", "variables": {"prcp": {}}}
    with pytest.raises(DataError, match=r"^data\.sources\.fine\.files: the URL holds"):
        build(section, scaled=False)


def test_a_url_from_the_environment_is_refused_too(section, build, monkeypatch):
    monkeypatch.setenv("STRIDE_TEST_ROOT", f"https://me:{SECRET}@host")
    with pytest.raises(DataError) as error:
        build({**section, "root": "${STRIDE_TEST_ROOT}"}, scaled=False)
    assert "the URL holds a user name" in str(error.value) and SECRET not in str(error.value)


def test_texts_that_are_urls():
    assert protocol("S3://bucket") == "s3" and protocol("memory://x") == "memory"
    assert protocol("C:/data") is None and protocol("/data") is None and protocol("C://data") is None
    assert joined("s3://bucket/a/", "b_*.nc") == "s3://bucket/a/b_*.nc"
    assert joined("/data", "s3://bucket/a.nc") == "s3://bucket/a.nc"
    assert joined("/data", "a.nc") == "/data/a.nc" and joined("/data", "/other/a.nc") == "/other/a.nc"
    assert local_path("file:///data/a.nc") == "/data/a.nc" and local_path("s3://a") == "s3://a"
    assert not holds_credentials("s3://bucket/a_?.nc") and not holds_credentials("https://host/a@b.nc")
    assert absolute("s3://bucket/folder", "/base") == "s3://bucket/folder"
    assert resolve_paths({"root": "https://host/folder"}, Path("/base"))["root"] == "https://host/folder"
