"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_SECONDS_BETWEEN_LINES = 10.0


class Advance(Protocol):
    """Told how far the work is."""

    def __call__(self, fraction: float, note: str = "") -> None:
        """Reports progress.

        Args:
            fraction: Share of the work that is done, 0 to 1.
            note: A few words on what stands at present.
        """
        ...


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """Shows the progress of one piece of work on standard error.

    Args:
        label: What is being done.

    Yields:
        A function to call with the share done, as often as one likes.
    """
    if sys.stderr.isatty():
        with _bar(label) as advance:
            yield advance
    else:
        with _lines(label) as advance:
            yield advance


@contextmanager
def _bar(label: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=1.0, note="")

        def advance(fraction: float, note: str = "") -> None:
            bars.update(task, completed=fraction, note=note)

        yield advance
        bars.update(task, completed=1.0)


@contextmanager
def _lines(label: str) -> Iterator[Advance]:
    begun = last = time.monotonic()
    print(f"{label} ...", file=sys.stderr, flush=True)

    def advance(fraction: float, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            spent = now - begun
            left = f", about {spent / fraction - spent:.0f} s left" if fraction > 0 else ""
            print(f"{label}: {100 * fraction:3.0f} % after {spent:.0f} s{left}  {note}", file=sys.stderr, flush=True)

    yield advance
    print(f"{label}: done in {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
