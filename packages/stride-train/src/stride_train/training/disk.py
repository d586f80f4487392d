"""A disk that is full, or a folder that cannot be written to, as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stride_train.errors import TrainingError


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turns errors of the file system into a sentence that names the run folder.

    Raises:
        TrainingError: In place of an error of the file system.
    """
    try:
        yield
    except OSError as error:
        what = Path(error.filename).name if isinstance(error.filename, str) else "a file"
        raise TrainingError(
            f"{what} in '{folder}' cannot be written ({error.strerror or error}): mend that, then go on with --resume; "
            "the last checkpoint is whole."
        ) from error
