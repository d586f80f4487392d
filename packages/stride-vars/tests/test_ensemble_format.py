import json

import numpy as np
import pytest
from stride_vars.ensemble_format import GROUPS, EnsembleAttrs, validate_layout
from stride_vars.errors import StrideError
from stride_vars.regions import Box, Region

MINIMUM = {"stride_format": "stride-ensemble", "stride_format_version": 1, "targets": '["prcp"]'}
MEMBERS = ("time", "member", "y", "x")
FIELD = ("time", "y", "x")


@pytest.fixture
def groups():
    return {
        "/": {},
        "/ensemble": {"prcp": MEMBERS},
        "/pmm": {"prcp": FIELD},
        "/target": {"prcp": FIELD, "latitude": ("y", "x"), "time_bnds": ("time", "bounds"), "crs": ()},
        "/conditioning": {"prcp": ("time", "lr_y", "lr_x"), "t_850": ("time", "lag", "lr_y", "lr_x")},
        "/static": {"orog": ("y", "x")},
    }


def full_attrs():
    box = Box(y=0, x=0, height=12, width=24)
    return EnsembleAttrs(
        targets=("prcp", "t2m"),
        title="Æbelø",
        experiment="demo",
        system="edm",
        config={"train": {"budget": "10min"}},
        model_spec={"channels": [32, 64]},
        checkpoint_id="abc",
        sampler={"name": "heun", "steps": 18},
        seed=7,
        transforms=[{"name": "log_zscore", "offset": 0.01}],
        statistics_id="def",
        region=Region(name="denmark", hr=box, lr=Box(y=0, x=0, height=1, width=2)),
        package_versions={"stride-vars": "0.1.0"},
        history="made",
        split="val",
    )


def test_groups_of_version_1():
    assert list(GROUPS) == ["ensemble", "pmm", "mean", "spread", "target", "conditioning", "static"]
    assert [name for name, layout in GROUPS.items() if layout.required] == ["ensemble"]


def test_attributes_are_text_and_numbers_and_come_back():
    attrs = full_attrs().to_attrs()
    assert {type(value) for value in attrs.values()} == {str, int}
    assert json.loads(str(attrs["targets"])) == ["prcp", "t2m"]
    assert attrs["Conventions"] == "CF-1.11"
    assert EnsembleAttrs.from_attrs(attrs) == full_attrs()


def test_numbers_of_file_libraries_are_read():
    attrs = {**MINIMUM, "stride_format_version": np.int64(1), "seed": np.int32(3), "someone_elses": "x"}
    assert EnsembleAttrs.from_attrs(attrs).seed == 3


def test_what_is_unknown_is_left_out_but_a_missing_model_is_said():
    attrs = EnsembleAttrs(targets=("prcp",)).to_attrs()
    assert set(attrs) == {"stride_format", "stride_format_version", "Conventions", "targets", "model_spec"}
    assert attrs["model_spec"] == "null"


def test_a_full_file_passes(groups):
    validate_layout(groups, MINIMUM, need=("target", "conditioning"))


def test_the_smallest_foreign_file_passes():
    validate_layout({"ensemble": {"prcp": MEMBERS}, "notes": {"a": ("b",)}}, MINIMUM)


def test_anyones_variable_passes():
    validate_layout({"ensemble": {"my var": MEMBERS}}, {**MINIMUM, "targets": '["my var"]'})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stride_format": None}, "'stride_format' is missing, expected 'stride-ensemble'; give the path of a saved"),
        ({"stride_format": "zarr"}, "'stride_format' is 'zarr', expected 'stride-ensemble'"),
        ({"stride_format_version": None}, "'stride_format_version' is missing, this release reads version 1"),
        ({"stride_format_version": 2}, "'stride_format_version' is 2, this release reads version 1; use the release"),
        ({"targets": None}, "root attributes: key 'targets' is missing; add it."),
        ({"targets": "prcp"}, r"'targets' is 'prcp', expected JSON text, such as '\[\"prcp\"\]'; rewrite it."),
        ({"targets": "[]"}, "targets = .*at least 1 item"),
        ({"region": "{}"}, "key 'region.name' is missing"),
        ({"seed": "many"}, "seed = 'many': Input should be a valid integer"),
        ({"config": 3}, "attribute 'config' is 3, expected JSON text; rewrite it."),
    ],
)
def test_attributes_that_do_not_read(groups, change, words):
    attrs = {name: value for name, value in {**MINIMUM, **change}.items() if value is not None}
    with pytest.raises(StrideError, match=words) as caught:
        validate_layout(groups, attrs, where="a.zarr")
    assert str(caught.value).startswith("a.zarr")


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("/ensemble", None, r"group '/ensemble' \(generated members\) is missing"),
        ("/ensemble", {}, r"'/ensemble/prcp' is missing, the root attribute 'targets' is \['prcp'\]"),
        (
            "/ensemble",
            {"prcp": ("member", "time", "y", "x")},
            r"'/ensemble/prcp' has dimensions \(member, time, y, x\), expected \(time, member, y, x\); rename",
        ),
        ("/ensemble", {"prcp": FIELD}, r"has dimensions \(time, y, x\), expected \(time, member, y, x\)"),
        ("/ensemble", {"prcp": MEMBERS, "t2m": MEMBERS}, "'/ensemble/t2m' is none of the targets"),
        ("/pmm", {"prcp": MEMBERS}, r"'/pmm/prcp' has dimensions .* expected \(time, y, x\)"),
        ("/target", {"prcp": ("time", "lat", "lon")}, r"'/target/prcp' has dimensions \(time, lat, lon\)"),
        (
            "/conditioning",
            {"prcp": FIELD},
            r"expected \(time, lr_y, lr_x\) or \(time, lag, lr_y, lr_x\)",
        ),
        ("/static", {"orog": FIELD}, r"'/static/orog' has dimensions \(time, y, x\), expected \(y, x\)"),
        ("/targets", {"prcp": FIELD}, "unknown group '/targets'. Did you mean 'target'"),
    ],
)
def test_layouts_that_are_refused(groups, name, variables, words):
    if variables is None:
        del groups[name]
    else:
        groups[name] = variables
    with pytest.raises(StrideError, match=words):
        validate_layout(groups, MINIMUM)


def test_a_needed_group_must_be_there_and_complete(groups):
    groups["/target"] = {}
    validate_layout(groups, MINIMUM)
    with pytest.raises(StrideError, match="'/target/prcp' is missing"):
        validate_layout(groups, MINIMUM, need=("target",))
    del groups["/target"]
    with pytest.raises(StrideError, match=r"group '/target' \(observed or simulated truth\) is missing"):
        validate_layout(groups, MINIMUM, need=("target",))
