"""Finding files: names with dates, variables and levels in them, single files, stores and globs; here or remote."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stride_data.discovery.remote import check_folder, remote_glob, remote_path
from stride_data.errors import DataError
from stride_data.urls import check_url, is_url, joined, local_path

if TYPE_CHECKING:
    from stride_data.discovery.remote import Location

_PLACEHOLDER = re.compile(r"\{(?:date:([^{}]*)|(variable|level))\}")
_NAMED = {"variable": r"[A-Za-z0-9_.+\-]+?", "level": r"\d+"}
_DIRECTIVES = {
    "%Y": ("year", r"\d{4}"),
    "%m": ("month", r"0[1-9]|1[0-2]"),
    "%d": ("day", r"0[1-9]|[12]\d|3[01]"),
    "%H": ("hour", r"[01]\d|2[0-3]"),
    "%M": ("minute", r"[0-5]\d"),
    "%S": ("second", r"[0-5]\d"),
}

_STAMP = "{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
_FIRST = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


@dataclass(frozen=True)
class FoundFile:
    """One file of a source.

    Attributes:
        path: Where it is.
        stamp: ISO time from its name (``YYYY-MM-DDTHH:MM:SS``); None when the pattern has no date.
        variable: What its name has for ``{variable}``; None without that placeholder.
        level: What its name has for ``{level}``.
    """

    path: Location
    stamp: str | None = None
    variable: str | None = None
    level: str | None = None


def is_per_variable(pattern: str) -> bool:
    """Whether a pattern gives each variable files of its own."""
    return any(match.group(2) for match in _PLACEHOLDER.finditer(pattern))


def find_files(
    pattern: str,
    root: str | Path,
    where: str,
    *,
    options: Mapping[str, Any] | None = None,
    repeated: bool = False,
) -> list[FoundFile]:
    """Files that a source's pattern names.

    Args:
        pattern: ``name_{date:%Y%m%d}.nc``, a file, a store's folder, or a glob; relative to ``root``, absolute or a
            URL.
        root: Folder or URL of relative patterns.
        where: Key of the configuration, for messages.
        options: Expanded options of a remote file system.
        repeated: Whether several files may carry the same date.

    Returns:
        Files in order of their stamps, or names.

    Raises:
        DataError: If nothing matches, the pattern is wrong, two files carry the same date, or a remote store cannot be
            read.
    """
    pattern, root = local_path(pattern), local_path(str(root))
    place = joined(root, pattern)
    if is_url(place):
        # Each for itself: a question mark is a query in a web address, and a wildcard in a pattern.
        check_url(root, where)
        check_url(pattern, where)
    elif not Path(root).is_dir() and not Path(pattern).is_absolute():
        raise DataError(f"{where}: the folder {root} does not exist; correct data.root.")
    search = _Search(pattern, root, where, options or {})
    if _PLACEHOLDER.search(pattern):
        return _named_files(search, repeated=repeated)
    if is_url(place):
        # A single remote file is opened soon, which tells whether it is there.
        paths = search.matching(pattern) if glob.has_magic(pattern) else [remote_path(place, search.options)]
    else:
        paths = [Path(place)] if Path(place).exists() else search.matching(pattern)
    if not paths:
        raise _nothing_found(search)
    return [FoundFile(path) for path in sorted(paths, key=str)]


@dataclass(frozen=True)
class _Search:
    pattern: str
    root: str
    where: str
    options: Mapping[str, Any]

    def matching(self, pattern: str) -> Sequence[Location]:
        """Files and folders that a glob names; wildcards in the root's name are none."""
        full = joined(glob.escape(self.root), pattern)
        if is_url(full):
            # A web address has a question mark before its query only, so that fsspec takes none for a wildcard.
            wider = full.replace("?", "*")
            names = re.compile(_glob_expression(joined(self.root, pattern)))
            found = remote_glob(remote_path(wider, self.options))
            return found if wider == full else [path for path in found if names.fullmatch(str(path))]
        return [Path(name) for name in glob.glob(full, recursive=True)]  # noqa: PTH207 (takes absolute patterns too)


