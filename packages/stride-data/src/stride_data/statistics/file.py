"""The statistics file: JSON with provenance and a content id, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stride_data.errors import DataError

FORMAT = "stride-statistics"
FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)
NAN_POLICY = "omit"
"""What is done with missing values: they are left out of all numbers, and counted."""
_AGAIN = "compute the statistics again with `stride-data stats`"


def content_id(statistics: Mapping[str, Any]) -> str:
    """Hash of the numbers and their provenance; the same content has the same id whenever it was computed."""
    content = {key: value for key, value in statistics.items() if key not in ("id", "created")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_statistics(statistics: Mapping[str, Any], path: str | Path) -> Path:
    """Write a statistics file; an interrupted write leaves what was there before.

    Args:
        statistics: What ``GriddedAdapter.compute_statistics`` gave.
        path: The file; its folder is made when missing.

    Raises:
        DataError: If the folder cannot be made.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as exc:
        raise DataError(f"{path.parent}: this folder cannot be made ({exc.strerror}); choose another one.") from exc
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(statistics, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read_statistics(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Read a statistics file, or take its content, and check that it is whole.

    Args:
        source: Path, or the content itself as kept in a checkpoint.

    Raises:
        DataError: If it is missing, no statistics file, or was changed after it was written.
    """
    if isinstance(source, Mapping):
        statistics, where = dict(source), "statistics"
    else:
        where = str(source)
        try:
            statistics = json.loads(Path(source).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{where}: there is no statistics file; make it with `stride-data stats`.") from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
            raise DataError(f"{where}: cannot be read as JSON ({exc}); {_AGAIN}.") from exc
    if not isinstance(statistics, dict) or statistics.get("format") != FORMAT:
        raise DataError(f"{where}: is no statistics file (format is not '{FORMAT}'); {_AGAIN}.")
    if statistics.get("version") not in READABLE_VERSIONS:
        readable = " and ".join(map(str, READABLE_VERSIONS))
        raise DataError(
            f"{where}: has format version {statistics.get('version')}, this program reads {readable}; {_AGAIN}."
        )
    if statistics.get("id") != content_id(statistics):
        raise DataError(f"{where}: its content does not match its id {statistics.get('id')}: it was edited; {_AGAIN}.")
    return statistics


def entry_for(statistics: Mapping[str, Any], source: str, variable: str, units: str, where: str) -> dict[str, Any]:
    """The entry of one channel, checked to be of the same source, variable and units; as version 2 has it.

    Args:
        statistics: Content of a statistics file.
        source: Name of the source.
        variable: Catalogue key.
        units: Canonical units.
        where: The file, for messages.

    Raises:
        DataError: If there is none, or it is of another source, variable or units.
    """
    name = f"{source}.{variable}"
    entries = statistics["variables"]
    if name not in entries:
        raise DataError(
            f"{where}: holds statistics of {', '.join(entries) or 'nothing'}, none of '{name}'; {_AGAIN} for this "
            "configuration."
        )
    entry = entries[name]
    for what, wanted in (("source", source), ("variable", variable), ("units", units)):
        if entry.get(what) != wanted:
            raise DataError(
                f"{where}: the statistics of '{name}' are of {what} '{entry.get(what)}', not '{wanted}'; {_AGAIN}."
            )
    return entry if "functions" in entry else _from_version_1(entry)


def _from_version_1(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 knew one function, the logarithm, and no table of quantiles."""
    log = entry.get("log")
    functions = [] if log is None else [{"function": "log", "dry_below": None, "of": "all values", **log}]
    return {**entry, "functions": functions}
