"""The conditioning of a domain's tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.regions import Box

_CONDITIONING = ("cond_dynamic", "cond_static", "cond_time", "cond_context_dynamic", "cond_context_static")


def tile_samples(adapter: Adapter, time: str, boxes: Sequence[Box]) -> dict[str, Any]:
    """Scaled conditioning of one time in several HR boxes, each with its own LR and context box.

    Args:
        adapter: Reads and scales.
        time: ISO time.
        boxes: HR boxes of the tiles.

    Returns:
        The keys of a contract sample that begin with `cond_` and hold fields or numbers, with an axis of tiles in
        front.
    """
    samples = (adapter.sample(time, hr_box=box) for box in boxes)
    # Targets are read with them and dropped tile by tile.
    kept = [{key: sample.get(key) for key in _CONDITIONING} for sample in samples]
    return {
        key: None if kept[0][key] is None else np.stack([np.asarray(sample[key]) for sample in kept])
        for key in _CONDITIONING
    }
