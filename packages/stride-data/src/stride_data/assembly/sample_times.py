"""Which times make a sample: target and every step of the conditioning's stack must be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stride_data.assembly.channels import Channel, Channels
from stride_data.assembly.lags import Lags, check_gaps
from stride_data.config import DataConfig
from stride_data.discovery.splits import common_times, split_times
from stride_data.discovery.times import shifted
from stride_data.field_source import FieldSource


@dataclass(frozen=True)
class SampleTimes:
    """Times of samples.

    Attributes:
        splits: ISO times by split, in order.
        dropped: By split, how many times were left out because their stack has a gap.
    """

    splits: Mapping[str, tuple[str, ...]]
    dropped: Mapping[str, int]


def needs_targets(config: DataConfig) -> bool:
    """Whether any split holds only times that have targets."""
    return any(split.needs_target for split in config.splits.values() if split.same_as is None)


def sample_times(config: DataConfig, sources: Mapping[str, FieldSource], channels: Channels, lags: Lags) -> SampleTimes:
    """Find the times of every split.

    Args:
        config: The configuration: splits, and what to do about gaps.
        sources: Scanned sources.
        channels: What samples hold.
        lags: Steps of the dynamic fields.

    Raises:
        DataError: If sources share no time, a split is empty, splits overlap, or a gap is refused.
    """
    conditioning = [*channels.dynamic, *channels.context]
    dynamic = common_times(_sources_of(conditioning, sources))
    present = set(dynamic)
    paired: Sequence[str] = ()
    if any(not offset for offset in lags.offsets):
        conditioned = dynamic
        if needs_targets(config):
            paired = common_times(_sources_of([*channels.target, *conditioning], sources))
    else:
        # Forecasts: the conditioning lies before (or after) the target and need not exist at its time.
        candidates = sorted({shifted(time, -lags.offsets[0], lags.calendar) for time in dynamic})
        conditioned = lags.complete(candidates, present)
        if needs_targets(config):
            paired = common_times(_sources_of(channels.target, sources))
    splits = split_times(
        config.splits,
        paired,
        conditioned,
        calendar=lags.calendar,
        seed=config.split_seed,
        block_days=config.split_block_days,
    )
    kept, dropped = check_gaps(splits, lags, present, gaps=config.lag_gaps)
    return SampleTimes(kept, dropped)


def _sources_of(channels: Sequence[Channel], sources: Mapping[str, FieldSource]) -> list[FieldSource]:
    return [sources[name] for name in dict.fromkeys(channel.source for channel in channels)]
