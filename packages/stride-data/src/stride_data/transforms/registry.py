"""Transforms by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_vars.errors import nearest
from stride_vars.spec import VariableSpec

from stride_data.errors import DataError, hint
from stride_data.transforms.identity import Identity
from stride_data.transforms.log_zscore import LogZScore
from stride_data.transforms.protocol import Transform
from stride_data.transforms.zscore import ZScore

_TRANSFORMS: dict[str, type[Transform]] = {cls.name: cls for cls in (Identity, ZScore, LogZScore)}


def names() -> tuple[str, ...]:
    """Names of all transforms."""
    return tuple(_TRANSFORMS)


def transform_class(name: str) -> type[Transform]:
    """The transform with this name; dashes count as underscores.

    Raises:
        DataError: If there is none.
    """
    folded = name.replace("-", "_")
    if folded not in _TRANSFORMS:
        raise DataError(f"unknown transform '{name}'.{nearest(folded, _TRANSFORMS)}")
    return _TRANSFORMS[folded]


def check_options(channel: str, options: Mapping[str, Any]) -> None:
    """Check one entry of a configuration's ``transforms``.

    Args:
        channel: ``source.key``, for the message.
        options: ``name`` and the transform's own options.

    Raises:
        ValueError: If the name, a key or a value is wrong; a validation error of the configuration says where.
    """
    given = options.get("name")
    if given is not None and not isinstance(given, str):
        raise ValueError(f"{channel}.name must be the name of a transform: {', '.join(_TRANSFORMS)}")
    allowed = {option for cls in _TRANSFORMS.values() for option in cls.options}
    if given is not None:
        if given.replace("-", "_") not in _TRANSFORMS:
            raise ValueError(f"{channel}.name '{given}' is no transform{hint(given, _TRANSFORMS)}")
        allowed = set(transform_class(given).options)
    for key, value in options.items():
        if key == "name":
            continue
        if key not in allowed:
            raise ValueError(f"unknown key '{channel}.{key}'{hint(key, ['name', *sorted(allowed)])}")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{channel}.{key} must be a number, not {value!r}")


def build(
    entry: Mapping[str, Any],
    *,
    spec: VariableSpec,
    source: str,
    statistics_id: str,
    options: Mapping[str, Any],
) -> Transform:
    """Build a channel's transform.

    Args:
        entry: The variable's entry in the statistics file.
        spec: The variable.
        source: Name of its source.
        statistics_id: Content id of the statistics file.
        options: The configuration's options; without ``name`` the variable's default transform is used.

    Raises:
        DataError: If the transform is unknown or the statistics do not allow it.
    """
    cls = transform_class(options.get("name") or spec.transform_default)
    for key in options:
        if key != "name" and key not in cls.options:
            raise DataError(
                f"data.transforms.{source}.{spec.key}: '{cls.name}', the default of {spec.key}, has no '{key}'; name "
                "the transform that is meant."
            )
    return cls.from_statistics(entry, spec=spec, source=source, statistics_id=statistics_id, options=options)


def from_metadata(metadata: Mapping[str, Any]) -> Transform:
    """Rebuild a transform from its metadata alone.

    Args:
        metadata: What ``Transform.metadata`` gave; a ``role`` beside it, as adapters add, is ignored.

    Raises:
        DataError: If the name is unknown or parameters are missing or unknown.
    """
    parameters = {key: value for key, value in metadata.items() if key not in ("name", "role")}
    cls = transform_class(str(metadata.get("name")))
    try:
        return cls(**parameters)
    except TypeError as exc:
        raise DataError(f"metadata of transform '{cls.name}' do not fit: {exc}; take them from the same file.") from exc
