"""Which times belong to which split."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from stride_data.config import SplitConfig
from stride_data.discovery.times import by_date, matches, ordinal_days
from stride_data.errors import DataError
from stride_data.field_source import FieldSource


def common_times(sources: Sequence[FieldSource], where: str = "data.sources") -> tuple[str, ...]:
    """Times that all sources hold, in order.

    Args:
        sources: Sources that samples need at each time.
        where: Key of the configuration, for messages.

    Raises:
        DataError: If a source has no times, or they share none.
    """
    for source in sources:
        if not source.times:
            raise DataError(
                f"{where}.{source.name}: no times found in {source.place()}; put the date into the file pattern, such "
                "as name_{date:%Y%m%d}.nc, or name the time dimension under dims."
            )
    shared = set(sources[0].times).intersection(*(source.times for source in sources[1:]))
    if not shared:
        raise _no_overlap(sources)
    return tuple(time for time in sources[0].times if time in shared)


def _no_overlap(sources: Sequence[FieldSource]) -> DataError:
    spans = ", ".join(f"{s.name} has {len(s.times)} from {s.times[0]} to {s.times[-1]}" for s in sources)
    days = set.intersection(*({by_date(time) for time in source.times} for source in sources))
    mend = (
        f"{len(days)} of their dates agree, so set data.time_match: date"
        if days
        else "check the file patterns, or the dates of the files"
    )
    return DataError(f"no time is common to the sources ({spans}); {mend}.")


def split_times(
    splits: Mapping[str, SplitConfig],
    paired: Sequence[str],
    conditioned: Sequence[str],
    *,
    calendar: str = "standard",
    seed: int = 0,
    block_days: float | None = None,
) -> dict[str, tuple[str, ...]]:
    """Times of each split.

    Args:
        splits: The configuration's splits.
        paired: Times with target and conditioning, in order.
        conditioned: Times with conditioning, in order.
        calendar: CF calendar of the times.
        seed: Seed of random splits.
        block_days: Length of the blocks of days that random splits keep together; None draws each time alone.

    Returns:
        Times by split, in order.

    Raises:
        DataError: If a split is empty, lists a time that is not there, or shares a time with another split.
    """
    result: dict[str, tuple[str, ...]] = {}
    for name, split in splits.items():
        if split.same_as is not None or split.random is not None:
            continue
        times = paired if split.needs_target else conditioned
        result[name] = tuple(time for time in times if _belongs(time, split))
        _check_listed(name, split, times)
        if not result[name]:
            span = f"{times[0]} to {times[-1]}" if times else "none at all"
            raise DataError(
                f"data.splits.{name} is empty: none of the {len(times)} times ({span}) lies in {_described(split)}; "
                "widen the split or give more files."
            )
    for (name, times), (other, other_times) in combinations(result.items(), 2):
        both = sorted(set(times) & set(other_times))
        if both:
            raise DataError(
                f"data.splits: {name} and {other} share {len(both)} times, the first is {both[0]}; make them disjoint, "
                f"or write `{other}: {{same_as: {name}}}` if the same times are meant."
            )
    shares = {name: split.random for name, split in splits.items() if split.random is not None}
    taken = set().union(*result.values())
    result |= random_shares([time for time in paired if time not in taken], shares, calendar, seed, block_days)
    for name, split in splits.items():
        if split.same_as is not None:
            result[name] = result[split.same_as]
    return {name: result[name] for name in splits}


def random_shares(
    times: Sequence[str], shares: Mapping[str, float], calendar: str, seed: int, block_days: float | None
) -> dict[str, tuple[str, ...]]:
    """Divide times at random: disjoint, complete when the shares add up to 1, the same for the same times and seed.

    Whole blocks are put in the order of their SHA-256 with the seed, which no library's version changes, and the shares
    are cut from that order. They are shares of the blocks, which differ in length at the ends and gaps of the record.

    Args:
        times: In order.
        shares: By split.
        calendar: CF calendar of the times.
        seed: The seed.
        block_days: Length of the blocks in days, counted from 1900; None for a block of each time.

    Raises:
        DataError: If a split stays empty.
    """
    blocks: dict[str, list[str]] = {}
    for time in times:
        number = time if block_days is None else f"{math.floor(ordinal_days(time, calendar) / block_days + 1e-9)}"
        blocks.setdefault(number, []).append(time)
    order = sorted(blocks, key=lambda block: hashlib.sha256(f"{seed}:{block}".encode()).digest())
    result: dict[str, tuple[str, ...]] = {}
    begun, total = 0, 0.0
    for name, share in shares.items():
        total += share
        end = round(total * len(order))
        result[name] = tuple(sorted(time for block in order[begun:end] for time in blocks[block]))
        if not result[name]:
            kind = "times" if block_days is None else f"blocks of {block_days:g} days"
            raise DataError(
                f"data.splits.{name} is empty: a random share of {share:g} of {len(order)} {kind} that no other split "
                "takes rounds to none; enlarge the share, shorten data.split_block, or give more files."
            )
        begun = end
    return result


def _belongs(time: str, split: SplitConfig) -> bool:
    if split.years is not None:
        return split.years[0] <= int(time[:4]) <= split.years[1]
    if split.dates is not None:
        return any(matches(time, text) for text in split.dates)
    after = split.start is None or time[: len(split.start)] >= split.start
    before = split.end is None or time[: len(split.end)] <= split.end
    return after and before


def _check_listed(name: str, split: SplitConfig, times: Sequence[str]) -> None:
    missing = [text for text in split.dates or () if not any(matches(time, text) for time in times)]
    if missing:
        others = f" (and {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise DataError(
            f"data.splits.{name}.dates lists {missing[0]}{others}, for which not all sources have a file; remove it "
            "from the list or supply the file."
        )


def _described(split: SplitConfig) -> str:
    if split.years is not None:
        return f"the years {split.years[0]} to {split.years[1]}"
    if split.dates is not None:
        return "the listed dates"
    return f"{split.start or 'the beginning'} to {split.end or 'the end'}"


def neighbours(splits: Mapping[str, Sequence[str]], calendar: str, days: float = 1.0) -> dict[tuple[str, str], int]:
    """Count times of one split that have a neighbour in another: weather persists, so they are not independent.

    Args:
        splits: Times by split; splits with the very same times are skipped.
        calendar: CF calendar of the times.
        days: Times at most this far apart are neighbours.

    Returns:
        For each pair of splits, how many times of the first have a neighbour in the second; pairs without are left out.
    """
    import numpy as np

    counts: dict[tuple[str, str], int] = {}
    numbers = {name: np.array([ordinal_days(time, calendar) for time in times]) for name, times in splits.items()}
    for first, second in combinations(splits, 2):
        if set(splits[first]) == set(splits[second]) or not len(splits[first]) or not len(splits[second]):
            continue
        places = np.searchsorted(numbers[second], numbers[first])
        left = np.abs(numbers[first] - numbers[second][np.clip(places - 1, 0, None)])
        right = np.abs(numbers[first] - numbers[second][np.clip(places, None, len(numbers[second]) - 1)])
        near = int((np.minimum(left, right) <= days + 1e-6).sum())
        if near:
            counts[first, second] = near
    return counts
