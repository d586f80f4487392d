"""Finding files: names with dates in them, single files, stores and globs."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path

from stride_data.errors import DataError

_DATE = re.compile(r"\{date:([^{}]*)\}")
_DIRECTIVES = {
    "%Y": ("year", r"\d{4}"),
    "%m": ("month", r"0[1-9]|1[0-2]"),
    "%d": ("day", r"0[1-9]|[12]\d|3[01]"),
    "%H": ("hour", r"[01]\d|2[0-3]"),
    "%M": ("minute", r"[0-5]\d"),
    "%S": ("second", r"[0-5]\d"),
}

_FIRST = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


@dataclass(frozen=True)
class FoundFile:
    """One file of a source.

    Attributes:
        path: Where it is.
        stamp: ISO time from its name (``YYYY-MM-DDTHH:MM:SS``); None when the pattern has no date.
    """

    path: Path
    stamp: str | None = None


def find_files(pattern: str, root: str | Path, where: str) -> list[FoundFile]:
    """Files that a source's pattern names.

    Args:
        pattern: ``name_{date:%Y%m%d}.nc``, a file, a store's folder, or a glob; relative to ``root`` or absolute.
        root: Folder of relative patterns.
        where: Key of the configuration, for messages.

    Returns:
        Files in order of their stamps, or names.

    Raises:
        DataError: If nothing matches, the pattern is wrong, or two files carry the same date.
    """
    root = Path(root)
    if not root.is_dir() and not Path(pattern).is_absolute():
        raise DataError(f"{where}: the folder {root} does not exist; correct data.root.")
    if "{date:" in pattern:
        return _dated_files(pattern, root, where)
    paths = [root / pattern] if (root / pattern).exists() else _matching(pattern, root)
    if not paths:
        raise _nothing_found(pattern, root, where)
    return [FoundFile(path) for path in sorted(paths)]


def _matching(pattern: str, root: Path) -> list[Path]:
    # glob.glob takes absolute patterns too, and its escape keeps brackets in the root's name from being wildcards.
    full = Path(glob.escape(str(root))) / pattern
    return [Path(name) for name in glob.glob(full.as_posix(), recursive=True)]  # noqa: PTH207


def _dated_files(pattern: str, root: Path, where: str) -> list[FoundFile]:
    expression = _expression((root / pattern).as_posix(), where)
    found: dict[str, Path] = {}
    for path in _matching(_DATE.sub("*", pattern), root):
        match = expression.fullmatch(path.as_posix())
        if match is None:
            continue
        parts = {key: int(value) for key, value in match.groupdict().items()}
        stamp = "{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}".format(**{**_FIRST, **parts})
        if stamp in found:
            raise DataError(
                f"{where}: {found[stamp]} and {path} carry the same date {stamp}; remove one or narrow the pattern."
            )
        found[stamp] = path
    if not found:
        raise _nothing_found(pattern, root, where)
    return [FoundFile(found[stamp], stamp) for stamp in sorted(found)]


def _expression(pattern: str, where: str) -> re.Pattern[str]:
    """Regular expression of a pattern; a directive that comes again must match the same digits."""
    pieces: list[str] = []
    seen: set[str] = set()
    position = 0
    for token in _DATE.finditer(pattern):
        pieces.append(_glob_expression(pattern[position : token.start()]))
        position = token.end()
        for part in re.findall(r"%.|[^%]+|%$", token.group(1)):
            if not part.startswith("%"):
                pieces.append(re.escape(part))
                continue
            if part not in _DIRECTIVES:
                raise DataError(f"{where}: '{part}' is no part of a date; use {', '.join(_DIRECTIVES)}.")
            name, digits = _DIRECTIVES[part]
            pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>{digits})")
            seen.add(name)
    pieces.append(_glob_expression(pattern[position:]))
    if "year" not in seen:
        raise DataError(f"{where}: the date in '{pattern}' has no year (%Y); write for example {{date:%Y%m%d}}.")
    return re.compile("".join(pieces))


def _glob_expression(text: str) -> str:
    escaped = re.escape(text)
    return escaped.replace(r"/\*\*/", "/(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _nothing_found(pattern: str, root: Path, where: str) -> DataError:
    folder = root
    for part in Path(pattern).parent.parts:
        if any(mark in part for mark in "*?{["):
            break
        folder = folder / part
        if not folder.is_dir():
            return DataError(f"{where}: the folder {folder} does not exist; correct data.root or the pattern.")
    return DataError(f"{where}: no file matches {root / pattern}; correct data.root or the pattern.")
