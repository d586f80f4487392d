"""Parts of a transform as entries of its metadata, and back."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

Part = TypeVar("Part")


def as_parameters(part: Any) -> dict[str, Any]:
    """The fields of a frozen dataclass, JSON-able; a name that Python reserves loses its trailing underscore."""
    values = {field.name.rstrip("_"): getattr(part, field.name) for field in fields(part)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def take_part(cls: type[Part], parameters: dict[str, Any]) -> Part:
    """Build a part from its own entries, which are taken out of ``parameters``.

    Args:
        cls: A dataclass.
        parameters: Entries of all parts; those of ``cls`` are removed.

    Raises:
        TypeError: If an entry without a default is missing.
    """
    given: dict[str, Any] = {}
    for field in fields(cls):  # pyright: ignore[reportArgumentType]  # Part is any dataclass
        key = field.name.rstrip("_")
        if key in parameters:
            value = parameters.pop(key)
            given[field.name] = tuple(value) if isinstance(value, list) else value
        elif field.default is MISSING:
            raise TypeError(f"'{key}' is missing")
    return cls(**given)
