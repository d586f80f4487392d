"""How each date fares among all dates by the CRPS of each system."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.reading import time_labels


def crps_of_dates(results: xr.Dataset, target: str) -> dict[str, dict[str, tuple[float, str]]]:
    """CRPS of single dates, and the place that it has among all of them.

    Args:
        results: of the family ``probabilistic``: ``crps`` along target, system and time, a mean over pixels.
        target: key of the variable.

    Returns:
        Date (ISO) -> system -> CRPS and words such as "lowest of 12 dates"; dates without a CRPS are left out. Equal
        values share the better place.
    """
    if "crps" not in results or target not in results["target"].values:
        return {}
    crps = results["crps"].sel(target=target)
    labels = time_labels(results, "probabilistic")
    found: dict[str, dict[str, tuple[float, str]]] = {}
    for system in (str(name) for name in crps["system"].values):
        values = np.asarray(crps.sel(system=system).values, dtype=float)
        known = np.sort(values[np.isfinite(values)])
        for label, value in zip(labels, values, strict=True):
            if np.isfinite(value):
                place = int(np.searchsorted(known, value))
                found.setdefault(label, {})[system] = float(value), _words(place, known.size)
    return found


def _words(place: int, count: int) -> str:
    """Of a place counted from zero."""
    if count == 1:
        return "the only date"
    if place == 0:
        return f"lowest of {count} dates"
    return f"highest of {count} dates" if place == count - 1 else f"{_ordinal(place + 1)} lowest of {count} dates"


def _ordinal(number: int) -> str:
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
