from typing import Any

import pytest
from stride_data.config import SplitConfig
from stride_data.discovery.splits import neighbours, split_times
from stride_data.errors import DataError

TIMES = tuple(f"200{year}-01-0{day}T{hour:02d}:00:00" for year in (1, 2, 3) for day in (1, 2) for hour in (0, 12))


def split(**splits: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return split_times({name: SplitConfig(**value) for name, value in splits.items()}, TIMES, TIMES)


def test_years_are_inclusive():
    found = split(train={"years": [2001, 2002]}, val={"years": [2003, 2003]}, test={"same_as": "val"})
    assert (len(found["train"]), len(found["val"])) == (8, 4)
    assert found["test"] == found["val"]
    assert list(found) == ["train", "val", "test"]


def test_ranges_include_everything_that_begins_with_their_ends():
    assert split(train={"start": "2001-01-02", "end": "2002"})["train"] == TIMES[2:8]
    assert split(train={"end": "2001-01-01"})["train"] == TIMES[:2]
    assert split(train={"start": "2003-01-02T12:00:00"})["train"] == TIMES[-1:]


def test_a_listed_date_takes_all_its_times():
    found = split(train={"dates": ["2002-01-02", "2001-01-01T12:00:00"]})["train"]
    assert found == ("2001-01-01T12:00:00", "2002-01-02T00:00:00", "2002-01-02T12:00:00")


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ({"train": {"years": [2001, 2002]}, "val": {"years": [2002, 2003]}}, "train and val share 4 times"),
        ({"train": {"years": [1990, 1999]}}, "data.splits.train is empty"),
        ({"train": {"dates": ["2001-01-01", "2001-07-01"]}}, "lists 2001-07-01"),
    ],
)
def test_wrong_splits(splits, expected):
    with pytest.raises(DataError) as error:
        split(**splits)
    assert expected in str(error.value)


def test_neighbours_in_time():
    splits = {
        "train": ["2001-01-01T00:00:00", "2001-01-05T00:00:00"],
        "val": ["2001-01-02T00:00:00", "2001-01-09T00:00:00"],
        "test": ["2001-01-02T00:00:00", "2001-01-09T00:00:00"],
        "far": ["2001-02-02T00:00:00"],
    }
    assert neighbours(splits, "standard") == {("train", "val"): 1, ("train", "test"): 1}


def test_times_without_target_only_when_asked_for():
    config = {"train": SplitConfig(years=[2001, 2001]), "future": SplitConfig(years=[2003, 2003], needs_target=False)}
    assert len(split_times(config, TIMES[:8], TIMES)["future"]) == 4
    config["future"] = SplitConfig(years=[2003, 2003])
    with pytest.raises(DataError, match="future is empty"):
        split_times(config, TIMES[:8], TIMES)
