"""The counts behind a figure, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.provenance import Provenance


def short_date(label: str) -> str:
    """``2014-06-01`` for midnight, ``2014-06-01 12:00`` otherwise."""
    date, _, clock = label.partition("T")
    return date if clock in {"", "00:00:00"} else f"{date} {clock[:5]}"


def span(dates: Sequence[str]) -> str:
    """``10 dates from 2014-06-01 to 2014-06-28``."""
    if len(dates) == 1:
        return f"1 date, {short_date(dates[0])}"
    return f"{len(dates)} dates from {short_date(dates[0])} to {short_date(dates[-1])}"


def members_of(about: Provenance, systems: Sequence[str] | None = None) -> str:
    """``16 members each``, or system by system where they differ."""
    names = about.systems if systems is None else systems
    counts = {name: about.members[name] for name in names}
    if len(set(counts.values())) == 1:
        count = next(iter(counts.values()))
        return f"{count} member{'s' if count != 1 else ''}{' each' if len(counts) > 1 else ''}"
    return "members: " + ", ".join(f"{name} {count}" for name, count in counts.items())


def pixels_of(count: xr.DataArray) -> str:
    """``20,736 pixels a date``, with the range where dates differ."""
    values = np.asarray(count.values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return "no pixel"
    low, high = int(values.min()), int(values.max())
    return f"{low:,} pixels a date" if low == high else f"{low:,} to {high:,} pixels a date"


def interval_words(config: EvalConfig, dates: int) -> str:
    """How intervals were made."""
    length = config.resolved_block_length(dates)
    blocks = "single dates" if length == 1 else f"blocks of {length} dates"
    return f"{config.level:.0%} intervals: bootstrap over {blocks}, {config.resamples:,} resamples"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"
