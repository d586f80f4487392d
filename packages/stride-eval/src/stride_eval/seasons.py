"""Seasons: months by name, and finished results cut to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

KNOWN: Mapping[str, tuple[int, ...]] = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}
"""Names that say their months."""


def written_out(given: Any) -> Any:
    """Seasons as name -> months, whichever way they were written.

    Args:
        given: a mapping of names to months or to a name in ``KNOWN``, a list of such names, or one name. Anything else
            is handed back as it is, for the configuration's own check.

    Raises:
        ValueError: a name alone that says no months.
    """
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        return {name: _months(months) if isinstance(months, str) else months for name, months in given.items()}
    if isinstance(given, list | tuple):
        return {name: _months(name) for name in given}
    return given


def _months(name: Any) -> tuple[int, ...]:
    if name not in KNOWN:
        raise ValueError(f"{name!r} says no months; write one of {', '.join(KNOWN)}, or name: [months], as wet: [6, 7]")
    return KNOWN[name]


def months_of(dates: tuple[str, ...]) -> tuple[int, ...]:
    """Month of each ISO date."""
    return tuple(int(date[5:7]) for date in dates)


def cut(results: xr.Dataset, months: tuple[int, ...]) -> xr.Dataset | None:
    """The dates of finished results that lie in these months; no field is read again.

    Args:
        results: of a family, with its provenance.
        months: numbers from 1 to 12.

    Returns:
        The results at those dates, with a provenance that holds those dates alone; None where there is no such date,
        or the results have no dates.
    """
    if "time" not in results.dims:
        return None
    chosen = results["time"].dt.month.isin(list(months)).values.nonzero()[0]
    if not chosen.size:
        return None
    part = results.isel(time=chosen)
    about = json.loads(results.attrs["provenance"])
    about["dates"] = [date for date in about["dates"] if int(date[5:7]) in months]
    return part.assign_attrs(provenance=json.dumps(about))
