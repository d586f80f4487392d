"""Ending at the next good place when a queue says so (SIGTERM, SLURM's SIGUSR1), or a person (Ctrl-C)."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR1") if hasattr(signal, name))


class StopRequest:
    """While it is entered, a signal to end is only noted; a second one acts as it always does.

    Attributes:
        made: Whether a signal came.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.made = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        """Begins to note; outside the main thread, where Python handles no signals, it never does."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets signals act again."""
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            # None stands for a handler that Python did not set.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._handlers = {}
