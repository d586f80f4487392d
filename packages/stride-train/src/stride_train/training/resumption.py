"""What a training that ended, by whatever means, left to go on from."""

from __future__ import annotations

import sys
from pathlib import Path

from stride_train.checkpoint import Checkpoint, latest_checkpoint, list_checkpoints, load_checkpoint
from stride_train.errors import CheckpointError


def newest_readable(folder: Path) -> Checkpoint:
    """The newest checkpoint of a folder that can be read; passes over those cut short, and says so.

    Raises:
        CheckpointError: If there is none, or the newest was written by a newer version.
    """
    latest_checkpoint(folder)
    errors: list[CheckpointError] = []
    for path in reversed(list_checkpoints(folder)):
        try:
            checkpoint = load_checkpoint(path)
        except CheckpointError as error:
            if not error.cut_short:
                raise
            errors.append(error)
            continue
        if errors:
            print(
                f"The newer of the checkpoints in '{folder}' cannot be read; going on from '{path.name}'.",
                file=sys.stderr,
                flush=True,
            )
        return checkpoint
    raise errors[0]


def clear_unfinished(folder: Path) -> None:
    """Removes checkpoints that a killed process left half written: nothing reads them, and they may be large."""
    for path in folder.glob(".step_*.partial"):
        path.unlink(missing_ok=True)
