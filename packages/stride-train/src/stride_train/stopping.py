"""Being asked to stop: by a queue (SIGTERM, SLURM's SIGUSR1 ahead of the time limit) or by a person (Ctrl-C)."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR1") if hasattr(signal, name))


class StopRequest:
    """While it is entered, these signals are taken down instead of ending the process.

    A second one acts as it would have without: who is in a hurry presses Ctrl-C again.

    Attributes:
        made: Whether a signal has come.
    """

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.made = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        """Takes the signals; without effect outside the main thread, which alone may."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back."""
        self._give_back()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        self._give_back()

    def _give_back(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            # None stands for a handler that was not set from Python.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
