"""Attributes of coordinates and grid mappings in a saved ensemble, as CF-1.11 wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Attrs = dict[str, Any]

GRID_MAPPING = "crs"
"""Name of the grid mapping variable; ``lr_crs`` in /conditioning."""

LATITUDE: Mapping[str, str] = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
LONGITUDE: Mapping[str, str] = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}

_PROJECTED = {"y": "projection_y_coordinate", "x": "projection_x_coordinate"}
_ROTATED = {"y": "grid_latitude", "x": "grid_longitude"}
_GEOGRAPHIC = {"y": LATITUDE, "x": LONGITUDE}
_NAMED = {
    "latitude": "latitude",
    "longitude": "longitude",
    "grid_latitude": "latitude of the rotated pole",
    "grid_longitude": "longitude of the rotated pole",
    "projection_y_coordinate": "y of the projection",
    "projection_x_coordinate": "x of the projection",
}


def member_attrs(labels: Sequence[str] | None = None) -> Attrs:
    """Attributes of ``member``, whose values are numbers.

    Args:
        labels: What another producer calls the members, in order.
    """
    attrs: Attrs = {"standard_name": "realization", "long_name": "ensemble member", "units": "1"}
    return {**attrs, "member_labels": " ".join(labels)} if labels else attrs


def time_attrs(units: str, calendar: str) -> Attrs:
    """Attributes of ``time``.

    Args:
        units: CF units, "hours since ...".
        calendar: CF calendar.
    """
    attrs: Attrs = {"standard_name": "time", "long_name": "time", "units": units, "calendar": calendar, "axis": "T"}
    # Days here have 24 hours; CF-1.11 (section 4.4) wants that said where the calendar is that of the real world.
    counted = {"units_metadata": "leap_seconds: none"}
    return {**attrs, **counted} if calendar in ("standard", "gregorian", "proleptic_gregorian", "utc") else attrs


def lag_attrs() -> Attrs:
    """Attributes of ``lag``: hours."""
    # "h" and not "hours", which xarray would turn into time differences on reading.
    return {"long_name": "offset in time from the target, negative before it", "units": "h"}


def axis_attrs(
    role: str, attrs: Mapping[str, Any], mapping: Mapping[str, Any] | None, *, located: bool = False
) -> Attrs:
    """Attributes of ``y`` or ``x`` (or ``lr_y``, ``lr_x``): those of the source, and what CF wants beside them.

    Args:
        role: "y" or "x".
        attrs: Attributes of the source's coordinate.
        mapping: Attributes of the grid mapping that the coordinate belongs to; None without one.
        located: Whether latitudes and longitudes stand beside the coordinate.
    """
    found: Attrs = {key: value for key, value in attrs.items() if value not in (None, "") and key != "axis"}
    name = _standard_name(role, found, mapping)
    if name is None:
        # A projection's coordinate without the projection says less than none: it is a distance.
        if found.get("standard_name") in (*_PROJECTED.values(), *_ROTATED.values()):
            del found["standard_name"]
    else:
        found["standard_name"] = name
        if name in ("latitude", "longitude"):
            found["units"] = _GEOGRAPHIC[role]["units"]
    found.setdefault("long_name", _NAMED.get(name or "", f"{role} coordinate"))
    # CF wants every horizontal axis placed on the Earth (section 5.6); one that cannot be is left a mere coordinate.
    return {**found, "axis": role.upper()} if name is not None or located else found


def grid_mapping_attrs(attrs: Mapping[str, Any]) -> Attrs:
    """Attributes of a grid mapping variable as CF-1.11 wants them (appendix F).

    Names of datum, ellipsoid, prime meridian and system come all together or not at all; numbers and WKT stay.
    """
    named = {key: value for key, value in attrs.items() if value is not None and str(value).lower() not in _NO_NAME}
    complete = all(key in named for key in _GEODETIC_NAMES)
    return {key: value for key, value in named.items() if complete or key not in _GEODETIC_NAMES}


_NO_NAME = ("", "unknown", "undefined")
_GEODETIC_NAMES = ("reference_ellipsoid_name", "prime_meridian_name", "horizontal_datum_name", "geographic_crs_name")


def links(coordinates: Mapping[str, Sequence[str]], dims: Sequence[str]) -> Attrs:
    """Attributes of a field that name its auxiliary coordinates and its grid mapping.

    Args:
        coordinates: Name -> dimensions of everything in the group that is no field; a grid mapping is called ``crs``
            or ``lr_crs`` and has none.
        dims: Dimensions of the field.
    """
    auxiliary = [name for name, its in coordinates.items() if its and name not in dims and set(its) <= set(dims)]
    mapping = [name for name, its in coordinates.items() if not its and name.endswith(GRID_MAPPING)]
    attrs: Attrs = {"coordinates": " ".join(auxiliary)} if auxiliary else {}
    return {**attrs, "grid_mapping": mapping[0]} if mapping else attrs


def _standard_name(role: str, attrs: Mapping[str, Any], mapping: Mapping[str, Any] | None) -> str | None:
    units, stated = str(attrs.get("units", "")).lower(), attrs.get("standard_name")
    kind = None if mapping is None else mapping.get("grid_mapping_name")
    if kind == "rotated_latitude_longitude":
        return _ROTATED[role]
    if stated in ("latitude", "longitude") or units.startswith(("degrees_", "degree_")):
        return _GEOGRAPHIC[role]["standard_name"]
    if kind is not None and kind != "latitude_longitude":
        return _PROJECTED[role]
    return None if stated in (*_PROJECTED.values(), *_ROTATED.values()) else stated
