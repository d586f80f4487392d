"""Decoded fields kept in memory, the least recently used dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FieldCache:
    """Arrays by key, up to a number of bytes. Pickled without its content: each process fills its own."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep up to ``limit_bytes``; the newest entry is kept even if it is larger."""
        self.limit_bytes = limit_bytes
        self._arrays: OrderedDict[Hashable, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes_held(self) -> int:
        """Bytes of all arrays held."""
        return self._bytes

    def get(self, key: Hashable) -> NDArray[np.float32] | None:
        """The array of a key, or None."""
        with self._lock:
            array = self._arrays.get(key)
            if array is not None:
                self._arrays.move_to_end(key)
            return array

    def put(self, key: Hashable, array: NDArray[np.float32]) -> None:
        """Keep an array; it must not be changed afterwards."""
        array.setflags(write=False)
        with self._lock:
            old = self._arrays.pop(key, None)
            self._bytes += array.nbytes - (old.nbytes if old is not None else 0)
            self._arrays[key] = array
            while self._bytes > self.limit_bytes and len(self._arrays) > 1:
                _, dropped = self._arrays.popitem(last=False)
                self._bytes -= dropped.nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {"limit_bytes": self.limit_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["limit_bytes"])
