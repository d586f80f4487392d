"""Whether a statistics file is of the data that a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stride_data.errors import DataError

# More files of the same kind, the program's version or another transform make no other data.
_IGNORED = ("count",)


def check_belongs(statistics: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> None:
    """Refuse statistics of another split, region or set of files.

    Args:
        statistics: Content of a statistics file.
        wanted: Provenance that the configuration would give, as ``GriddedAdapter.statistics_provenance``.
        where: The file, for the message.

    Raises:
        DataError: If they differ; it says in what.
    """
    found = statistics["provenance"]
    differences = [
        *_dates(found.get("dates"), wanted["dates"]),
        *_region(found.get("region"), wanted["region"]),
        *_files(found.get("files") or {}, wanted["files"], {name.partition(".")[0] for name in wanted["required"]}),
    ]
    differences += [
        f"{key} {found[key]}, here {wanted[key]}"
        for key in ("lags", "missing_conditioning")
        if key in found and found[key] != wanted[key]
    ]
    if differences:
        raise DataError(
            f"{where}: these statistics are of other data than the configuration's: {'; '.join(differences)}; compute "
            "them again with `stride-data stats`, or set data.statistics_of: any to use them all the same."
        )


def _dates(found: Sequence[str] | None, wanted: Sequence[str]) -> list[str]:
    if found is None or list(found) == list(wanted):
        return []
    return [f"dates {_span(found)}, here {_span(wanted)}"]


def _span(dates: Sequence[str]) -> str:
    return f"{dates[0]} to {dates[-1]} ({len(dates)} times)" if dates else "none"


def _region(found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list[str]:
    if found is None:
        return []
    return [
        f"region {name} {_box(found[name])}, here {_box(wanted[name])}"
        for name in wanted
        if name in found and found[name] != wanted[name]
    ]


def _box(box: Any) -> str:
    if isinstance(box, Mapping) and set(box) == {"y", "x", "height", "width"}:
        return f"{box['height']} x {box['width']} cells from row {box['y']}, column {box['x']}"
    return str(box)


def _files(found: Mapping[str, Any], wanted: Mapping[str, Any], used: set[str]) -> list[str]:
    """Differences of the sources in use, in what both descriptions tell."""
    return [
        f"{key} of source {name} {found[name][key]}, here {wanted[name][key]}"
        for name in wanted
        if name in used and name in found
        for key in wanted[name]
        if key not in _IGNORED and key in found[name] and found[name][key] != wanted[name][key]
    ]
