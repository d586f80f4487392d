"""Files of tensors that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

NOT_WRITTEN = (SafetensorError, OSError)
"""What `write_tensors` raises."""


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], header: str) -> None:
    """Writes a safetensors file beside its place, sees to it that it is on the disk, and gives it its name.

    Args:
        path: The file; an older one is replaced. Its folder is made.
        tensors: By name; anywhere, and in any memory layout.
        header: Text of the file's metadata, under the key `stride`.

    Raises:
        OSError: If the folder or the file cannot be written; a file from before is kept.
        SafetensorError: The same.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        here = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(here, temporary, metadata={"stride": header})
        descriptor = os.open(temporary, os.O_RDWR)
        try:
            os.fsync(descriptor)  # before it gets its name, should the machine lose its power
        finally:
            os.close(descriptor)
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
