"""What of a configuration decides the content of its store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from stride_data.config import HOW_IT_IS_READ, DataConfig

# Where files lie, how to get at them, and what is done with values once they are read do not decide what is stored.
_NOT_DECIDING = HOW_IT_IS_READ | {
    "variables_file",
    "statistics",
    "statistics_of",
    "transforms",
    "missing_conditioning",
    "time_features",
}
_NOT_IN_SOURCES = ("storage_options",)


def identity(config: DataConfig) -> dict[str, Any]:
    """The part of a configuration that decides what a store holds, JSON-able, without anything secret."""
    section = config.model_dump(mode="json", exclude_defaults=True)
    found = {key: value for key, value in section.items() if key not in _NOT_DECIDING}
    found["sources"] = {name: _source(source) for name, source in found["sources"].items()}
    return found


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key not in _NOT_IN_SOURCES}


def content_hash(content: Any) -> str:
    """Short hash of JSON-able content; the same content has the same one."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
