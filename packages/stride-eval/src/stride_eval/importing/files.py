"""Finds files by patterns with globs, and the time and member that their names tell."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stride_eval.errors import EvalError

_PLACEHOLDER = re.compile(r"\{(?:date:(?P<date>[^{}]*)|(?P<member>member))\}")
_GLOB_PART = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")
_DIRECTIVES = {
    "%Y": ("year", r"\d{4}"),
    "%m": ("month", r"0[1-9]|1[0-2]"),
    "%d": ("day", r"0[1-9]|[12]\d|3[01]"),
    "%H": ("hour", r"[01]\d|2[0-3]"),
    "%M": ("minute", r"[0-5]\d"),
    "%S": ("second", r"[0-5]\d"),
}
_SMALLEST = {"year": 1, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


@dataclass(frozen=True)
class FoundFile:
    """A file or Zarr store that a pattern names.

    Attributes:
        path: where it lies.
        stamp: ISO time of its name; None where the pattern has no ``{date:...}``.
        member: what its name has for ``{member}``; None without that.
    """

    path: Path
    stamp: str | None = None
    member: str | None = None


def find_files(patterns: Sequence[str], root: Path, where: str) -> list[FoundFile]:
    """Files that patterns name, in order of their names.

    Args:
        patterns: paths with globs, ``{date:%Y%m%d}`` and ``{member}``; relative to ``root``, or absolute.
        root: folder.
        where: key of the configuration, for errors.

    Raises:
        EvalError: a pattern that names nothing or that cannot be read, or two dates in one name.
    """
    if not root.is_dir():
        raise EvalError(f"there is no folder {str(root)!r}; correct root in the file of names")
    found = [file for pattern in patterns for file in _matching(pattern, root, where)]
    return list({file.path: file for file in found}.values())


def _matching(pattern: str, root: Path, where: str) -> list[FoundFile]:
    pattern = str(Path(pattern).expanduser()) if pattern.startswith("~") else pattern
    plain = root / pattern
    if plain.exists():
        return [FoundFile(plain)]
    expression = re.compile("".join(_expression(pattern, where)) + "/?")
    names = sorted(glob.glob(_PLACEHOLDER.sub("*", pattern), root_dir=root, recursive=True))  # noqa: PTH207 (absolute ones too)
    matches = [(name, match) for name in names if (match := expression.fullmatch(name))]
    if not matches:
        raise EvalError(
            f"{where}: no file is called {pattern!r} in {str(root)!r}"
            f"{_near(pattern, root)}; correct the pattern, or root in the file of names"
        )
    return [
        FoundFile(root / name, _stamp(match, name, where) if "{date:" in pattern else None, _member(match, name, where))
        for name, match in matches
    ]


def _expression(pattern: str, where: str) -> Iterator[str]:
    """The pattern as a regular expression; placeholders become groups called year0, month0, ..., member3, ..."""
    position = 0
    for number, placeholder in enumerate(_PLACEHOLDER.finditer(pattern)):
        yield from _globbed(pattern[position : placeholder.start()], where)
        if placeholder["member"]:
            yield f"(?P<member{number}>[^/]+?)"
        else:
            yield from _dated(placeholder["date"], number, where)
        position = placeholder.end()
    yield from _globbed(pattern[position:], where)


def _globbed(text: str, where: str) -> Iterator[str]:
    if "{" in text or "}" in text:
        raise EvalError(f"{where}: {text!r} has a brace that is no {{date:%Y%m%d}} and no {{member}}; correct it")
    position = 0
    for part in _GLOB_PART.finditer(text):
        yield re.escape(text[position : part.start()])
        yield {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part[0], part[0].replace("[!", "[^"))
        position = part.end()
    yield re.escape(text[position:])


def _dated(form: str, number: int, where: str) -> Iterator[str]:
    parts = re.split(r"(%.)", form)
    if "%Y" not in parts[1::2]:
        raise EvalError(f"{where}: {{date:{form}}} has no year; write for example {{date:%Y%m%d}}")
    for text, directive in zip(parts[::2], [*parts[1::2], ""], strict=True):
        yield re.escape(text)
        if directive in _DIRECTIVES:
            name, digits = _DIRECTIVES[directive]
            yield f"(?P<{name}{number}>{digits})"
        elif directive:
            known = ", ".join(_DIRECTIVES)
            raise EvalError(f"{where}: {directive} in {{date:{form}}} is not known; use {known}")


def _stamp(match: re.Match[str], name: str, where: str) -> str:
    parts = dict(_SMALLEST)
    for part in parts:
        values = _values(match, part)
        if len(values) > 1:
            raise EvalError(f"{where}: the name {name!r} tells two dates ({part} {' and '.join(sorted(values))})")
        if values:
            parts[part] = int(values.pop())
    return "{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}".format(**parts)


def _member(match: re.Match[str], name: str, where: str) -> str | None:
    values = _values(match, "member")
    if len(values) > 1:
        raise EvalError(f"{where}: the name {name!r} tells two members ({' and '.join(sorted(values))})")
    return values.pop() if values else None


def _values(match: re.Match[str], name: str) -> set[str]:
    return {value for key, value in match.groupdict().items() if key.rstrip("0123456789") == name}


def _near(pattern: str, root: Path) -> str:
    """What does lie where the pattern looks, for the error."""
    folder = (root / pattern).parent
    if any(sign in str(folder) for sign in "*?[{") or not folder.is_dir():
        return ""
    there = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    return f" (there are {', '.join(there[:3])}{', ...' if len(there) > 3 else ''})" if there else ""
