"""The output folder: written beside its place under another name, put there when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stride_eval.errors import EvalError

MARKER = "scores.json"
"""A folder that holds this file is an evaluation, and may be replaced by another."""


def check_replaceable(out: Path) -> None:
    """Refuses a folder that holds something other than an evaluation.

    Raises:
        EvalError: naming the folder.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise EvalError(
            f"{str(out)!r} holds files that are no evaluation (no {MARKER}) and would be replaced; choose another --out"
        )
    if out.exists() and not out.is_dir():
        raise EvalError(f"{str(out)!r} is a file; choose a folder for --out")


@contextmanager
def completed_folder(out: Path, scratch: Callable[[], Path]) -> Iterator[Path]:
    """A fresh folder that becomes ``out`` when the block ends well, and vanishes when it does not.

    Args:
        out: the folder to make or to replace; it keeps its old content until the new one is complete.
        scratch: makes the fresh folder, on the same file system.

    Yields:
        The folder to write into.

    Raises:
        EvalError: ``out`` holds something other than an evaluation.
    """
    check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = scratch()
    try:
        yield fresh
        # mkdtemp makes folders for their owner alone; an evaluation is as readable as any new folder.
        umask = os.umask(0)
        os.umask(umask)
        fresh.chmod(0o777 & ~umask)
        if out.exists():
            old = fresh.with_suffix(".old")
            out.replace(old)
            try:
                fresh.replace(out)
            except OSError:
                old.replace(out)
                raise
            shutil.rmtree(old)
        else:
            fresh.replace(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
