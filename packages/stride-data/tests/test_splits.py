import datetime
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_data.config import SplitConfig, validate_data_config
from stride_data.discovery.splits import neighbours, split_times
from stride_data.discovery.times import ordinal_days
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


def days(count: int, first: str = "2001-01-01") -> tuple[str, ...]:
    start = datetime.datetime.fromisoformat(first)
    return tuple((start + datetime.timedelta(days=day)).isoformat() for day in range(count))


def drawn(times, shares: dict[str, float], **options) -> dict[str, tuple[str, ...]]:
    return split_times({name: SplitConfig(random=share) for name, share in shares.items()}, times, times, **options)


def test_random_shares_of_ten_days():
    found = drawn(days(10), {"train": 0.8, "val": 0.1, "test": 0.1})
    assert [len(times) for times in found.values()] == [8, 1, 1]
    assert sorted(time for times in found.values() for time in times) == list(days(10))
    assert all(list(times) == sorted(times) for times in found.values())
    # Written down once: the draw must not change with a version of anything.
    assert found["val"] + found["test"] == ("2001-01-02T00:00:00", "2001-01-06T00:00:00")


def test_random_splits_follow_the_seed_and_nothing_else():
    shares = {"train": 0.7, "val": 0.3}
    assert drawn(days(100), shares, seed=5) == drawn(days(100), shares, seed=5)
    assert drawn(days(100), shares, seed=5) != drawn(days(100), shares, seed=6)


def test_random_splits_share_what_no_other_split_takes():
    times = days(20)
    config = {"train": SplitConfig(random=0.5), "val": SplitConfig(random=0.5), "test": SplitConfig(start="2001-01-11")}
    found = split_times(config, times, times)
    assert found["test"] == times[10:]
    assert sorted(found["train"] + found["val"]) == list(times[:10])
    assert list(found) == ["train", "val", "test"]


def test_blocks_stay_together():
    times = days(70)
    found = drawn(times, {"train": 0.6, "val": 0.4}, seed=1, block_days=7)
    owners = {time: name for name, held in found.items() for time in held}
    blocks: dict[int, set[str]] = {}
    for time in times:
        blocks.setdefault(math.floor(ordinal_days(time, "standard") / 7), set()).add(owners[time])
    assert all(len(names) == 1 for names in blocks.values())
    alone = drawn(times, {"train": 0.6, "val": 0.4}, seed=1)
    near, far = (sum(neighbours(splits, "standard").values()) for splits in (alone, found))
    assert far < near


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(20, 60),
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    left=st.integers(0, 3),
    seed=st.integers(0, 2**31),
    block=st.sampled_from([None, 1, 2.5]),
    calendar=st.sampled_from(["standard", "noleap", "360_day"]),
)
def test_random_splits_are_disjoint_and_complete(count, weights, left, seed, block, calendar):
    times = tuple(f"20{year:02d}-02-{day:02d}T00:00:00" for year in range(1, 4) for day in range(1, 21))[:count]
    shares = {f"split{number}": weight / (sum(weights) + left) for number, weight in enumerate(weights)}
    try:
        found = drawn(times, shares, seed=seed, block_days=block, calendar=calendar)
    except DataError as error:
        assert "is empty: a random share" in str(error)
        return
    held = [time for times in found.values() for time in times]
    assert len(held) == len(set(held))
    assert set(held) <= set(times)
    if left == 0:
        assert set(held) == set(times)


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ({"train": {"random": 0.9}, "val": {"random": 0.2}}, "random shares add up to 1.1; they must not exceed 1"),
        ({"train": {"random": 1.5}}, r"random = 1\.5"),
        (
            {"train": {"random": 0.5, "years": [2001, 2002]}},
            "give one of: years, start and end, dates, random, same_as",
        ),
        ({"train": {"random": 0.5, "needs_target": False}}, "drawn among times with a target"),
    ],
)
def test_random_splits_that_make_no_sense(splits, expected):
    section = {
        "sources": {"a": {"files": "a.nc", "variables": {"t2m": {}}}},
        "target": ["a.t2m"],
        "dynamic": ["a.t2m"],
        "splits": splits,
    }
    with pytest.raises(DataError, match=expected):
        validate_data_config(section, "test")


def test_a_random_split_that_stays_empty():
    with pytest.raises(DataError, match=r"val is empty: a random share of 0.1 of 2 blocks of 7 days .* rounds to none"):
        drawn(days(10, "2001-01-04"), {"train": 0.9, "val": 0.1}, block_days=7)


@pytest.mark.parametrize("block", ["0 days", "-7 days", "a while"])
def test_a_block_must_last(block):
    section = {
        "sources": {"a": {"files": "a.nc", "variables": {"t2m": {}}}},
        "target": ["a.t2m"],
        "dynamic": ["a.t2m"],
        "splits": {"train": {"random": 1.0}},
        "split_block": block,
    }
    with pytest.raises(DataError, match=r"split_block = .*is no"):
        validate_data_config(section, "test")