def _named_files(search: _Search, *, repeated: bool) -> list[FoundFile]:
    expression = _expression(joined(search.root, search.pattern), search)
    found: dict[tuple[str, str, str], list[FoundFile]] = {}
    for path in sorted(search.matching(_PLACEHOLDER.sub("*", search.pattern)), key=str):
        match = expression.fullmatch(path.as_posix() if isinstance(path, Path) else str(path))
        if match is None:
            continue
        groups = match.groupdict()
        parts = {key: int(value) for key, value in groups.items() if key not in _NAMED}
        stamp = None
        if parts:
            stamp = "{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}".format(
                **{**_FIRST, **parts}
            )
        file = FoundFile(path, stamp, groups.get("variable"), groups.get("level"))
        same = found.setdefault((stamp or "", file.variable or "", file.level or ""), [])
        if same and stamp is not None and not repeated:
            raise DataError(
                f"{search.where}: {same[0].path} and {path} carry the same date {stamp}; remove one, narrow the "
                "pattern, or set duplicates to first or last."
            )
        same.append(file)
    if not found:
        raise _nothing_found(search)
    return [file for key in sorted(found) for file in found[key]]


def _expression(pattern: str, search: _Search) -> re.Pattern[str]:
    """Regular expression of a pattern; a directive that comes again must match the same digits."""
    where = search.where
    pieces: list[str] = []
    seen: set[str] = set()
    position = 0

    def named(name: str, expression: str) -> str:
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>{expression})"

    for token in _PLACEHOLDER.finditer(pattern):
        pieces.append(_glob_expression(pattern[position : token.start()]))
        position = token.end()
        if token.group(2):
            pieces.append(named(token.group(2), _NAMED[token.group(2)]))
            continue
        for part in re.findall(r"%.|[^%]+|%$", token.group(1)):
            if not part.startswith("%"):
                pieces.append(re.escape(part))
                continue
            if part not in _DIRECTIVES:
                raise DataError(f"{where}: '{part}' is no part of a date; use {', '.join(_DIRECTIVES)}.")
            pieces.append(named(*_DIRECTIVES[part]))
    pieces.append(_glob_expression(pattern[position:]))
    if "{date:" in pattern and "year" not in seen:
        raise DataError(f"{where}: the date in '{search.pattern}' has no year (%Y); write for example {{date:%Y%m%d}}.")
    return re.compile("".join(pieces))


def _glob_expression(text: str) -> str:
    escaped = re.escape(text)
    return escaped.replace(r"/\*\*/", "/(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _nothing_found(search: _Search) -> DataError:
    where, place = search.where, joined(search.root, search.pattern)
    unknown = re.search(r"\{[^{}]*\}", _PLACEHOLDER.sub("", search.pattern))
    if unknown:
        return DataError(
            f"{where}: no file matches {place}, and '{unknown.group()}' is no placeholder; use {{date:%Y%m%d}}, "
            "{variable} or {level}."
        )
    if is_url(place):
        folder = re.split(r"[*?{\[]", place)[0].rpartition("/")[0]
        try:
            check_folder(remote_path(folder, search.options))
        except DataError as exc:
            return DataError(f"{where}: {exc}")
        return DataError(
            f"{where}: no file matches {place}; correct data.root or the pattern (a web server must list its folders "
            "for patterns)."
        )
    folder = Path(search.root)
    for part in Path(search.pattern).parent.parts:
        if any(mark in part for mark in "*?{["):
            break
        folder = folder / part
        if not folder.is_dir():
            return DataError(f"{where}: the folder {folder} does not exist; correct data.root or the pattern.")
    return DataError(f"{where}: no file matches {place}; correct data.root or the pattern.")
