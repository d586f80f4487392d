"""The fields that the statistics pass over: a picklable reader, its cache kept small."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.assembly.channels import Channel
from stride_data.assembly.fields import FieldReader
from stride_data.field_source import FieldSource

CACHE_BYTES = 300 * 10**6
"""Decoded fields kept during the pass, which asks for each once: enough for those that are read together."""


@dataclass(frozen=True)
class TrainingFields:
    """Fields of every channel within the cells that training can show.

    Attributes:
        reader: Reads them.
        hr: Cells on the HR grid.
        lr: Cells on the LR grid.
    """

    reader: FieldReader
    hr: Box
    lr: Box

    def at(self, time: str) -> Iterator[tuple[Channel, NDArray[np.float32]]]:
        """Fields of the target, dynamic and context channels at a time."""
        return self.reader.at(time, self.hr, self.lr)

    def statics(self) -> Iterator[tuple[Channel, NDArray[np.float32]]]:
        """Fields of the channels without time."""
        return self.reader.statics(self.hr)


@contextlib.contextmanager
def small_cache(sources: Iterable[FieldSource], usual_bytes: int) -> Iterator[None]:
    """Let sources keep at most ``CACHE_BYTES`` while the block runs; what they then keep stays for training.

    Args:
        sources: They share a cache.
        usual_bytes: What they may keep otherwise.
    """
    sources = list(sources)
    for source in sources:
        source.limit_memory(min(usual_bytes, CACHE_BYTES))
    try:
        yield
    finally:
        for source in sources:
            source.limit_memory(usual_bytes)
