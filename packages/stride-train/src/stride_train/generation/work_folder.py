"""The folder of an ensemble that is not finished. Processes that share the work know of each other by its files alone.

`<name>.partial-<fingerprint>/` holds `store/`, the ensemble that is being written, and `done/`, an empty file for every
piece of work that is on disk. Everything that decides the content is in the fingerprint, so two requests never meet in
one folder.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


class WorkFolder:
    """The unfinished ensemble of one request.

    Attributes:
        path: Where the finished store will be.
        folder: The folder.
        store: The store in it.
    """

    def __init__(self, path: Path, fingerprint: str):
        """Names the folder; touches nothing.

        Args:
            path: Where the finished store will be.
            fingerprint: Id of everything that determines the content.
        """
        self.path = path
        self.folder = path.with_name(f"{path.name}.partial-{fingerprint}")
        self.store = self.folder / "store"
        self._markers = self.folder / "done"
        self._lock = self.folder / "finishing.lock"

    @property
    def exists(self) -> bool:
        """Whether someone has laid the store out."""
        return self.store.is_dir()

    def lay_out(self, write: Callable[[Path], None]) -> None:
        """Makes the folder with an empty store; of several processes that do so, the first one's stays.

        Args:
            write: Writes the empty store to the path that it is given.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.draft-{uuid.uuid4().hex}")
        try:
            (draft / self._markers.name).mkdir(parents=True)
            write(draft / self.store.name)
            draft.rename(self.folder)
        except BaseException as error:
            shutil.rmtree(draft, ignore_errors=True)
            if not isinstance(error, OSError) or error.errno not in _TAKEN or not self.exists:
                raise
        else:
            # What other requests for this very ensemble left behind.
            self._remove_siblings(f"{self.path.name}.partial", keep=self.folder)

    def done(self) -> set[str]:
        """Names of the pieces of work that are on disk."""
        try:
            return {entry.name for entry in os.scandir(self._markers)}
        except FileNotFoundError:
            return set()

    def mark(self, name: str) -> None:
        """Says that a piece of work is on disk.

        Raises:
            FileNotFoundError: If the folder is gone.
        """
        (self._markers / name).touch()

    def finish(self, complete: Callable[[], None], *, without_locks: bool) -> bool:
        """Gives the store its name, in exactly one of the processes that try; an older one of that name is replaced.

        A process that is killed meanwhile leaves everything such that the next one can finish.

        Args:
            complete: Called before, to write what is still missing.
            without_locks: Whether this process may finish on a file system that cannot lock files: at most one may.

        Returns:
            Whether the finished store stands there; False while another process is about to put it there.
        """
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            return True
        try:
            locked = _try_lock(descriptor)
            if locked is False or (locked is None and not without_locks):
                return False
            if self.exists:  # else another one has finished since
                complete()
                self._remove_unfinished_chunks()
                self._replace()
            self.clear()
            return True
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """Removes what unfinished attempts left beside a finished store."""
        if self.folder.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        self._remove_siblings(f"{self.path.name}.draft-")

    def _replace(self) -> None:
        old = self.path.with_name(f"{self.path.name}.old")
        if self.path.exists():
            shutil.rmtree(old, ignore_errors=True)
            self.path.replace(old)
        self.store.replace(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def _remove_unfinished_chunks(self) -> None:
        """Removes chunks under the temporary names that zarr gives them, left behind by processes that were killed."""
        for leftover in self.store.rglob("*.partial"):
            leftover.unlink(missing_ok=True)

    def _remove_siblings(self, prefix: str, keep: Path | None = None) -> None:
        for entry in list(self.path.parent.iterdir()):
            if entry.name.startswith(prefix) and entry != keep:
                shutil.rmtree(entry, ignore_errors=True)


def _try_lock(descriptor: int) -> bool | None:
    """Locks an open file until it is closed, or its process dies.

    Returns:
        Whether it is locked now; None where the system or the file system has no locks.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
