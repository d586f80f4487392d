"""A file or store that is written beside its place and put there when it is complete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stride_vars.ensemble_format import FORMAT_NAME

from stride_eval.errors import EvalError


def check_ensemble_replaceable(out: Path) -> None:
    """Refuses a path at which something other than a saved ensemble lies.

    Raises:
        EvalError: naming the path.
    """
    if out.exists() and not _is_ensemble(out):
        raise EvalError(f"{str(out)!r} is there and no saved ensemble, and would be replaced; choose another --out")


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A path beside ``out`` to write to; it becomes ``out`` when the block ends well, and vanishes when it does not.

    A saved ensemble that lies at ``out`` is kept until then, and replaced.

    Raises:
        EvalError: something other than a saved ensemble lies at ``out``.
    """
    check_ensemble_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (out.with_name(f".{out.name}.{ending}") for ending in ("part", "old"))
    _remove(fresh)
    try:
        yield fresh
        if out.exists():
            _remove(old)
            out.replace(old)
        try:
            fresh.replace(out)
        except OSError:
            if old.exists():
                old.replace(out)
            raise
        _remove(old)
    finally:
        _remove(fresh)


def _is_ensemble(path: Path) -> bool:
    if path.is_dir():
        metadata = path / "zarr.json"
        return metadata.is_file() and f'"{FORMAT_NAME}"' in metadata.read_text(encoding="utf-8", errors="replace")
    import netCDF4

    try:
        with netCDF4.Dataset(path) as dataset:
            return getattr(dataset, "stride_format", None) == FORMAT_NAME
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
