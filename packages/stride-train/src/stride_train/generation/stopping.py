"""Ending at the next good place when the queue says so."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_sigterm() -> Iterator[Callable[[], bool]]:
    """Turns SIGTERM into a question that long work asks between two pieces.

    Yields:
        A function that says whether the signal came. Outside the main thread, where Python handles no signals, it never
        does, and SIGTERM ends the process as ever.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = signal.signal(signal.SIGTERM, lambda *_: came.set())
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
