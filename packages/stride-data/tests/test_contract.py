import numpy as np
import pytest
from stride_data.assembly.channels import ChannelCounts
from stride_data.contract import validate_batch
from stride_data.errors import DataError


def batch():
    return {
        "target": np.zeros((2, 1, 8, 12), np.float32),
        "cond_dynamic": np.zeros((2, 3, 2, 3), np.float32),
        "cond_static": np.zeros((2, 2, 8, 12), np.float32),
        "cond_coord": {
            "hr_box": np.zeros((2, 4), np.int64),
            "lr_box": np.zeros((2, 4), np.int64),
            "hr_bounds": np.zeros((2, 4)),
            "lr_bounds": np.zeros((2, 4)),
        },
        "mask": np.ones((2, 1, 8, 12), bool),
        "meta": {
            "timestamps": ["a", "b"],
            "target_vars": ["t"],
            "cond_vars": ["u", "v", "w"],
            "static_vars": ["s", "l"],
            "domain_info": {},
            "scaling_info": {},
            "seed": 1,
        },
    }


def validate(content) -> None:
    validate_batch(content, counts=ChannelCounts(1, 3, 2), hr_shape=(8, 12), lr_shape=(2, 3))


def test_a_right_batch_passes():
    validate(batch())
    validate({**batch(), "target": None, "mask": None, "cond_coord": None})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"target": np.zeros((2, 1, 8, 11), np.float32)},
            "'target' expected float32 [2, 1, 8, 12], got float32 [2, 1, 8, ",
        ),
        ({"target": np.zeros((2, 1, 8, 12))}, "'target' expected float32 [2, 1, 8, 12], got float64"),
        ({"cond_dynamic": np.zeros((2, 1, 2, 3), np.float32)}, "'cond_dynamic' expected float32 [2, 3, 2, 3], got"),
        ({"cond_dynamic": None}, "'cond_dynamic' is None"),
        ({"cond_static": None}, "'cond_static' is None; expected 2 static channels"),
        ({"mask": np.ones((2, 1, 8, 12), np.float32)}, "'mask' expected bool"),
        ({"target": None}, "'mask' is given without 'target'"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"cond_coord": {}}, "'cond_coord.hr_box' is missing"),
    ],
)
def test_what_is_wrong_is_named(change, expected):
    with pytest.raises(DataError) as error:
        validate({**batch(), **change})
    assert expected in str(error.value)


def with_context(**change):
    content = batch()
    content["cond_context_dynamic"] = np.zeros((2, 1, 5, 6), np.float32)
    content["cond_context_static"] = np.zeros((2, 2, 5, 6), np.float32)
    content["cond_coord"] |= {"context_box": np.zeros((2, 4), np.int64), "context_bounds": np.zeros((2, 4))}
    return {**content, **change}


def validate_with_context(content, **options) -> None:
    counts = ChannelCounts(1, 3, 2, 1, 2)
    validate_batch(content, counts=counts, hr_shape=(8, 12), lr_shape=(2, 3), context_shape=(5, 6), **options)


def test_context_is_checked_like_the_rest():
    validate_with_context(with_context())
    with pytest.raises(DataError, match=r"'cond_context_dynamic' is None; expected 1 channels"):
        validate_with_context(batch())
    with pytest.raises(
        DataError, match=r"'cond_context_static' expected float32 \[2, 2, 5, 6\], got float32 \[2, 1, 5, 6\]"
    ):
        validate_with_context(with_context(cond_context_static=np.zeros((2, 1, 5, 6), np.float32)))
    with pytest.raises(DataError, match=r"'cond_coord\.context_box' is missing"):
        validate_with_context(with_context(cond_coord=batch()["cond_coord"]))
    with pytest.raises(DataError, match=r"'cond_context_dynamic' is a value; expected 0 channels"):
        validate(with_context())


def test_missing_keys_and_lengths():
    content = batch()
    del content["meta"]
    with pytest.raises(DataError, match="key 'meta' is missing"):
        validate(content)
    content = batch()
    content["meta"]["timestamps"] = ["a"]
    with pytest.raises(DataError, match=r"'meta\.timestamps' expected 2 entries, got 1"):
        validate(content)
    del content["meta"]["seed"]
    content["meta"]["timestamps"] = ["a", "b"]
    with pytest.raises(DataError, match=r"'meta\.seed' is missing"):
        validate(content)


def test_temporal_steps_and_time_features_have_their_axes():
    sizes = {"counts": ChannelCounts(1, 3, 2), "hr_shape": (8, 12), "lr_shape": (2, 3)}
    stacked = {
        **batch(),
        "cond_dynamic": np.zeros((2, 4, 3, 2, 3), np.float32),
        "cond_time": np.zeros((2, 2), np.float32),
    }
    validate_batch(stacked, **sizes, temporal_steps=4, time_features=2)
    with pytest.raises(DataError, match=r"expected float32 \[2, 4, 3, 2, 3\], got float32 \[2, 3, 2, 3\]"):
        validate_batch({**stacked, "cond_dynamic": batch()["cond_dynamic"]}, **sizes, temporal_steps=4, time_features=2)
    with pytest.raises(DataError, match=r"'cond_time' is a value; expected 0 time features"):
        validate_batch({**batch(), "cond_time": stacked["cond_time"]}, **sizes)
    with pytest.raises(DataError, match=r"'cond_time' is None; expected 2 time features"):
        validate_batch(batch(), **sizes, time_features=2)
