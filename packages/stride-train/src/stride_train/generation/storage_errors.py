"""A disk that fails while an ensemble is written, as one sentence."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stride_train.errors import GenerationError

_MENDS = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again, it goes on where it stopped",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again, it goes on where it "
    "stopped",
    errno.EROFS: "the file system is read-only: choose another folder with --out",
    errno.EACCES: "permission is denied: choose another folder with --out, or change its permissions",
    errno.EPERM: "permission is denied: choose another folder with --out, or change its permissions",
    errno.ENOTDIR: "a part of its path is a file: choose another folder with --out",
    errno.EEXIST: "a part of its path is a file: choose another folder with --out",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns errors of the file system into sentences that name the ensemble.

    Args:
        path: The ensemble that is written.

    Raises:
        GenerationError: In place of an error of the file system.
    """
    try:
        yield
    except OSError as error:
        raise _cannot_be_written(path, error.errno or 0, str(error)) from error


def require_writable(path: Path) -> None:
    """Refuses a place that cannot be written to, before anything is computed; touches nothing.

    Raises:
        GenerationError: If the nearest folder that exists is a file, or closed to this user.
    """
    there = path.absolute().parent
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise _cannot_be_written(path, errno.ENOTDIR)
    if not os.access(there, os.W_OK):
        read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        raise _cannot_be_written(path, errno.EROFS if read_only else errno.EACCES)


def _cannot_be_written(path: Path, number: int, text: str = "") -> GenerationError:
    reason = os.strerror(number).lower() if number else text
    mend = _MENDS.get(number, f"{reason}; run the same command again, it goes on where it stopped")
    return GenerationError(f"The ensemble '{path}' cannot be written: {mend}.")
